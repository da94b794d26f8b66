"""The authentication of mobility messages (RFC 4285): two options at the end of a message.

The Mobility Message Replay Protection option (section 6) has the time of sending, the Mobility
Message Authentication option (section 5) a code over everything before it. Our messages end with
both, in 32 octets that need no padding behind them: no octet is left without protection. The code
is checked over the octets that came, however they were padded; padding behind it means nothing.
"""

from __future__ import annotations

import hmac
import struct
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.wire import channel, fast_handover, mobility, mobility_header, mobility_options
from agents.wire.errors import Unauthentic, WrongCode

_PADN = b"\x01\x00"
_REPLAY_PROTECTION, _TIME_LENGTH = 10, 8
_AUTHENTICATION, _AUTHENTICATION_LENGTH = 9, 17
_MN_HA = 1
"""The subtype for a key that is shared with the mobility anchor (section 5.1)."""
_PROOF = (_REPLAY_PROTECTION, _AUTHENTICATION)
_HEAD = struct.Struct("!2sBBQx")
"""PadN; the time's option, at 8n+2; Pad1."""
_SPI = struct.Struct("!BBBI")
"""The other option up to its SPI, at 8n+5 (it may at 4n+1)."""
_CODE_LENGTH = 12
SIZE = _HEAD.size + _SPI.size + _CODE_LENGTH
"""Octets that authentication adds to a message."""

_CHECKSUM = slice(4, 6)
_EPOCH_S = 2_208_988_800
"""Seconds from 1900 to 1970."""
_NANOSECONDS = 10**9
Ends = tuple[IPv6Address, IPv6Address]
"""What a code calls care-of address and home address (section 5.1)."""
_Span = tuple[int, int, int]
"""Type, start and end of an option."""


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
    message: bytes,
    source: IPv6Address,
    destination: IPv6Address,
    time: int,
    key: Key,
    ends: Ends | None = None,
) -> bytes:
    """The message with both options at its end; ``time`` is the NTP time of sending.

    Source and destination are those that the checksum is over, and the ``ends`` if none are given.
    """
    ends = ends or (source, destination)
    kind, body = mobility_header.decode(message, source, destination)
    body += _head(time, key)
    without = mobility_header.encode(kind, body + bytes(_CODE_LENGTH), source, destination)
    body += _code(without[:-_CODE_LENGTH], ends, key)
    return mobility_header.encode(kind, body, source, destination)


def unseal(
    message: bytes,
    source: IPv6Address,
    destination: IPv6Address,
    key: Key,
    ends: Ends | None = None,
) -> tuple[bytes, int]:
    """The message as it was before, and the NTP time of sending.

    ``Unauthentic`` when it was not sealed with this key, or not for these addresses.
    """
    ends = ends or (source, destination)
    kind, body = mobility_header.decode(message, source, destination)
    size = _fixed_part_size(kind)
    if size is None or len(body) < size:
        raise Unauthentic(f"in a message of type {kind} no options are found")
    start = mobility_header.SIZE + size
    options = list(mobility_options.spans(message, start))
    time, code_at = _proof(message, options, key)
    code = message[code_at : code_at + _CODE_LENGTH]
    if not hmac.compare_digest(code, _code(message[:code_at], ends, key)):
        raise WrongCode(time)
    bare = _without_proof(message, start, options)
    return mobility_header.encode(kind, bare[mobility_header.SIZE :], source, destination), time


def _fixed_part_size(kind: int) -> int | None:
    """Octets between the header and the options, of all types of message that are known."""
    if kind in fast_handover.TYPES:
        return fast_handover.FIXED_PART_SIZE
    return 0 if kind == channel.MESSAGE_TYPE else mobility.fixed_part_size(kind)


def _proof(message: bytes, options: list[_Span], key: Key) -> tuple[int, int]:
    """The NTP time that a message says, and where its code begins; neither is checked yet.

    The option with the code is the last one, and the only one of its type (section 5.1).
    """
    numbers = [number for number, _, _ in options]
    if numbers.count(_AUTHENTICATION) != 1 or numbers[-1] != _AUTHENTICATION:
        raise Unauthentic("it does not end with an authentication option")
    if numbers.count(_REPLAY_PROTECTION) != 1:
        raise Unauthentic("it does not say once when it was sent")
    _, start, end = options[-1]
    code_at = end - _CODE_LENGTH
    if message[start:code_at] != _SPI.pack(*_authentication(key)):
        raise Unauthentic("an authentication option that is not for this key")
    _, start, end = options[numbers.index(_REPLAY_PROTECTION)]
    if end - start != 2 + _TIME_LENGTH:
        raise Unauthentic("a time of another length")
    return int.from_bytes(message[start + 2 : end], "big"), code_at


def _without_proof(message: bytes, start: int, options: list[_Span]) -> bytes:
    """What is left of a message whose options begin at ``start``, padded to its end."""
    others = (end for number, _, end in options if number not in _PROOF)
    last = max(others, default=start)
    ((_, cut, resume),) = (option for option in options if option[0] == _REPLAY_PROTECTION)
    left = message[: min(cut, last)] + message[resume:last]
    return left + mobility_options.final_padding(len(left))


def _head(time: int, key: Key) -> bytes:
    return _HEAD.pack(_PADN, _REPLAY_PROTECTION, _TIME_LENGTH, time) + _SPI.pack(
        *_authentication(key)
    )


def _authentication(key: Key) -> tuple[int, int, int, int]:
    """The option with the code, up to that."""
    return _AUTHENTICATION, _AUTHENTICATION_LENGTH, _MN_HA, key.spi


def _code(covered: bytes, ends: Ends, key: Key) -> bytes:
    """The first 96 bits of HMAC_SHA1(secret, care-of | home address | message up to the SPI).

    Section 5.1; checksum 0.
    """
    blank = bytearray(covered)
    blank[_CHECKSUM] = b"\0\0"
    care_of, home = ends
    data = care_of.packed + home.packed + blank
    return hmac.digest(key.secret, data, "sha1")[:_CODE_LENGTH]
