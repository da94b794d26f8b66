"""What control message a captured packet holds.

Only types and the few fields that a reader of a figure wants are read here, of anything that was on
a wire, sound or not; the strict decoders are in ``agents.wire``.
"""

from __future__ import annotations

import ipaddress
import struct
from dataclasses import dataclass
from functools import cache
from typing import get_args

from agents.wire import amt, mih, nemo, overlay
from agents.wire.errors import UnknownMessage
from emu.measure import pcapng, sctp_packets
from emu.schemes.messages import Reader
from emu.schemes.registry import SCHEMES

_IPV6_HEADER = 40
_ETHERTYPE_IPV6 = b"\x86\xdd"
_EXTENSIONS = (0, 43, 60)
_UDP, _IPV6, _ICMPV6, _SCTP, _MOBILITY = 17, 41, 58, 132, 135
_ICMPV6_TYPES = {
    130: "MLD query",
    131: "MLD report",
    132: "MLD done",
    133: "RS",
    134: "RA",
    135: "NS",
    136: "NA",
    137: "Redirect",
    143: "MLD report",
}
_OVERLAY_TYPES = {**overlay.NAMES, **nemo.NAMES}
_MOBILITY_TYPES = {
    0: "BRR",
    1: "HoTI",
    2: "CoTI",
    3: "HoT",
    4: "CoT",
    5: "BU",
    6: "BA",
    7: "BE",
    13: "Heartbeat",
    14: "HI",
    15: "HAck",
}
_UDP_HEADER = 8
_MIH_PORT = mih.PORT.to_bytes(2, "big")
_MIH_ACK_RSP = 0x04
_AMT_PORT = amt.PORT.to_bytes(2, "big")
_AMT_TYPES = {
    kind.TYPE: f"AMT {kind.__name__}"
    for kind in get_args(amt.Message)
    if kind is not amt.MulticastData
}
"""The names of its control messages."""
_OVERLAY_PORT = overlay.PORT.to_bytes(2, "big")
_IN_CLEAR = 0
LINK_SCOPE_REPORT = "MLD report (link scope)"
"""A report of link-local groups only, such as every IPv6 host sends of its own accord."""
_UPDATE_PROXY_FLAG = 0x0200  # RFC 5213 section 8.1, in the 16 bits after the sequence number
_ACKNOWLEDGEMENT_PROXY_FLAG = 0x20  # RFC 5213 section 8.2, in the byte after the status
_TO_INCLUDE, _BLOCK = 3, 6

# Channel control (docs/wire.md): the option's type, length, vendor and subtype, then its data.
_EXPERIMENT = 11
_CHANNEL_OPTION = struct.Struct("!BxIB")
_CHANNEL_HEAD = (19, 32473)
_CHANNEL_TYPES = {1: "Channel Query", 2: "Channel Response", 3: "Channel Acknowledgement"}
_CHANNEL_SCOPES = {1: " local", 2: " remote", 3: " both"}


@dataclass(frozen=True)
class Message:
    """A control message on the wire."""

    type: str
    """PBU, PBA, MLD query, MLD report, RA, …"""
    detail: str
    """The fields worth a label, such as "lifetime 0"."""
    source: str
    destination: str
    length: int
    """Bytes of the IPv6 packet, with the tunnel's header if there is one."""
    hop_limit: int
    tunnelled: bool
    key: bytes
    """The packet with its hop limit blanked: the same wherever it is seen on its way."""
    carried: bytes
    """The same without the headers of tunnels."""


def parse(data: bytes, link_type: int, length: int) -> Message | None:
    """The control message of a captured packet, or None; ``length`` is that on the wire."""
    link_header = 0
    if link_type == pcapng.ETHERNET:
        if data[12:14] != _ETHERTYPE_IPV6:
            return None
        link_header = 14
    packet = data[link_header:]
    if len(packet) < _IPV6_HEADER or packet[0] >> 4 != 6:
        return None
    at, protocol, inner = upper_layer(packet)
    kind, detail = _message(protocol, packet[at:])
    if kind is None:
        return None
    return Message(
        type=kind,
        detail=detail,
        source=_address(packet[inner + 8 : inner + 24]),
        destination=_address(packet[inner + 24 : inner + 40]),
        length=length - link_header,
        hop_limit=packet[7],
        tunnelled=inner > 0,
        key=_blanked(packet),
        carried=_blanked(packet[inner:]),
    )


def _blanked(packet: bytes) -> bytes:
    return packet[:7] + b"\0" + packet[8:]


def upper_layer(packet: bytes) -> tuple[int, int, int]:
    """(offset, protocol, offset of the innermost IPv6 header) past extensions and tunnels."""
    at, protocol, inner = _IPV6_HEADER, packet[6], 0
    while at < len(packet):
        if protocol in _EXTENSIONS and at + 2 <= len(packet):
            protocol, at = packet[at], at + 8 * (packet[at + 1] + 1)
        elif protocol == _IPV6 and at + _IPV6_HEADER <= len(packet):
            inner, protocol, at = at, packet[at + 6], at + _IPV6_HEADER
        else:
            break
    return at, protocol, inner


def _address(packed: bytes) -> str:
    return str(ipaddress.IPv6Address(packed))


def _message(protocol: int, body: bytes) -> tuple[str | None, str]:
    try:
        for read in _readers():
            if found := read(protocol, body):
                return found
        if protocol == _MOBILITY:
            return _mobility(body)
        if protocol == _UDP and body[2:4] == _MIH_PORT:
            return _mih(body[_UDP_HEADER:])
        if protocol == _UDP and body[2:4] == _OVERLAY_PORT:
            return _overlay(body[_UDP_HEADER:]), ""
        if protocol == _UDP and _AMT_PORT in (body[:2], body[2:4]):
            return _AMT_TYPES.get(body[_UDP_HEADER]), ""
        if protocol == _SCTP:
            return sctp_packets.read(body)
        if protocol == _ICMPV6 and body:
            kind = _ICMPV6_TYPES.get(body[0])
            detail = _icmpv6_detail(body) if kind else ""
            if body[0] == 143 and not detail:
                kind = LINK_SCOPE_REPORT
            return kind, detail
    except (struct.error, IndexError, ValueError):
        return "malformed", ""  # cut short on the wire or by the capture: still a message sent
    return None, ""


@cache
def _readers() -> tuple[Reader, ...]:
    """Of the messages of mobility schemes that others do not know."""
    all_messages = (scheme.messages for scheme in SCHEMES.all().values())
    return tuple(messages.read for messages in all_messages if messages.read)


def _mobility(body: bytes) -> tuple[str, str]:
    kind = body[2]
    name = _MOBILITY_TYPES.get(kind, f"MH {kind}")
    if kind == 5:
        sequence, flags, lifetime = struct.unpack_from("!HHH", body, 6)
        proxy = bool(flags & _UPDATE_PROXY_FLAG)
        detail = f"#{sequence}" + (" lifetime 0" if lifetime == 0 else "")
    elif kind == 6:
        status, flags, sequence = struct.unpack_from("!BBH", body, 6)
        proxy = bool(flags & _ACKNOWLEDGEMENT_PROXY_FLAG)
        detail = f"#{sequence}" + (f" status {status}" if status else "")
    else:
        return _channel(body) if kind == _EXPERIMENT else (name, "")
    return ("P" if proxy else "") + name, detail


def _channel(body: bytes) -> tuple[str, str]:
    """A channel control message; the group is behind the sequence number and two more octets."""
    option, vendor, subtype = _CHANNEL_OPTION.unpack_from(body, 6)
    if (option, vendor) != _CHANNEL_HEAD or subtype not in _CHANNEL_TYPES:
        return f"MH {_EXPERIMENT}", ""
    at = 6 + _CHANNEL_OPTION.size
    if subtype == 3:
        return _CHANNEL_TYPES[subtype], ""
    scope = _CHANNEL_SCOPES.get(body[at + 2], "") if subtype == 2 else ""
    return _CHANNEL_TYPES[subtype], _address(body[at + 4 : at + 20]) + scope


def _mih(body: bytes) -> tuple[str, str]:
    """A handover service's message; its acknowledgement has its name, and no values."""
    flags, number, transaction = struct.unpack_from("!BxHH", body)
    try:
        name = mih.name(*mih.message_name(number))
    except UnknownMessage:
        return f"MIH {number:#06x}", ""
    acknowledges = name.endswith("indication") and flags & _MIH_ACK_RSP
    return name, f"#{transaction}" + (" acknowledged" if acknowledges else "")


def _overlay(datagram: bytes) -> str | None:
    """A message between members of an overlay; None: it carries a packet, or is encrypted."""
    _, key, _, _ = overlay.HEADER.unpack_from(datagram)
    body = datagram[overlay.HEADER.size :]
    if key != _IN_CLEAR:
        return None
    name = _OVERLAY_TYPES.get(body[0])
    return None if name == overlay.Data.__name__ else f"overlay {name or body[0]}"


def _icmpv6_detail(body: bytes) -> str:
    kind = body[0]
    if kind == 130:
        group = body[8:24]
        return _address(group) if any(group) else "general"
    if kind in (131, 132):
        return _address(body[8:24])
    if kind == 134:
        (lifetime,) = struct.unpack_from("!H", body, 6)
        return "" if lifetime else "lifetime 0"
    return _records(body) if kind == 143 else ""


def _records(body: bytes) -> str:
    """The groups of an MLDv2 report: + joined or reported, - left (RFC 3810 section 5.2)."""
    (count,) = struct.unpack_from("!H", body, 6)
    at, groups = 8, []
    for _ in range(count):
        kind, auxiliary, sources = struct.unpack_from("!BBH", body, at)
        group = ipaddress.IPv6Address(body[at + 4 : at + 20])
        at += 20 + 16 * sources + 4 * auxiliary
        if group.packed[1] & 0x0F > 2:  # beyond link-local scope
            leaves = (kind == _TO_INCLUDE and not sources) or kind == _BLOCK
            groups.append(("-" if leaves else "+") + str(group))
    return " ".join(groups)
