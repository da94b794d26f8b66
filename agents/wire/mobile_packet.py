"""IPv6 packets with the extension headers of Mobile IPv6 (RFC 6275 sections 6.3 and 6.4).

A mobile node that is away names its home address in a Home Address option; what goes straight to
it has its care-of address as the destination, and its home address in a type 2 routing header.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.wire import ipv6
from agents.wire.errors import MalformedPacket

EXTENSION_SIZE = 24
"""Octets of either header."""

_UNITS = EXTENSION_SIZE // 8 - 1
_ROUTING_TYPE = 2
_ROUTING = struct.Struct("!BBBB4x16s")  # next header, length, type, segments left
_HOME_ADDRESS = 201
_ADDRESS_SIZE = 16
# PadN of four octets brings the option to 8n+6.
_OPTIONS_HEAD = b"\x01\x02\x00\x00" + bytes((_HOME_ADDRESS, 16))


@dataclass(frozen=True)
class MobilePacket:
    """An IPv6 packet, and the two addresses that are in its extension headers, if any."""

    source: IPv6Address
    destination: IPv6Address
    next_header: int
    """Protocol of ``payload``."""
    payload: bytes
    home_address: IPv6Address | None = None
    """Of the Home Address option."""
    routed_to: IPv6Address | None = None
    """Of the type 2 routing header."""
    hop_limit: int = 64

    @property
    def sender(self) -> IPv6Address:
        """The source that upper layers see; checksums count it (RFC 6275 section 6.1.1)."""
        return self.home_address or self.source

    @property
    def receiver(self) -> IPv6Address:
        """The destination that upper layers see; checksums count it (RFC 8200 section 8.1)."""
        return self.routed_to or self.destination


def encode(packet: MobilePacket) -> bytes:
    """The whole IPv6 packet."""
    next_header, payload = packet.next_header, packet.payload
    if packet.home_address is not None:
        options = _OPTIONS_HEAD + packet.home_address.packed
        payload = bytes((next_header, _UNITS)) + options + payload
        next_header = ipv6.DESTINATION_OPTIONS
    if packet.routed_to is not None:
        address = packet.routed_to.packed
        payload = _ROUTING.pack(next_header, _UNITS, _ROUTING_TYPE, 1, address) + payload
        next_header = ipv6.ROUTING
    return ipv6.packet(
        packet.source, packet.destination, next_header, payload, hop_limit=packet.hop_limit
    )


def decode(data: bytes) -> MobilePacket:
    """Take a packet apart; MalformedPacket for any other extension header than these two.

    RFC 6275 section 6.4: a type 2 routing header has one address and one segment left.
    """
    packet = ipv6.parse(data, skip=())
    next_header, payload = packet.next_header, packet.payload
    home_address = routed_to = None
    if next_header == ipv6.ROUTING:
        content, next_header, payload = ipv6.extension_header(payload)
        routed_to = _routed_to(content)
    if next_header == ipv6.DESTINATION_OPTIONS:
        content, next_header, payload = ipv6.extension_header(payload)
        home_address = _home_address(content)
    return MobilePacket(
        packet.source,
        packet.destination,
        next_header,
        payload,
        home_address,
        routed_to,
        packet.hop_limit,
    )


def _routed_to(content: bytes) -> IPv6Address:
    """The address of a routing header, behind its next header and its length."""
    if len(content) != EXTENSION_SIZE - 2 or tuple(content[:2]) != (_ROUTING_TYPE, 1):
        raise MalformedPacket("routing header that is not of type 2, for one address")
    return IPv6Address(content[6:])


def _home_address(content: bytes) -> IPv6Address | None:
    """The address of the Home Address option among destination options."""
    found = None
    for kind, data in ipv6.options(content):
        if kind != _HOME_ADDRESS:
            ipv6.skip_unknown(kind)
            continue
        if len(data) != _ADDRESS_SIZE or found is not None:
            raise MalformedPacket("Home Address option of another length, or a second one")
        found = IPv6Address(data)
    return found
