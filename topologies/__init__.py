"""Topologies: Mininet Topo classes by the name that a scenario calls them.

The names are known without Mininet; the classes need it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from topologies.domain import Domain

KINDS = {"dmm-domain": ("dmm_domain", "DmmDomain"), "line": ("line", "Line")}
"""The module and the class of each."""


def topology(kind: str) -> type[Domain]:
    """The class of a kind of topology."""
    module, name = KINDS[kind]
    found: type[Domain] = getattr(import_module(f"topologies.{module}"), name)
    return found
