"""What the items of an overlay's members say, each under a number, its slot.

Slot 0 is the member itself, slot 1 (without content) says that it lives, the others are what it
wants of one group each.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.wire.addresses import shared_address
from agents.wire.errors import MalformedPacket
from agents.wire.i3 import ENDPOINT_LENGTH, Endpoint
from agents.wire.overlay import MEMBER_ID_LENGTH, MemberId

PROFILE_SLOT = 0
LIFE_SLOT = 1
FIRST_INTEREST_SLOT = 2

_PROFILE = struct.Struct("!BBffff")
_LEAF = 1
_INTEREST = struct.Struct("!16sB")
_EXCLUDING = 1


@dataclass(frozen=True, slots=True)
class Profile:
    """What a member says of itself."""

    name: str
    degree: int
    """How many children it takes in one tree."""
    endpoints: tuple[Endpoint, ...]
    leaf: bool = False
    """It is behind a NAT: only its hubs, and whom it has just sent to, reach it."""
    hubs: tuple[MemberId, ...] = ()
    coordinates: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 1.0)
    """Two coordinates and a height in ms, and how wrong they may be (0 to 1)."""


@dataclass(frozen=True, slots=True)
class Interest:
    """Which sources of a group a member wants: these, or all but these."""

    group: IPv6Address
    excluding: bool
    sources: frozenset[IPv6Address] = frozenset()

    def accepts(self, source: IPv6Address) -> bool:
        """Whether packets of a source are wanted."""
        return (source in self.sources) is not self.excluding


def encode_profile(profile: Profile) -> bytes:
    """The content of slot 0; a member that leaves has none there."""
    name = profile.name.encode()
    head = _PROFILE.pack(_LEAF if profile.leaf else 0, profile.degree, *profile.coordinates)
    parts = (bytes((len(name),)), name, bytes((len(profile.endpoints),)), *profile.endpoints)
    return head + b"".join((*parts, *profile.hubs))


def decode_profile(content: bytes) -> Profile:
    """The profile of a content; ``MalformedPacket`` for what is none."""
    try:
        bits, degree, *coordinates = _PROFILE.unpack_from(content)
        start = _PROFILE.size + 1
        name_end = start + content[_PROFILE.size]
        name = content[start:name_end].decode()
        hubs_at = name_end + 1 + content[name_end] * ENDPOINT_LENGTH
    except (struct.error, IndexError, UnicodeDecodeError):
        raise MalformedPacket("a profile that is cut off, or whose name is no text") from None
    rest = content[hubs_at:]
    if len(content) < hubs_at or len(rest) % MEMBER_ID_LENGTH:
        raise MalformedPacket("a profile whose endpoints or hubs are cut off")
    if not all(abs(number) < 1e6 for number in coordinates):  # NaN is not, either
        raise MalformedPacket("a profile with impossible coordinates")
    endpoints = _parts(content[name_end + 1 : hubs_at], ENDPOINT_LENGTH)
    hubs = _parts(rest, MEMBER_ID_LENGTH)
    x, y, height, error = coordinates
    return Profile(
        name,
        degree,
        tuple(map(Endpoint, endpoints)),
        bool(bits & _LEAF),
        tuple(map(MemberId, hubs)),
        (x, y, abs(height), min(1.0, abs(error))),
    )


def encode_interest(interest: Interest) -> bytes:
    """The content of a slot from 2 on; one that is free has none."""
    head = _INTEREST.pack(interest.group.packed, _EXCLUDING if interest.excluding else 0)
    return head + b"".join(source.packed for source in sorted(interest.sources))


def decode_interest(content: bytes) -> Interest:
    """The interest of a content; ``MalformedPacket`` for what is none."""
    if len(content) < _INTEREST.size or (len(content) - _INTEREST.size) % 16:
        raise MalformedPacket("an interest has a group and sources of 16 octets each")
    group, bits = _INTEREST.unpack_from(content)
    sources = frozenset(map(shared_address, _parts(content[_INTEREST.size :], 16)))
    return Interest(shared_address(group), bool(bits & _EXCLUDING), sources)


def _parts(data: bytes, length: int) -> list[bytes]:
    return [data[start : start + length] for start in range(0, len(data), length)]
