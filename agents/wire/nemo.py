"""Messages of NEMO between members of an overlay, each the body of one sealed UDP datagram.

Birrer and Bustamante give no format, so the octets are ours; docs/wire.md has them as tables, and
``agents.wire.nemo_codec`` writes and reads them. The datagram around a body is that of
``agents.wire.overlay``; the types of the two do not overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv6Address
from typing import ClassVar, NamedTuple

from agents.wire.i3 import Endpoint
from agents.wire.overlay import MEMBER_ID_LENGTH, MemberId

MAXIMUM_LAYERS = 16
NOBODY = MemberId(bytes(MEMBER_ID_LENGTH))
MAXIMUM_MISSING = 64
"""Sequence numbers in one Nack."""


class Peer(NamedTuple):
    """A member, and where it is; of the sender of a message that is where the message is from."""

    member: MemberId
    endpoint: Endpoint


class Way(IntEnum):
    """What the receiver of data is to do with it."""

    KEEP = 0
    """Nothing more."""
    DOWN = 1
    """Bring it to all in the cluster of that layer."""
    UP = 2
    """The same, but for the part that it comes from, and to the cluster above."""
    AGAIN = 3
    """Nothing more: it asked for it."""


@dataclass(frozen=True, slots=True)
class Ping:
    """Are you there, and how far?"""

    TYPE: ClassVar[int] = 64
    nonce: int


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ping."""

    TYPE: ClassVar[int] = 65
    nonce: int


@dataclass(frozen=True, slots=True)
class Find:
    """To a rendezvous point: who is at the top of a group?"""

    TYPE: ClassVar[int] = 66
    group: IPv6Address


@dataclass(frozen=True, slots=True)
class Root:
    """Of a rendezvous point: this cluster is at the top of a group, its leader first; or none."""

    TYPE: ClassVar[int] = 67
    group: IPv6Address
    layer: int
    crew: tuple[Peer, ...]


@dataclass(frozen=True, slots=True)
class Register:
    """To a rendezvous point: the sender leads the cluster at the top of a group, with this crew."""

    TYPE: ClassVar[int] = 68
    group: IPv6Address
    layer: int
    crew: tuple[Peer, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """To a leader: who is in your cluster of that layer?"""

    TYPE: ClassVar[int] = 69
    group: IPv6Address
    layer: int


@dataclass(frozen=True, slots=True)
class Members:
    """The answer: those who are; nobody when the sender leads none there."""

    TYPE: ClassVar[int] = 70
    group: IPv6Address
    layer: int
    peers: tuple[Peer, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """To a leader: take me into your cluster of that layer; this is my crew one layer below."""

    TYPE: ClassVar[int] = 71
    group: IPv6Address
    layer: int
    crew: tuple[Peer, ...]


@dataclass(frozen=True, slots=True)
class Leave:
    """The sender is not in the receiver's cluster of that layer, nor the receiver in its own."""

    TYPE: ClassVar[int] = 72
    group: IPv6Address
    layer: int


@dataclass(frozen=True, slots=True)
class Seat:
    """A member of a cluster, with its crew of the cluster below that it leads."""

    peer: Peer
    crew: tuple[Peer, ...] = ()


@dataclass(frozen=True, slots=True)
class View:
    """Of a cluster's leader to all in it: who they are, which are co-leaders, who leads above."""

    TYPE: ClassVar[int] = 73
    group: IPv6Address
    layer: int
    after: MemberId
    """Whom the sender follows as leader."""
    seats: tuple[Seat, ...]
    crew: tuple[MemberId, ...]
    """The co-leaders, in the order in which they succeed the leader."""
    above: tuple[Peer, ...]
    """The leader and the co-leaders of the cluster above; none: there is none."""


@dataclass(frozen=True, slots=True)
class Alive:
    """To the leader: the sender is there, has this crew below, and is so far (ms) from others."""

    TYPE: ClassVar[int] = 74
    group: IPv6Address
    layer: int
    crew: tuple[Peer, ...]
    distances: tuple[tuple[MemberId, int], ...]


@dataclass(frozen=True, slots=True)
class Lead:
    """Be the leader of these in that layer, in the sender's stead."""

    TYPE: ClassVar[int] = 75
    group: IPv6Address
    layer: int
    seats: tuple[Seat, ...]
    above: tuple[Peer, ...]


@dataclass(frozen=True, slots=True)
class Move:
    """Join that one's cluster of that layer instead of the sender's."""

    TYPE: ClassVar[int] = 76
    group: IPv6Address
    layer: int
    to: Peer


@dataclass(frozen=True, slots=True)
class Data:
    """One IP packet."""

    TYPE: ClassVar[int] = 77
    group: IPv6Address
    publisher: MemberId
    sequence: int
    way: Way
    layer: int
    skip: MemberId
    """Of a packet on its way up: the part of the cluster that it comes from."""
    had: int
    """Bit n: the sender has the publisher's packet ``sequence - 1 - n``."""
    source: IPv6Address
    packet: bytes


@dataclass(frozen=True, slots=True)
class Nack:
    """The sender lacks these packets of a publisher."""

    TYPE: ClassVar[int] = 78
    group: IPv6Address
    publisher: MemberId
    missing: tuple[int, ...]


Message = (
    Ping | Pong | Find | Root | Register | Query | Members | Join | Leave | View | Alive | Lead
    | Move | Data | Nack
)  # fmt: skip

NAMES = {
    one.TYPE: one.__name__
    for one in (
        *(Ping, Pong, Find, Root, Register, Query, Members, Join),
        *(Leave, View, Alive, Lead, Move, Data, Nack),
    )
}
"""The messages, by the first octet of the body."""
