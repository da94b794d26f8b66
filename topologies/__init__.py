"""Topologies: Mininet Topo classes by the name that a scenario calls them.

The names are known without Mininet; the classes need it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from topologies.base import Base

KINDS = {
    "dmm-domain": ("dmm_domain", "DmmDomain"),
    "line": ("line", "Line"),
    "internet": ("internet", "Internet"),
}
"""The module and the class of each."""


def topology(kind: str) -> type[Base]:
    """The class of a kind of topology."""
    module, name = KINDS[kind]
    found: type[Base] = getattr(import_module(f"topologies.{module}"), name)
    return found
