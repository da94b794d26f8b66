"""Router Advertisement and Router Solicitation of Neighbor Discovery (RFC 4861 section 4).

With what Mobile IPv6 adds: which routers are home agents, and their addresses (RFC 6275 section 7),
and where mobility anchor points are (RFC 5380 section 5).

What the octets do not show is the receiver's to check: a hop limit of 255 and, of an advertisement,
a link-local source (RFC 4861 section 6.1).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from agents.wire import icmpv6
from agents.wire.errors import MalformedPacket, UnknownMessage

ROUTER_SOLICITATION = 133
ROUTER_ADVERTISEMENT = 134

TYPES = frozenset({ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT})
"""The ICMPv6 types that ``decode`` knows."""

HOP_LIMIT = 255
"""The hop limit of every Neighbor Discovery packet."""

_ADVERTISEMENT = struct.Struct("!BBH8x")  # hop limit, flags, router lifetime; no timers
_SOLICITATION = struct.Struct("!4x")
_PREFIX = struct.Struct("!BBII4x16s")  # prefix length, flags, valid, preferred, prefix
_MTU = struct.Struct("!2xI")
_SOURCE_LINK_LAYER_ADDRESS = 1
_PREFIX_INFORMATION = 3
_MTU_OPTION = 5
_MAP = struct.Struct("!BBI16s")  # distance and preference, flags, valid lifetime, address
_MAP_OPTION = 23
_MAP_ALLOCATES = 0x80
_NIBBLE = 0x0F
_ON_LINK = 0x80
_AUTONOMOUS = 0x40
_ROUTER_ADDRESS = 0x20
_HOME_AGENT = 0x20
_LINK_LAYER_ADDRESS_LENGTH = 6


@dataclass(frozen=True)
class PrefixInformation:
    """A Prefix Information option (RFC 4861 section 4.6.2); lifetimes in seconds."""

    prefix: IPv6Network
    valid_lifetime: int
    preferred_lifetime: int
    on_link: bool = True
    autonomous: bool = True
    router: IPv6Address | None = None
    """The router's own address in the prefix, if it tells that (flag R, RFC 6275 section 7.2)."""

    def __post_init__(self) -> None:
        if self.router is not None and self.router not in self.prefix:
            raise ValueError(f"{self.router} is not in {self.prefix}")


@dataclass(frozen=True)
class MapOption:
    """Where a mobility anchor point (MAP) is (RFC 5380 section 5).

    ``valid_lifetime`` is in seconds; 0 says that the MAP has failed. ``distance`` counts hops, from
    1 on; a higher ``preference`` is better, and 0 is for bindings that are there already.
    """

    address: IPv6Address
    valid_lifetime: int
    distance: int = 1
    preference: int = 15
    allocates: bool = False
    """Whether the MAP gives mobile nodes their regional care-of addresses (flag R)."""

    def __post_init__(self) -> None:
        if not 1 <= self.distance <= _NIBBLE:
            raise ValueError(f"a MAP at a distance of {self.distance}")
        if not 0 <= self.preference <= _NIBBLE:
            raise ValueError(f"a MAP of preference {self.preference}")


@dataclass(frozen=True)
class RouterAdvertisement:
    """A Router Advertisement (RFC 4861 section 4.2).

    ``hop_limit`` is the one that hosts shall use (0: unspecified). ``router_lifetime`` is in
    seconds; 0 means "not a default router".
    """

    hop_limit: int
    router_lifetime: int
    prefixes: tuple[PrefixInformation, ...] = ()
    source_link_layer_address: bytes | None = None
    mtu: int | None = None
    home_agent: bool = False
    """Whether the router is a home agent on this link (flag H, RFC 6275 section 7.1)."""
    maps: tuple[MapOption, ...] = ()

    def __post_init__(self) -> None:
        _check_link_layer_address(self.source_link_layer_address)


@dataclass(frozen=True)
class RouterSolicitation:
    """A Router Solicitation (RFC 4861 section 4.1)."""

    source_link_layer_address: bytes | None = None

    def __post_init__(self) -> None:
        _check_link_layer_address(self.source_link_layer_address)


Message = RouterAdvertisement | RouterSolicitation


def encode(message: Message, source: IPv6Address, destination: IPv6Address) -> bytes:
    """The ICMPv6 message with the checksum for these two addresses."""
    return icmpv6.encode(_frame(message), source, destination)


def decode(data: bytes, source: IPv6Address, destination: IPv6Address) -> Message:
    """Check an ICMPv6 message and take it apart; options that are not known here are skipped."""
    frame = icmpv6.decode(data, source, destination)
    if frame.type not in TYPES:
        raise UnknownMessage(frame.type)
    if frame.code != 0:
        raise MalformedPacket(f"neighbor discovery message with code {frame.code}")
    if frame.type == ROUTER_ADVERTISEMENT:
        return _decode_advertisement(frame.body)
    link_layer_address = None
    for kind, content in _options(frame.body, _SOLICITATION.size):
        if kind == _SOURCE_LINK_LAYER_ADDRESS:
            link_layer_address = _link_layer_address(content)
    if link_layer_address is not None and source.is_unspecified:  # section 6.1.1
        raise MalformedPacket("Router Solicitation from :: with a link-layer address")
    return RouterSolicitation(link_layer_address)


def _frame(message: Message) -> icmpv6.Icmpv6Message:
    source_option = b""
    if message.source_link_layer_address is not None:
        source_option = _option(_SOURCE_LINK_LAYER_ADDRESS, message.source_link_layer_address)
    if isinstance(message, RouterSolicitation):
        return icmpv6.Icmpv6Message(ROUTER_SOLICITATION, 0, _SOLICITATION.pack() + source_option)
    body = _ADVERTISEMENT.pack(
        message.hop_limit, _HOME_AGENT * message.home_agent, message.router_lifetime
    )
    body += source_option
    if message.mtu is not None:
        body += _option(_MTU_OPTION, _MTU.pack(message.mtu))
    for prefix in message.prefixes:
        body += _option(_PREFIX_INFORMATION, _encode_prefix(prefix))
    for anchor in message.maps:
        body += _option(_MAP_OPTION, _encode_map(anchor))
    return icmpv6.Icmpv6Message(ROUTER_ADVERTISEMENT, 0, body)


def _decode_advertisement(body: bytes) -> RouterAdvertisement:
    prefixes, maps = [], []
    link_layer_address = mtu = None
    for kind, content in _options(body, _ADVERTISEMENT.size):
        if kind == _SOURCE_LINK_LAYER_ADDRESS:
            link_layer_address = _link_layer_address(content)
        elif kind == _PREFIX_INFORMATION:
            prefixes.append(_decode_prefix(content))
        elif kind == _MTU_OPTION:
            mtu = _decode_mtu(content)
        elif kind == _MAP_OPTION:
            maps.append(_decode_map(content))
    hop_limit, flags, lifetime = _ADVERTISEMENT.unpack_from(body)
    home_agent = bool(flags & _HOME_AGENT)
    return RouterAdvertisement(
        hop_limit, lifetime, tuple(prefixes), link_layer_address, mtu, home_agent, tuple(maps)
    )


def _option(kind: int, content: bytes) -> bytes:
    """An option; its length counts units of 8 octets (RFC 4861 section 4.6)."""
    return bytes((kind, (2 + len(content)) // 8)) + content


def _options(body: bytes, start: int) -> Iterator[tuple[int, bytes]]:
    """Type and content of each option behind the fixed part of a message."""
    if len(body) < start:
        raise MalformedPacket(f"neighbor discovery message of {len(body) + 4} octets")
    offset = start
    while offset < len(body):
        length = 8 * body[offset + 1] if offset + 1 < len(body) else 0
        if length == 0 or offset + length > len(body):
            raise MalformedPacket("neighbor discovery option without a length or beyond the end")
        yield body[offset], body[offset + 2 : offset + length]
        offset += length


def _encode_prefix(information: PrefixInformation) -> bytes:
    flags = _ON_LINK * information.on_link | _AUTONOMOUS * information.autonomous
    if information.router is not None:
        flags |= _ROUTER_ADDRESS
    return _PREFIX.pack(
        information.prefix.prefixlen,
        flags,
        information.valid_lifetime,
        information.preferred_lifetime,
        (information.router or information.prefix.network_address).packed,
    )


def _decode_prefix(content: bytes) -> PrefixInformation:
    if len(content) != _PREFIX.size:
        raise MalformedPacket(f"prefix information of {len(content) + 2} octets")
    length, flags, valid, preferred, prefix = _PREFIX.unpack(content)
    if length > 128:
        raise MalformedPacket(f"prefix length {length}")
    # Bits behind the length are reserved, unless they are the router's address.
    network = IPv6Network((prefix, length), strict=False)
    router = IPv6Address(prefix) if flags & _ROUTER_ADDRESS else None
    return PrefixInformation(
        network, valid, preferred, bool(flags & _ON_LINK), bool(flags & _AUTONOMOUS), router
    )


def _encode_map(option: MapOption) -> bytes:
    return _MAP.pack(
        option.distance << 4 | option.preference,
        _MAP_ALLOCATES * option.allocates,
        option.valid_lifetime,
        option.address.packed,
    )


def _decode_map(content: bytes) -> MapOption:
    if len(content) != _MAP.size:
        raise MalformedPacket(f"MAP option of {len(content) + 2} octets")
    place, flags, lifetime, address = _MAP.unpack(content)
    if place >> 4 == 0:
        raise MalformedPacket("MAP option with a distance of 0")
    allocates = bool(flags & _MAP_ALLOCATES)
    return MapOption(IPv6Address(address), lifetime, place >> 4, place & _NIBBLE, allocates)


def _decode_mtu(content: bytes) -> int:
    if len(content) != _MTU.size:
        raise MalformedPacket(f"MTU option of {len(content) + 2} octets")
    mtu: int = _MTU.unpack(content)[0]
    return mtu


def _link_layer_address(content: bytes) -> bytes:
    """An Ethernet address, which fills its option (RFC 2464 section 6)."""
    if len(content) != _LINK_LAYER_ADDRESS_LENGTH:
        raise MalformedPacket(f"link-layer address of {len(content)} octets")
    return content


def _check_link_layer_address(address: bytes | None) -> None:
    if address is not None and len(address) != _LINK_LAYER_ADDRESS_LENGTH:
        raise ValueError(f"{address!r} is not an Ethernet address")
