"""A mobile node's part of the security: it tests its addresses, and authorizes its updates.

Before an update, ``tests`` says what has to be asked first; once that is answered (``receive``) the
update can be authorized (``authorize``). ``accept`` tells a true acknowledgement from a forged one.
``is_tested`` asks nothing: it says whether all answers are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from random import Random

from agents.mipv6.cga import Parameters
from agents.mipv6.keys import KeyPair
from agents.mipv6.return_routability import (
    MAX_TOKEN_LIFETIME,
    UNFILLED,
    Token,
    authenticate,
    binding_management_key,
    is_authentic,
)
from agents.mipv6.security import UNVERIFIED, Security, registered, signed_data
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingUpdate,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    Status,
)
from agents.wire.mobility_options import (
    CgaParameters,
    MobilityOption,
    NonceIndices,
    PermanentHomeKeygenToken,
    Signature,
)
from agents.wire.routability_tests import Test, TestInit
from agents.wire.security_options import KEYGEN_TOKEN_SIZE

_COOKIE_BITS = 64

_HOME_EXPIRED = {Status.EXPIRED_HOME_NONCE_INDEX, Status.EXPIRED_NONCES}
_CARE_OF_EXPIRED = {Status.EXPIRED_CARE_OF_NONCE_INDEX, Status.EXPIRED_NONCES}


@dataclass(frozen=True)
class _Tested:
    """Which address was, or is being, tested with which anchor, and as what."""

    kind: type[TestInit]
    address: IPv6Address
    anchor: IPv6Address


class Authorizer:
    """What a mobile node knows of the tokens and keys of its bindings."""

    def __init__(self, security: Security, keys: KeyPair | None, random: Random) -> None:
        if security.cga and keys is None:
            raise ValueError("CGAs need a key pair")
        self.security = security
        self._keys = keys
        self._random = random
        self._parameters: dict[IPv6Address, Parameters] = {}
        self._cookies: dict[tuple[IPv6Address, _Tested], tuple[bytes, int]] = {}
        """Of the last question for each home address, and when it was asked."""
        self._tokens: dict[_Tested, tuple[Token, int]] = {}
        self._permanent: dict[tuple[IPv6Address, IPv6Address], Token] = {}
        """By home addresses and the anchors that gave them."""
        self._used: dict[IPv6Address, tuple[bytes, IPv6Address]] = {}
        """Of each home address the key of the last update, and the address that it named."""

    def own(self, home: IPv6Address, parameters: Parameters) -> None:
        """A home address was made of these parameters."""
        self._parameters[home] = parameters

    def forget(self, home: IPv6Address) -> None:
        """A home address is given up."""
        for table in (self._parameters, self._used):
            table.pop(home, None)
        self._permanent = {key: t for key, t in self._permanent.items() if key[0] != home}

    def tests(
        self,
        home: IPv6Address,
        care_of: IPv6Address,
        anchor: IPv6Address,
        now: int,
        *,
        deregistration: bool = False,
    ) -> list[tuple[TestInit, IPv6Address]]:
        """What to ask the anchor before an update can be sent: messages and their sources.

        At home (``care_of`` is ``home``) and for a deregistration only the home address is tested.
        """
        return [
            (tested.kind(self._new_cookie(home, tested, now)), tested.address)
            for tested in self._untested(home, care_of, anchor, now, deregistration)
        ]

    def is_tested(
        self,
        home: IPv6Address,
        care_of: IPv6Address,
        anchor: IPv6Address,
        now: int,
        *,
        deregistration: bool = False,
    ) -> bool:
        """Whether an update can be sent: ``tests`` would ask nothing."""
        return not self._untested(home, care_of, anchor, now, deregistration)

    def receive(
        self, message: Test, source: IPv6Address, destination: IPv6Address, now: int
    ) -> bool:
        """An anchor's answer; whether it is to a question of ours."""
        kind = HomeTestInit if isinstance(message, HomeTest) else CareOfTestInit
        tested = _Tested(kind, destination, source)
        answered = [
            question
            for question, (cookie, _) in self._cookies.items()
            if question[1] == tested and cookie == message.cookie
        ]
        if not answered:
            return False
        # What is too old to be used goes with it.
        self._cookies = {
            q: c for q, c in self._cookies.items() if q not in answered and _young(c[1], now)
        }
        self._tokens = {t: k for t, k in self._tokens.items() if _young(k[1], now)}
        self._tokens[tested] = Token(message.keygen_token, message.nonce_index), now
        return True

    def authorize(
        self,
        update: BindingUpdate,
        home: IPv6Address,
        care_of: IPv6Address,
        anchor: IPv6Address,
        now: int,
    ) -> BindingUpdate:
        """The update with all that the anchor wants to see; ``tests`` must be done."""
        permanent = self._permanent.get((home, anchor))
        home_token = permanent or self._token(_Tested(HomeTestInit, home, anchor), now)
        care_of_token = Token(b"")
        if self.security.return_routability and update.lifetime and care_of != home:
            tested = self._token(_Tested(CareOfTestInit, care_of, anchor), now)
            assert tested is not None, f"{care_of} is not tested yet"
            care_of_token = tested
        self._used.pop(home, None)
        options = list(update.options)
        if home_token:
            options.append(NonceIndices(home_token.nonce_index, care_of_token.nonce_index))
        signed = self._keys if self.security.cga and not permanent else None
        if signed:
            options += CgaParameters.split(self._parameters[home].encode())
            options.append(Signature(bytes(signed.signature_size)))
        if home_token:
            options.append(UNFILLED)
        update = replace(update, options=tuple(options))
        if signed:
            signature = Signature(signed.sign(signed_data(update, care_of, anchor)))
            update = replace(update, options=tuple(_filled(update.options, signature)))
        if home_token:
            key = binding_management_key(home_token.value, care_of_token.value)
            address = registered(update, home, care_of)
            self._used[home] = key, address
            update = authenticate(update, key, address, anchor)
        return update

    def accept(
        self,
        answer: BindingAcknowledgement,
        home: IPv6Address,
        care_of: IPv6Address,
        anchor: IPv6Address,
    ) -> bool:
        """Whether an acknowledgement is authentic; what it says of tokens is noted.

        Refusals that say why a token or signature did not do are believed as they are
        (RFC 6275 section 9.5.4).
        """
        used = self._used.get(home)
        if answer.status not in UNVERIFIED and used and not is_authentic(answer, *used, anchor):
            return False
        if answer.status in _HOME_EXPIRED:
            self._tokens.pop(_Tested(HomeTestInit, home, anchor), None)
        if answer.status in _CARE_OF_EXPIRED:
            self._tokens.pop(_Tested(CareOfTestInit, care_of, anchor), None)
        if answer.status == Status.PERMANENT_HOME_KEYGEN_TOKEN_UNAVAILABLE:
            self._permanent.pop((home, anchor), None)
        self._take_permanent(answer, home, anchor)
        return True

    def _take_permanent(
        self, answer: BindingAcknowledgement, home: IPv6Address, anchor: IPv6Address
    ) -> None:
        option = answer.option(PermanentHomeKeygenToken)
        if option and self._keys and answer.accepted:
            token = self._keys.decrypt(option.data)
            if token and len(token) == KEYGEN_TOKEN_SIZE:
                self._permanent[home, anchor] = Token(token)

    def _untested(
        self,
        home: IPv6Address,
        care_of: IPv6Address,
        anchor: IPv6Address,
        now: int,
        deregistration: bool,
    ) -> list[_Tested]:
        if not self.security.return_routability:
            return []
        wanted = []
        if (home, anchor) not in self._permanent:
            wanted.append(_Tested(HomeTestInit, home, anchor))
        if care_of != home and not deregistration:
            wanted.append(_Tested(CareOfTestInit, care_of, anchor))
        return [tested for tested in wanted if self._token(tested, now) is None]

    def _new_cookie(self, home: IPv6Address, tested: _Tested, now: int) -> bytes:
        """Of the question being asked; a repetition has another (RFC 6275 section 11.8)."""
        number = self._random.getrandbits(_COOKIE_BITS)
        cookie = number.to_bytes(_COOKIE_BITS // 8, "big")
        self._cookies[home, tested] = cookie, now
        return cookie

    def _token(self, tested: _Tested, now: int) -> Token | None:
        token, since = self._tokens.get(tested, (None, 0))
        return token if _young(since, now) else None


def _filled(options: Iterable[MobilityOption], signature: Signature) -> Iterator[MobilityOption]:
    """The options, with this signature in the place of the one that there is."""
    for option in options:
        yield signature if isinstance(option, Signature) else option


def _young(since: int, now: int) -> bool:
    return now - since < MAX_TOKEN_LIFETIME
