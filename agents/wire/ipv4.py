"""The IPv4 packet (RFC 791) with the Router Alert that IGMP needs (RFC 2113)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address

from agents.wire.errors import MalformedPacket

HEADER_LENGTH = 20
IGMP = 2

_HEADER = struct.Struct("!BBHHHBBH4s4s")
_ROUTER_ALERT = 148
_END, _NOP = 0, 1
_TTL = 8
_DONT_FRAGMENT, _MORE, _OFFSET = 0x4000, 0x2000, 0x1FFF
_COPIED = 0x80


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
    fields = (0x40 | length // 4, content.tos, length + len(content.payload), 0, _DONT_FRAGMENT)
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


def fragments(packet: bytes, mtu: int) -> list[bytes]:
    """A packet, or a fragment, in pieces of ``mtu`` octets at most (RFC 791 section 3.2).

    Empty: it must not be fragmented.
    """
    length = (packet[0] & 0x0F) * 4
    if not HEADER_LENGTH <= length <= len(packet):
        raise MalformedPacket("an IPv4 header of an impossible length")
    flags = int.from_bytes(packet[6:8], "big")
    if flags & _DONT_FRAGMENT:
        return []
    payload, head = packet[length:], packet[:length]
    later = packet[:HEADER_LENGTH] + _copied(packet[HEADER_LENGTH:length])
    pieces, start = [], 0
    while start < len(payload):
        size = (mtu - len(head)) // 8 * 8
        more = _MORE if start + size < len(payload) else flags & _MORE
        place = (flags & _OFFSET) + start // 8
        pieces.append(_fragment(head, more | place, payload[start : start + size]))
        head, start = later, start + size
    return pieces


def _fragment(head: bytes, place: int, payload: bytes) -> bytes:
    """A fragment with this word of flags and offset."""
    total = (len(head) + len(payload)).to_bytes(2, "big")
    first = bytes((0x40 | len(head) // 4,))
    made = first + head[1:2] + total + head[4:6] + place.to_bytes(2, "big") + head[8:10]
    made += b"\0\0" + head[12:]
    return made[:10] + checksum(made).to_bytes(2, "big") + made[12:] + payload


def _copied(options: bytes) -> bytes:
    """Of options, those that every fragment has, filled up to words."""
    kept = b"".join(option for option in _options(options) if option[0] & _COPIED)
    return kept + bytes(-len(kept) % 4)


def _has_router_alert(options: bytes) -> bool:
    """Whether the options hold a Router Alert (RFC 2113 section 2.1)."""
    return any(option[0] == _ROUTER_ALERT for option in _options(options))


def _options(options: bytes) -> Iterator[bytes]:
    """Each option of a header, but for those that only fill it up."""
    offset = 0
    while offset < len(options) and options[offset] != _END:
        if options[offset] == _NOP:
            offset += 1
            continue
        length = options[offset + 1] if offset + 1 < len(options) else 0
        if length < 2 or offset + length > len(options):
            raise MalformedPacket("an IPv4 option that does not fit into its header")
        yield options[offset : offset + length]
        offset += length
