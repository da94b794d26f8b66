"""What a topology is built from: counts, link qualities, and the end nodes attached to it."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Network
from typing import Literal

Dad = Literal["normal", "optimistic", "off"]
Role = Literal["mn", "source", "server", "i3-server", "i3-client", "member", "host"]
"""Of a node that the scenario adds."""
ISLAND, ISLAND_LINK, ISLANDER = "island", "isle", "host"
"""The role of an Ethernet, the kind of a link to it, and the role of who is on nothing else."""


@dataclass(frozen=True)
class Quality:
    """What a link does to a packet, in each direction. The default does nothing."""

    delay_ns: int = 0
    """One-way propagation delay."""
    jitter_ns: int = 0
    """The delay varies uniformly within ± this."""
    loss: float = 0.0
    """Probability, 0 to 1, that a packet is lost; each independently."""
    rate_bps: int | None = None
    """Bits a second; None is as fast as the machine goes."""

    @property
    def plain(self) -> bool:
        """Whether the link leaves packets alone."""
        return self == Quality()

    def half(self) -> Quality:
        """The quality of each of two equal links that, in a row, have this one."""
        loss = 1 - math.sqrt(1 - self.loss)
        return Quality(self.delay_ns // 2, self.jitter_ns // 2, loss, self.rate_bps)


@dataclass(frozen=True)
class Centre:
    """What every MAR has a link to: the role of a node. One in the centre has its name, too."""

    role: str
    number: int
    """Of the role, in addresses; `emu.network.addressing` has those that are taken."""
    pool: IPv6Network | None = None
    """The prefixes that mobile nodes have from it; it then has a link to the root multicast router
    for their packets. None: no packet of a user crosses it."""
    one_link: bool = False
    """Whether all access links look like one to mobile nodes (RFC 5213 section 6.9.3)."""

    @property
    def anchors(self) -> bool:
        """Whether mobile nodes have prefixes from it."""
        return self.pool is not None


@dataclass(frozen=True)
class Extra:
    """A node beside the centre that MARs have a link to, whose ``kind`` is its role."""

    name: str
    kind: Centre
    link: Quality
    """Between a MAR and it."""
    home: Quality = field(default_factory=Quality)
    """Between it and the root multicast router, if it anchors prefixes."""
    mars: Collection[str] | None = None
    """Who has a link to it; None: all MARs."""


HOME_POOL = IPv6Network("2001:db8:a000::/48")
"""Of the mobility anchor in the centre."""
SECOND_CMD = "cmd2"
"""Another operator's, or the one that stands in for the first."""
MCC = Centre("mcc", 9)
"""The multicast channel control, where it is a node of its own."""
CMD = Centre("cmd", 3)
"""The central mobility database."""
LMA = Centre("lma", 7, HOME_POOL, one_link=True)
"""The local mobility anchor of PMIPv6."""
HA = Centre("ha", 8, HOME_POOL)
"""The home agent of MIPv6."""


@dataclass(frozen=True)
class Parameters:
    """The counts and link qualities of a domain of mobility anchor and access routers (MARs)."""

    mars: int = 3
    routers: int = 3
    """Native multicast routers: mr1, the root, and those that the MARs hang on."""
    access: Quality = field(default_factory=Quality)
    """Between a MAR and its access point."""
    radios: Mapping[str, tuple[Quality, Quality]] = field(default_factory=dict)
    """The same of some MARs only: what the MAR sends, and what mobile nodes send to it."""
    backhaul: Quality = field(default_factory=Quality)
    """Between two MARs: any two (``dmm-domain``), or two neighbours (``line``)."""
    cmd: Quality = field(default_factory=Quality)
    """Between a MAR and the centre."""
    core: Quality = field(default_factory=Quality)
    """Between a MAR and its native multicast router."""
    centre: Centre = CMD
    second_domain: tuple[str, ...] = ()
    """MARs of another operator, whose links to a centre lead to one of their own, ``cmd2``."""
    home: Quality = field(default_factory=Quality)
    """Between a mobility anchor and the root multicast router."""
    standby: Quality | None = None
    """Between the central mobility database and a second one; None: there is no second one."""
    extras: tuple[Extra, ...] = ()
    between: Mapping[tuple[str, str], Quality] = field(default_factory=dict)
    """``internet``: what a packet of one end node to another meets."""


@dataclass(frozen=True)
class EndNode:
    """A node that the scenario adds to the topology."""

    role: Role
    dad: Dad = "normal"
    """How a mobile node's kernel does duplicate address detection (RFC 4862, RFC 4429)."""
    island: str | None = None
    """``internet``: the Ethernet that it is on, too; a ``host`` is on nothing else."""
