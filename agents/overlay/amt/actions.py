"""What the cores of AMT hand over to those of IGMP and MLD (``agents.overlay.actions`` besides)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import Action
from agents.overlay.amt.packets import Query, Report


@dataclass(frozen=True, slots=True)
class Queried(Action):
    """The relay asks what is wanted."""

    query: Query


@dataclass(frozen=True, slots=True)
class PacketTooBig(Action):
    """Tell the source of a packet that none longer than this passes (section 5.3.3.6.2)."""

    packet: bytes
    mtu: int


@dataclass(frozen=True, slots=True)
class Reported(Action):
    """A gateway says what it wants; ``host`` stands for its tunnel."""

    host: IPv6Address
    message: Report


@dataclass(frozen=True, slots=True)
class TornDown(Action):
    """A gateway wants nothing any more by this tunnel."""

    host: IPv6Address
