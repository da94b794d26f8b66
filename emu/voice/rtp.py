"""RTP (RFC 3550) as a receiver reads it: header, numbers that wrap, interarrival jitter."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

HEADER = struct.Struct("!BBHII")
SEQUENCE_BITS, TIMESTAMP_BITS = 16, 32
_VERSION = 2
_RTCP_TYPES = range(64, 96)
"""With the marker's bit apart: RTCP packet types 192 to 223, which no RTP payload type may be."""
_SMOOTHING = 16


@dataclass(frozen=True)
class Header:
    """The fixed header (section 5.1)."""

    sequence: int
    timestamp: int
    ssrc: int
    payload_type: int
    marker: bool


def parse(datagram: bytes) -> Header | None:
    """The header of an RTP packet; None of what is none (section 5.1 and appendix A.1)."""
    if len(datagram) < HEADER.size:
        return None
    first, second, sequence, timestamp, ssrc = HEADER.unpack_from(datagram)
    if first >> 6 != _VERSION or second & 0x7F in _RTCP_TYPES:
        return None
    return Header(sequence, timestamp, ssrc, second & 0x7F, bool(second & 0x80))


def unwrap(numbers: Iterable[int], bits: int, near: int) -> list[int]:
    """Numbers that begin again at 0 after 2**bits, as they would be without.

    The first one is near ``near``, each other near the one before: by less than half their range.
    """
    span, extended = 1 << bits, []
    for number in numbers:
        near += (number - near + span // 2) % span - span // 2
        extended.append(near)
    return extended


def interarrival_jitter(sent: Iterable[float], received: Iterable[float]) -> float:
    """J after the last packet, in the unit of the times (section 6.4.1).

    ``sent`` is by the RTP timestamps, both are in order of arrival.
    """
    jitter, last = 0.0, None
    for departure, arrival in zip(sent, received, strict=True):
        transit = arrival - departure
        if last is not None:
            jitter += (abs(transit - last) - jitter) / _SMOOTHING
        last = transit
    return jitter
