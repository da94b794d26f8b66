"""The IPv4 packet (RFC 791) with the Router Alert that IGMP needs (RFC 2113)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address

from agents.wire.errors import MalformedPacket

HEADER_LENGTH = 20
IGMP = 2

_HEADER = struct.Struct("!BBHHHBBH4s4s")
_ROUTER_ALERT = 148
_END, _NOP = 0, 1
_TTL = 8


@dataclass(frozen=True)
class IPv4Packet:
    """A packet as its receiver sees it. ``tos`` holds DSCP and ECN; fragments are never parsed."""

    source: IPv4Address
    destination: IPv4Address
    protocol: int
    ttl: int
    payload: bytes
    tos: int = 0
    router_alert: bool = False


def checksum(data: bytes) -> int:
    """The Internet checksum (RFC 1071); zero over data whose checksum field is right."""
    # One's complement sums of 16-bit words are numbers modulo 2**16 - 1, of which 2**16 is 1.
    return -int.from_bytes(data + bytes(len(data) % 2), "big") % 0xFFFF


def packet(content: IPv4Packet) -> bytes:
    """The octets of a packet that is no fragment and may become none."""
    options = bytes((_ROUTER_ALERT, 4, 0, 0)) if content.router_alert else b""
    length = HEADER_LENGTH + len(options)
    dont_fragment = 0x4000
    fields = (0x40 | length // 4, content.tos, length + len(content.payload), 0, dont_fragment)
    ends = (content.source.packed, content.destination.packed)
    header = _HEADER.pack(*fields, content.ttl, content.protocol, 0, *ends) + options
    return header[:10] + checksum(header).to_bytes(2, "big") + header[12:] + content.payload


def parse(data: bytes) -> IPv4Packet:
    """Take a packet apart; octets behind its length are link-layer padding and dropped."""
    if len(data) < HEADER_LENGTH:
        raise MalformedPacket(f"IPv4 header of {len(data)} octets")
    first, tos, total, _, fragment, ttl, protocol, _, source, destination = _HEADER.unpack_from(
        data
    )
    length = (first & 0x0F) * 4
    if first >> 4 != 4 or not HEADER_LENGTH <= length <= total <= len(data):
        raise MalformedPacket("no IPv4 header, or one with impossible lengths")
    if checksum(data[:length]) != 0:
        raise MalformedPacket("wrong IPv4 header checksum")
    if fragment & 0x3FFF:
        raise MalformedPacket("an IPv4 fragment")
    alert = _has_router_alert(data[HEADER_LENGTH:length])
    ends = IPv4Address(source), IPv4Address(destination)
    return IPv4Packet(*ends, protocol, ttl, data[length:total], tos, alert)


def forwarded(packet: bytes) -> bytes | None:
    """A packet, or fragment, as a router sends it on: one hop less; None: it may go no further.

    The checksum follows by RFC 1624: the TTL is the high octet of its word.
    """
    ttl = packet[_TTL] - 1
    if ttl < 1:
        return None
    before = int.from_bytes(packet[10:12], "big")
    value = before + 0x0100
    value = (value & 0xFFFF) + (value >> 16)
    return packet[:_TTL] + bytes((ttl,)) + packet[9:10] + value.to_bytes(2, "big") + packet[12:]


def forward_in_place(buffer: bytearray, start: int) -> None:
    """As ``forwarded``, for a packet that begins there in a buffer and has more than one hop left.

    The checksum follows by RFC 1624: its high octet is one more, and what is carried comes back.
    """
    buffer[start + _TTL] -= 1
    high = buffer[start + 10]
    if high != 0xFF:
        buffer[start + 10] = high + 1
    else:
        buffer[start + 10 : start + 12] = (buffer[start + 11] + 1).to_bytes(2, "big")


def _has_router_alert(options: bytes) -> bool:
    """Whether the options hold a Router Alert (RFC 2113 section 2.1)."""
    offset = 0
    while offset < len(options) and options[offset] != _END:
        if options[offset] == _NOP:
            offset += 1
            continue
        length = options[offset + 1] if offset + 1 < len(options) else 0
        if length < 2 or offset + length > len(options):
            raise MalformedPacket("an IPv4 option that does not fit into its header")
        if options[offset] == _ROUTER_ALERT:
            return True
        offset += length
    return False
