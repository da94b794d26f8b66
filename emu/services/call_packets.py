"""The packets of a call at its two ends, out of a run's captures."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from emu.measure import packets, pcapng
from emu.measure.messages import realtime_offset
from emu.measure.pcapng import Capture
from emu.voice import audio, rtp
from emu.voice.passage import Seen

_LINK_HEADER, _IPV6_HEADER, _UDP_HEADER = 14, 40, 8
_UDP = 17
_START_LINE = re.compile(rb"(?:SIP/2\.0 (\d{3})|([A-Z]+) sips?:\S+ SIP/2\.0)")
_FIELD = re.compile(rb"\r\n(Call-ID|CSeq|To): *([^\r]*)")


@dataclass(frozen=True)
class Datagram:
    """A UDP datagram on an end's link."""

    time_ns: int
    """CLOCK_MONOTONIC."""
    outbound: bool
    source: bytes
    destination: bytes
    """Of the innermost IPv6 header."""
    port: int
    """Where it goes."""
    payload: bytes


@dataclass(frozen=True)
class SipMessage:
    """A SIP message: what tells one from another."""

    time_ns: int
    outbound: bool
    name: str
    """Its method, or its status code."""
    call_id: str
    number: str
    """The CSeq: what a response answers, and whether a request is sent again."""
    in_dialog: bool
    """Whether it names the dialog that it belongs to: it has a tag in To."""

    @property
    def reinvites(self) -> bool:
        """Whether it asks to change a call that there is (RFC 3261 section 14)."""
        return self.name == "INVITE" and self.in_dialog


def datagrams(captures: list[Capture], node: str, ports: range) -> list[Datagram]:
    """Those to some ports on a node's links, in order of time."""
    found = [
        datagram
        for capture in captures
        if any(interface.description == node for interface in capture.interfaces)
        for datagram in _of_capture(capture)
        if datagram.port in ports
    ]
    return sorted(found, key=lambda datagram: datagram.time_ns)


def _of_capture(capture: Capture) -> Iterator[Datagram]:
    offset = realtime_offset(capture.comment)
    for packet in capture.packets:
        whole = packet.data[_LINK_HEADER:]
        if capture.interfaces[packet.interface].link_type != pcapng.ETHERNET:
            continue
        if len(whole) < _IPV6_HEADER or len(packet.data) < packet.length:
            continue  # headers alone, of users' packets in tunnels
        at, protocol, inner = packets.upper_layer(whole)
        if protocol != _UDP or len(whole) < at + _UDP_HEADER:
            continue
        (port,) = struct.unpack_from("!H", whole, at + 2)
        yield Datagram(
            packet.time_ns - offset,
            packet.direction == pcapng.OUTBOUND,
            whole[inner + 8 : inner + 24],
            whole[inner + 24 : inner + 40],
            port,
            whole[at + _UDP_HEADER :],
        )


def voice(found: list[Datagram]) -> list[Seen]:
    """The RTP packets among them."""
    seen = []
    for datagram in found:
        header = rtp.parse(datagram.payload)
        if header is not None:
            spoken = not audio.is_pause(datagram.payload[rtp.HEADER.size :])
            seen.append(Seen(datagram.time_ns, header, spoken))
    return seen


def sip_messages(found: list[Datagram]) -> list[SipMessage]:
    """The SIP messages among them."""
    messages = []
    for datagram in found:
        line = _START_LINE.match(datagram.payload)
        if line is None:
            continue
        fields = {
            name: value.decode(errors="replace") for name, value in _FIELD.findall(datagram.payload)
        }
        messages.append(
            SipMessage(
                datagram.time_ns,
                datagram.outbound,
                (line[1] or line[2]).decode(),
                fields.get(b"Call-ID", ""),
                fields.get(b"CSeq", ""),
                ";tag=" in fields.get(b"To", ""),
            )
        )
    return messages
