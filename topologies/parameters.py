"""What a topology is built from: counts, link qualities, and the end nodes attached to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Dad = Literal["normal", "optimistic", "off"]
Centre = Literal["cmd", "lma", "ha"]
Role = Literal["mn", "source", "server", "i3-server", "i3-client", "member"]
"""Of a node that the scenario adds."""


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
    centre: Centre = "cmd"
    """What every MAR has a link to: the central mobility database, which no packet of a user
    crosses; or a mobility anchor that mobile nodes have their prefixes from: the local mobility
    anchor of PMIPv6, the home agent of MIPv6."""
    second_domain: tuple[str, ...] = ()
    """MARs of another operator, whose links to a centre lead to one of their own, ``cmd2``."""
    home: Quality = field(default_factory=Quality)
    """Between a mobility anchor and the root multicast router."""
    standby: Quality | None = None
    """Between the central mobility database and a second one; None: there is no second one."""
    mcc: Quality | None = None
    """Between a MAR and the multicast channel control; None: that is no node of its own."""
    between: Mapping[tuple[str, str], Quality] = field(default_factory=dict)
    """``internet``: what a packet of one end node to another meets."""


@dataclass(frozen=True)
class EndNode:
    """A node that the scenario adds to the topology."""

    role: Role
    dad: Dad = "normal"
    """How a mobile node's kernel does duplicate address detection (RFC 4862, RFC 4429)."""
