"""Return routability (RFC 6275 section 5.2): who gets packets at an address may speak for it."""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from typing import TypeVar

from agents.core import SECOND
from agents.wire import mobility
from agents.wire.mobility_options import BindingAuthorizationData
from agents.wire.routability_tests import TestInit
from agents.wire.security_options import KEYGEN_TOKEN_SIZE

MAX_TOKEN_LIFETIME = 210 * SECOND
"""How long a mobile node may use a keygen token (RFC 6275 section 12), ns."""

MAX_NONCE_LIFETIME = 240 * SECOND
"""How long tokens made of a nonce are accepted (RFC 6275 section 12), ns."""

NONCE_PERIOD = MAX_NONCE_LIFETIME - MAX_TOKEN_LIFETIME
"""How long new tokens are made of one nonce: its last token still lives its whole life, ns."""

Bound = TypeVar("Bound", mobility.BindingUpdate, mobility.BindingAcknowledgement)

UNFILLED = BindingAuthorizationData(bytes(BindingAuthorizationData.SIZE))
"""What an authenticator takes the place of."""

_OPTION_HEAD = 2
_INDICES = 0xFFFF
_CHECKSUM = slice(4, 6)
_HOME, _CARE_OF = b"\x00", b"\x01"


@dataclass(frozen=True)
class Token:
    """A keygen token, and the index of its nonce; index 0 is the permanent token's (RFC 4866)."""

    value: bytes
    nonce_index: int = 0


class KeygenTokens:
    """The tokens of a correspondent, which keeps nothing for them but ``secret``, its Kcn.

    A nonce is a hash of the secret and its number, which counts the periods of the clock.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def answer(
        self, message: TestInit, source: IPv6Address, now: int
    ) -> mobility.HomeTest | mobility.CareOfTest:
        """The test that goes back to the source of a Home Test Init or Care-of Test Init."""
        number = now // NONCE_PERIOD
        home = isinstance(message, mobility.HomeTestInit)
        kind = mobility.HomeTest if home else mobility.CareOfTest
        return kind(_index(number), message.cookie, self._token(source, number, home=home))

    def home(self, address: IPv6Address, nonce_index: int, now: int) -> bytes | None:
        """The home keygen token made of this nonce; None if that has expired."""
        return self._recall(address, nonce_index, now, home=True)

    def care_of(self, address: IPv6Address, nonce_index: int, now: int) -> bytes | None:
        """The care-of keygen token made of this nonce; None if that has expired."""
        return self._recall(address, nonce_index, now, home=False)

    def permanent(self, address: IPv6Address) -> bytes:
        """A permanent home keygen token for an address (RFC 4866 section 3.3)."""
        return _hmac(self._secret, b"permanent" + address.packed)[:KEYGEN_TOKEN_SIZE]

    def _recall(self, address: IPv6Address, index: int, now: int, *, home: bool) -> bytes | None:
        latest = now // NONCE_PERIOD
        for number in range(latest, latest - MAX_NONCE_LIFETIME // NONCE_PERIOD, -1):
            if _index(number) == index:
                return self._token(address, number, home=home)
        return None

    def _token(self, address: IPv6Address, number: int, *, home: bool) -> bytes:
        nonce = _hmac(self._secret, struct.pack("!q", number))
        data = address.packed + nonce + (_HOME if home else _CARE_OF)
        return _hmac(self._secret, data)[:KEYGEN_TOKEN_SIZE]


def binding_management_key(home_token: bytes, care_of_token: bytes = b"") -> bytes:
    """Kbm (RFC 6275 section 5.2.5); without a care-of token that of a deregistration."""
    return hashlib.sha1(home_token + care_of_token).digest()


def octets(message: mobility.Bound, care_of: IPv6Address, correspondent: IPv6Address) -> bytes:
    """The message as it came, or is going to be sent; its checksum means nothing yet."""
    return message.octets or mobility.encode(message, care_of, correspondent)


def mobility_data(covered: bytes, care_of: IPv6Address, correspondent: IPv6Address) -> bytes:
    """What is authenticated of a message: both addresses and its octets, the checksum taken as 0.

    ``care_of`` is the home address where a binding is removed (RFC 6275 section 6.2.7).
    """
    data = bytearray(covered)
    data[_CHECKSUM] = bytes(2)
    return care_of.packed + correspondent.packed + bytes(data)


def authenticate(
    message: Bound, key: bytes, care_of: IPv6Address, correspondent: IPv6Address
) -> Bound:
    """The message, the last of whose options is ``UNFILLED``, with its authenticator there."""
    authenticator = _authenticator(message, key, care_of, correspondent)
    filled = BindingAuthorizationData(authenticator)
    return replace(message, options=(*message.options[:-1], filled))


def is_authentic(
    message: Bound, key: bytes, care_of: IPv6Address, correspondent: IPv6Address
) -> bool:
    """Whether Binding Authorization Data made with this key are the message's last option."""
    if not message.options or not isinstance(message.options[-1], BindingAuthorizationData):
        return False
    expected = _authenticator(message, key, care_of, correspondent)
    return hmac.compare_digest(expected, message.options[-1].authenticator)


def _authenticator(
    message: Bound, key: bytes, care_of: IPv6Address, correspondent: IPv6Address
) -> bytes:
    """Of all octets but its own, which the last option has (section 6.2.7)."""
    data = octets(message, care_of, correspondent)
    *_, (_, start, end) = mobility.option_spans(data)
    covered = data[: start + _OPTION_HEAD] + data[end:]
    size = BindingAuthorizationData.SIZE
    return _hmac(key, mobility_data(covered, care_of, correspondent))[:size]


def _index(number: int) -> int:
    """A nonce's index on the wire: never 0, which stands for the permanent token."""
    return number % _INDICES + 1


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha1")
