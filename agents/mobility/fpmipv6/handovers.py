"""What a MAG with fast handovers remembers of nodes that leave, come, and are asked about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, IPv6Network

from agents.core import MILLISECOND, SECOND
from agents.wire.fast_handover import HandoverInitiate

RETRANSMISSION = 100 * MILLISECOND
"""After which an HI is sent again, then after twice that, and so on (ns)."""
LIFETIME = 5 * SECOND
"""How long packets are kept or forwarded for a node whose whereabouts are in doubt (ns)."""
MAXIMUM_EXPECTED = 1024
"""Nodes that may be on their way to one MAG."""


@dataclass(frozen=True)
class FastMagConfig:
    """What a MAG is told about fast handovers."""

    address: IPv6Address
    lma: IPv6Address
    pool: IPv6Network
    """Where the LMA's home network prefixes come from."""
    peers: Collection[IPv6Address]
    """The MAGs whose word counts."""
    predictive: bool = True
    """Whether the next MAG is told before the node leaves; else only when it has come."""
    lifetime: int = LIFETIME


class Timer(Enum):
    """What a handover may wait for."""

    ANNOUNCE = "announce"
    ASK = "ask"
    LEAVING = "leaving"
    COMING = "coming"


@dataclass
class Departure:
    """A node that leaves, or has left: what is for it is kept, or goes to ``peer``."""

    peer: IPv6Address | None = None
    message: HandoverInitiate | None = None
    """What announces it there, if this MAG does that."""
    forwards: bool = False
    """Whether what is for it goes there."""
    timeout: int = RETRANSMISSION


@dataclass
class Arrival:
    """A node that comes, or has come, and whose packets ``previous`` forwards."""

    previous: IPv6Address
    sequence: int


@dataclass
class Question:
    """A node that has come unannounced: where it was is asked who it is."""

    previous: IPv6Address
    message: HandoverInitiate
    adopted: bool = False
    """Whether it has been answered, and the previous MAG is asked to forward."""
    timeout: int = RETRANSMISSION
