"""The authentication of mobility messages (RFC 4285): two options at the end of a message.

The Mobility Message Replay Protection option (section 6) has the time of sending, the Mobility
Message Authentication option (section 5) a code over everything before it. Our messages end with
both, in 32 octets that need no padding behind them: no octet is left without protection.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.wire import mobility_header
from agents.wire.errors import Unauthentic

_PADN = b"\x01\x00"
_REPLAY_PROTECTION, _TIME_LENGTH = 10, 8
_AUTHENTICATION, _AUTHENTICATION_LENGTH = 9, 17
_MN_HA = 1
"""The subtype for a key that is shared with the mobility anchor (section 5.1)."""
_HEAD = struct.Struct("!2sBBQxBBBI")
"""PadN; the time's option, at 8n+2; Pad1; the other up to its SPI, at 8n+5 (it may at 4n+1)."""
_CODE_LENGTH = 12
SIZE = _HEAD.size + _CODE_LENGTH
"""Octets that authentication adds to a message."""

_CHECKSUM = slice(4, 6)
_EPOCH_S = 2_208_988_800
"""Seconds from 1900 to 1970."""
_NANOSECONDS = 10**9


@dataclass(frozen=True)
class Key:
    """A secret, and the Security Parameter Index by which messages name it."""

    spi: int
    secret: bytes


def ntp_time(time: int) -> int:
    """A time in ns since 1970 as 32.32 bits of seconds since 1900, which start again in 2036."""
    return ((time << 32) // _NANOSECONDS + (_EPOCH_S << 32)) % (1 << 64)


def nanoseconds_between(earlier: int, later: int) -> int:
    """From one NTP time to another that is less than 68 years away."""
    steps = (later - earlier + (1 << 63)) % (1 << 64) - (1 << 63)
    return (steps * _NANOSECONDS) >> 32


def seal(
    message: bytes, source: IPv6Address, destination: IPv6Address, time: int, key: Key
) -> bytes:
    """The message with both options at its end; ``time`` is the NTP time of sending."""
    kind, body = mobility_header.decode(message, source, destination)
    body += _head(time, key)
    without = mobility_header.encode(kind, body + bytes(_CODE_LENGTH), source, destination)
    body += _code(without, source, destination, key)
    return mobility_header.encode(kind, body, source, destination)


def unseal(
    message: bytes, source: IPv6Address, destination: IPv6Address, key: Key
) -> tuple[bytes, int]:
    """The message as it was before, and the NTP time of sending.

    ``Unauthentic`` when it was not sealed with this key, or not for these two addresses.
    """
    kind, body = mobility_header.decode(message, source, destination)
    if len(body) < SIZE:
        raise Unauthentic("no room for the authentication options")
    head, code = body[-SIZE:-_CODE_LENGTH], body[-_CODE_LENGTH:]
    time = _HEAD.unpack(head)[3]
    if head != _head(time, key):
        raise Unauthentic("it does not end with the authentication options for this key")
    if not hmac.compare_digest(code, _code(message, source, destination, key)):
        raise Unauthentic("wrong authentication code")
    return mobility_header.encode(kind, body[:-SIZE], source, destination), time


def _head(time: int, key: Key) -> bytes:
    replay_protection = _REPLAY_PROTECTION, _TIME_LENGTH, time
    authentication = _AUTHENTICATION, _AUTHENTICATION_LENGTH, _MN_HA, key.spi
    return _HEAD.pack(_PADN, *replay_protection, *authentication)


def _code(message: bytes, source: IPv6Address, destination: IPv6Address, key: Key) -> bytes:
    """The first 96 bits of HMAC_SHA1(secret, source | destination | message up to the SPI).

    Section 5.1, where the two addresses are called care-of and home address; checksum 0.
    """
    covered = bytearray(message[:-_CODE_LENGTH])
    covered[_CHECKSUM] = b"\0\0"
    data = source.packed + destination.packed + covered
    return hmac.digest(key.secret, data, "sha1")[:_CODE_LENGTH]
