"""The IPv6 packet (RFC 8200) with the Router Alert that MLD needs (RFC 2711)."""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from agents.wire.errors import MalformedPacket

HEADER_LENGTH = 40
HOP_LIMIT = 7
HOP_BY_HOP = 0
ROUTING = 43
DESTINATION_OPTIONS = 60

ICMPV6 = 58
MOBILITY = 135

_LINK_LOCAL = IPv6Network("fe80::/64")

# Option 5, two octets, value 0 = "MLD message" (RFC 2711), then PadN to eight octets.
_PAD1 = 0
_ACTION_SHIFT = 6
_ROUTER_ALERT_TYPE = 5
_ROUTER_ALERT_MLD = b"\x00\x00"
_ROUTER_ALERT_OPTIONS = b"\x05\x02\x00\x00\x01\x00"


@dataclass(frozen=True)
class IPv6Packet:
    """A packet as its receiver sees it: what remains behind the extension headers.

    ``next_header`` is the protocol of ``payload``. ``router_alert`` tells whether a hop-by-hop
    header announced an MLD message.
    """

    source: IPv6Address
    destination: IPv6Address
    next_header: int
    hop_limit: int
    payload: bytes
    router_alert: bool = False


def checksum(
    source: IPv6Address, destination: IPv6Address, next_header: int, payload: bytes
) -> int:
    """The upper-layer checksum over the pseudo-header and ``payload`` (RFC 8200 section 8.1).

    With the checksum field of ``payload`` zero it is the value to put there; over a received
    payload it is zero when the checksum is right. (UDP sends 0xffff where this gives zero.)
    """
    words = int.from_bytes(payload + bytes(len(payload) % 2), "big")
    pseudo = int(source) + int(destination) + len(payload) + next_header
    # One's complement sums of 16-bit words are numbers modulo 2**16 - 1, of which 2**16 is 1.
    return -(pseudo + words) % 0xFFFF


def link_local(link_layer_address: bytes) -> IPv6Address:
    """The link-local address with the modified EUI-64 identifier (RFC 4291 appendix A)."""
    return of_interface(_LINK_LOCAL, link_layer_address)


def of_interface(prefix: IPv6Network, link_layer_address: bytes) -> IPv6Address:
    """The address in a /64 with that identifier: what a host makes of the prefix (RFC 4862)."""
    high, low = link_layer_address[:3], link_layer_address[3:]
    identifier = bytes((high[0] ^ 0x02,)) + high[1:] + b"\xff\xfe" + low
    return IPv6Address(prefix.network_address.packed[:8] + identifier)


def link_local_like(address: IPv6Address) -> IPv6Address:
    """The link-local address with the interface identifier of another address."""
    return IPv6Address(b"\xfe\x80" + bytes(6) + address.packed[8:])


def packet(
    source: IPv6Address,
    destination: IPv6Address,
    next_header: int,
    payload: bytes,
    *,
    hop_limit: int = 64,
    router_alert: bool = False,
) -> bytes:
    """An IPv6 packet that carries ``payload`` of protocol ``next_header``."""
    if router_alert:
        payload = bytes((next_header, 0)) + _ROUTER_ALERT_OPTIONS + payload
        next_header = HOP_BY_HOP
    version = 6 << 28
    header = struct.pack("!IHBB", version, len(payload), next_header, hop_limit)
    return header + source.packed + destination.packed + payload


def parse(data: bytes, *, skip: Collection[int] = (ROUTING, DESTINATION_OPTIONS)) -> IPv6Packet:
    """Take a packet apart and skip its hop-by-hop, destination options and routing headers.

    ``skip`` are the extension headers to skip beside the hop-by-hop one. Octets behind the payload
    length are link-layer padding and dropped.
    """
    if len(data) < HEADER_LENGTH:
        raise MalformedPacket(f"IPv6 header of {len(data)} octets")
    if data[0] >> 4 != 6:
        raise MalformedPacket(f"IP version {data[0] >> 4}")
    length, next_header, hop_limit = struct.unpack_from("!HBB", data, 4)
    payload = data[HEADER_LENGTH : HEADER_LENGTH + length]
    if len(payload) < length:
        raise MalformedPacket(f"IPv6 payload of {len(payload)} octets, header says {length}")
    router_alert = False
    if next_header == HOP_BY_HOP:
        options, next_header, payload = extension_header(payload)
        router_alert = _has_router_alert(options)
    while next_header in skip:
        _, next_header, payload = extension_header(payload)
    if next_header == HOP_BY_HOP:
        raise MalformedPacket("hop-by-hop header behind another extension header")
    source, destination = IPv6Address(data[8:24]), IPv6Address(data[24:40])
    return IPv6Packet(source, destination, next_header, hop_limit, payload, router_alert)


def forwarded(packet: bytes) -> bytes | None:
    """A whole packet as a router sends it on: one hop less, and no link-layer padding.

    None: it has come as far as it may.
    """
    length = HEADER_LENGTH + int.from_bytes(packet[4:6], "big")
    hop_limit = packet[HOP_LIMIT] - 1
    if hop_limit < 1:
        return None
    return packet[:HOP_LIMIT] + bytes((hop_limit,)) + packet[HOP_LIMIT + 1 : length]


def extension_header(data: bytes) -> tuple[bytes, int, bytes]:
    """Content, next header, and what follows, of the extension header that ``data`` begins with."""
    length = 8 * (data[1] + 1) if len(data) >= 2 else 8
    if len(data) < length:
        raise MalformedPacket("extension header longer than the packet")
    return data[2:length], data[0], data[length:]


def options(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Types and data of the options of an extension header, without padding of one octet.

    MalformedPacket when one is longer than the header.
    """
    offset = 0
    while offset < len(content):
        if content[offset] == _PAD1:  # the only one without a length
            offset += 1
            continue
        end = offset + 2 + content[offset + 1] if offset + 1 < len(content) else len(content) + 1
        if end > len(content):
            raise MalformedPacket("IPv6 option longer than its header")
        yield content[offset], content[offset + 2 : end]
        offset = end


def skip_unknown(option_type: int) -> None:
    """Pass over an option that is not known, if its type says so (RFC 8200 section 4.2)."""
    if option_type >> _ACTION_SHIFT:
        raise MalformedPacket(f"IPv6 option {option_type} that must not be passed over")


def _has_router_alert(content: bytes) -> bool:
    """Whether hop-by-hop options hold the Router Alert with the value of MLD."""
    found = False
    for kind, data in options(content):
        if kind == _ROUTER_ALERT_TYPE:
            found = found or data == _ROUTER_ALERT_MLD
        else:
            skip_unknown(kind)
    return found
