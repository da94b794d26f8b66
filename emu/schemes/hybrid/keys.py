"""Keys of a scenario's ``mobility`` that the hybrid scheme has for itself."""

from __future__ import annotations

from typing import Literal

from emu.scenario.fields import NodeName
from emu.scenario.section import Section


class Domains(Section):
    """Which operator has which access router, and what happens between them."""

    home_domain: list[NodeName] = []
    """The access routers of the home operator, with network-based mobility management."""
    foreign_domain: list[NodeName] = []
    """Those of another operator who has it as well, with a CMD of his own; the rest has none."""
    update: Literal["all", "last"] = "all"
    """Whom a mobile node tells where it is once it is out of its home domain: each router there
    that anchors an address of its own, or only the one that served it last (paper section 4.3)."""
    care_of: Literal["keep", "update"] = "keep"
    """In ``foreign_domain``, whose network keeps a care-of address reachable: whether a mobile node
    leaves it at that, or has its home agents know the new one after each handover (footnote 6)."""
