"""Updates are authorized and verified: every mechanism, alone and with the others."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network
from itertools import product
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.core import SECOND
from agents.mipv6 import cga
from agents.mipv6.authorizer import Authorizer
from agents.mipv6.keys import KeyPair
from agents.mipv6.return_routability import MAX_NONCE_LIFETIME, MAX_TOKEN_LIFETIME, NONCE_PERIOD
from agents.mipv6.security import Security
from agents.mipv6.verifier import Verifier
from agents.wire import ipv6, mobility
from agents.wire.errors import MalformedPacket
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingAcknowledgementFlag,
    BindingUpdate,
    BindingUpdateFlag,
    CareOfTestInit,
    HomeTestInit,
    Status,
)
from agents.wire.mobility_options import (
    PADN,
    BindingAuthorizationData,
    CgaParameters,
    Signature,
    UnknownOption,
)

DAR = IPv6Address("2001:db8:ffff::1:1")
OTHER_DAR = IPv6Address("2001:db8:ffff::1:9")
CARE_OF = IPv6Address("2001:db8:2:1::2")
NEXT_CARE_OF = IPv6Address("2001:db8:3:1::2")
KEYS, OTHER_KEYS = KeyPair.generate(), KeyPair.generate()
HOME, PARAMETERS = cga.generate(KEYS.public_key, IPv6Network("2001:db8:1:1::/64"), bytes(16), 0)
FLAGS = BindingUpdateFlag.A | BindingUpdateFlag.H

ALL = [
    Security(signed, tested, token)
    for signed, tested, token in product((False, True), repeat=3)
    if signed or not token
]
SECURE = [security for security in ALL if security.cga or security.return_routability]
FULL = Security(cga=True, return_routability=True, permanent_keygen_token=True)
TESTED = Security(return_routability=True)


class Pair:
    """A mobile node and its anchor; messages between them cross the wire."""

    def __init__(self, security: Security) -> None:
        self.node = Authorizer(security, KEYS, Random(1))
        self.node.own(HOME, PARAMETERS)
        self.anchor = Verifier(security, DAR, b"s" * 20)
        self.sequence = 0
        self.now = 0

    def test(self, care_of: IPv6Address, *, deregistration: bool = False) -> list[type]:
        """The node tests what it has to; which tests that were."""
        asked = self.node.tests(HOME, care_of, DAR, self.now, deregistration=deregistration)
        for message, source in asked:
            answer = self.anchor.answer(message, source, self.now)
            assert self.node.receive(answer, DAR, source, self.now)
        return [type(message) for message, _ in asked]

    def update(self, care_of: IPv6Address, lifetime: int = 300) -> BindingUpdate:
        """An update as the anchor gets it."""
        self.sequence += 1
        plain = BindingUpdate(self.sequence, lifetime, FLAGS)
        update = self.node.authorize(plain, HOME, care_of, DAR, self.now)
        received = mobility.decode(mobility.encode(update, care_of, DAR), care_of, DAR)
        assert isinstance(received, BindingUpdate)
        return received

    def verify(self, update: BindingUpdate, care_of: IPv6Address) -> Status | None:
        return self.anchor.verify(update, HOME, care_of, self.now)

    def acknowledge(self, update: BindingUpdate, care_of: IPv6Address) -> BindingAcknowledgement:
        answer = BindingAcknowledgement(0, update.sequence, 300, BindingAcknowledgementFlag(0))
        return self.anchor.acknowledge(answer, update, HOME, care_of, self.now)

    def bind(self, care_of: IPv6Address) -> BindingUpdate:
        """The whole exchange."""
        self.test(care_of)
        update = self.update(care_of)
        assert self.verify(update, care_of) is Status.ACCEPTED
        assert self.node.accept(self.acknowledge(update, care_of), HOME, care_of, DAR)
        return update


@pytest.mark.parametrize("security", ALL, ids=str)
def test_an_honest_node_is_believed_wherever_it_goes(security):
    pair = Pair(security)
    pair.test(HOME)
    for care_of in (CARE_OF, NEXT_CARE_OF, CARE_OF):
        pair.bind(care_of)
    pair.test(HOME, deregistration=True)
    update = pair.update(CARE_OF, lifetime=0)
    assert pair.verify(update, CARE_OF) is Status.ACCEPTED
    assert pair.node.accept(pair.acknowledge(update, CARE_OF), HOME, CARE_OF, DAR)


def test_what_is_tested_when():
    pair = Pair(FULL)
    assert pair.test(HOME) == [HomeTestInit]
    assert pair.test(CARE_OF) == [CareOfTestInit]
    pair.bind(CARE_OF)
    assert pair.test(CARE_OF) == []  # a refresh
    assert pair.test(NEXT_CARE_OF, deregistration=True) == []
    pair.now += MAX_TOKEN_LIFETIME
    assert pair.test(CARE_OF) == [CareOfTestInit]  # the home token is permanent
    assert Pair(Security(cga=True)).test(CARE_OF) == []


def test_only_the_first_update_is_signed_when_there_is_a_permanent_token():
    pair = Pair(FULL)
    pair.test(HOME)
    signed = [pair.bind(care_of).option(Signature) for care_of in (CARE_OF, NEXT_CARE_OF)]
    assert signed[0] is not None
    assert signed[1] is None
    without = Pair(Security(cga=True))
    assert all(without.bind(care_of).option(Signature) for care_of in (CARE_OF, NEXT_CARE_OF))


def test_a_home_token_outlives_the_handover_but_not_its_nonce():
    pair = Pair(TESTED)
    pair.test(HOME)
    pair.now += MAX_TOKEN_LIFETIME - 1
    pair.test(CARE_OF)
    update = pair.update(CARE_OF)
    assert pair.verify(update, CARE_OF) is Status.ACCEPTED
    pair.now = MAX_NONCE_LIFETIME
    assert pair.verify(update, CARE_OF) is Status.EXPIRED_HOME_NONCE_INDEX
    pair.now += MAX_NONCE_LIFETIME
    assert pair.verify(update, CARE_OF) is Status.EXPIRED_NONCES


def test_a_care_of_token_expires_too():
    pair = Pair(FULL)
    pair.test(HOME)
    pair.bind(CARE_OF)
    update = pair.update(CARE_OF)
    pair.now += MAX_NONCE_LIFETIME
    assert pair.verify(update, CARE_OF) is Status.EXPIRED_CARE_OF_NONCE_INDEX


@given(st.integers(0, 1 << 62))
def test_a_token_is_good_for_its_whole_life(now):
    pair = Pair(TESTED)
    pair.now = now
    pair.test(HOME)
    pair.test(CARE_OF)
    update = pair.update(CARE_OF)
    pair.now += MAX_TOKEN_LIFETIME
    assert pair.verify(update, CARE_OF) is Status.ACCEPTED
    pair.now = now + MAX_TOKEN_LIFETIME + 2 * NONCE_PERIOD
    assert pair.verify(update, CARE_OF) is Status.EXPIRED_NONCES


@pytest.mark.parametrize(
    ("status", "again"),
    [
        (Status.EXPIRED_HOME_NONCE_INDEX, [HomeTestInit]),
        (Status.EXPIRED_CARE_OF_NONCE_INDEX, [CareOfTestInit]),
        (Status.EXPIRED_NONCES, [HomeTestInit, CareOfTestInit]),
    ],
)
def test_what_has_expired_is_tested_again(status, again):
    pair = Pair(TESTED)
    pair.test(HOME)
    pair.test(CARE_OF)
    refusal = BindingAcknowledgement(
        status, pair.update(CARE_OF).sequence, 0, BindingAcknowledgementFlag(0)
    )
    assert pair.node.accept(refusal, HOME, CARE_OF, DAR)
    assert pair.test(CARE_OF) == again
    pair.bind(CARE_OF)


def test_an_anchor_that_gives_no_permanent_tokens_gets_a_signature_instead():
    pair = Pair(FULL)
    pair.test(HOME)
    pair.bind(CARE_OF)
    pair.anchor = Verifier(replace(FULL, permanent_keygen_token=False), DAR, b"other" * 4)
    update = pair.update(CARE_OF)
    status = pair.verify(update, CARE_OF)
    assert status is Status.PERMANENT_HOME_KEYGEN_TOKEN_UNAVAILABLE
    refusal = BindingAcknowledgement(status, update.sequence, 0, BindingAcknowledgementFlag(0))
    assert pair.node.accept(refusal, HOME, CARE_OF, DAR)
    pair.now += MAX_TOKEN_LIFETIME  # nor are the tokens of the other secret good
    assert pair.test(CARE_OF) == [HomeTestInit, CareOfTestInit]
    assert pair.bind(CARE_OF).option(Signature)


def test_an_answer_to_a_test_counts_once():
    """Whoever recorded it does not bring back a token that has been replaced since."""
    mobile_node = Authorizer(TESTED, None, Random(1))
    verifier = Verifier(TESTED, DAR, bytes(20))
    ((test, source),) = mobile_node.tests(HOME, HOME, DAR, 0)
    answer = verifier.answer(test, source, 0)
    assert mobile_node.receive(answer, DAR, source, 0)
    assert not mobile_node.receive(answer, DAR, source, 0)
    assert not mobile_node.receive(answer, DAR, source, SECOND)


def test_a_forged_test_is_not_listened_to():
    pair = Pair(TESTED)
    ((message, source),) = pair.node.tests(HOME, HOME, DAR, 0)
    answer = pair.anchor.answer(message, source, 0)
    assert not pair.node.receive(replace(answer, cookie=b"unlikely"), DAR, HOME, 0)
    assert not pair.node.receive(answer, OTHER_DAR, HOME, 0)
    assert not pair.node.receive(answer, DAR, CARE_OF, 0)
    assert pair.node.receive(answer, DAR, HOME, 0)
    assert not pair.node.receive(answer, DAR, HOME, 0)  # nobody asked any more


@pytest.mark.parametrize("security", SECURE, ids=str)
def test_who_proves_nothing_is_not_believed(security):
    pair = Pair(security)
    assert pair.verify(BindingUpdate(1, 300, FLAGS), CARE_OF) is not Status.ACCEPTED


def test_a_thief_with_a_key_of_its_own_is_not_believed():
    pair = Pair(Security(cga=True))
    thief = Authorizer(Security(cga=True), OTHER_KEYS, Random(1))
    for parameters in (PARAMETERS, replace(PARAMETERS, public_key=OTHER_KEYS.public_key)):
        thief.own(HOME, parameters)
        update = thief.authorize(BindingUpdate(1, 300, FLAGS), HOME, CARE_OF, DAR, 0)
        assert pair.verify(update, CARE_OF) is Status.CGA_AND_SIGNATURE_VERIFICATION_FAILED


def test_the_care_of_address_of_somebody_else_is_not_bound():
    """The redirection attack of the paper: a victim's address, which never answered a test."""
    pair = Pair(FULL)
    pair.test(HOME)
    pair.test(CARE_OF)
    update = pair.update(CARE_OF)
    assert pair.verify(update, NEXT_CARE_OF) is not Status.ACCEPTED
    assert pair.verify(update, CARE_OF) is Status.ACCEPTED


def established(security: Security, *, first: bool) -> tuple[Pair, BindingUpdate]:
    """An update that is believed: the first, or one with the permanent token, if there is one."""
    pair = Pair(security)
    pair.test(HOME)
    if not first:
        pair.bind(NEXT_CARE_OF)
    pair.test(CARE_OF)
    return pair, pair.update(CARE_OF)


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("security", SECURE, ids=str)
@settings(
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_tampering_is_detected(security, first, data):
    pair, update = established(security, first=first)
    octets = bytearray(mobility.encode(update, CARE_OF, DAR))
    position = data.draw(st.integers(6, len(octets) - 1))
    octets[position] ^= 1 << data.draw(st.integers(0, 7))
    octets[4:6] = bytes(2)
    changed = reread(bytes(octets))
    if changed is None:
        return
    # Behind a signature that is alone padding says nothing.
    if understood(changed) == update and not update.option(BindingAuthorizationData):
        return
    assert pair.verify(changed, CARE_OF) is not Status.ACCEPTED


def test_behind_a_signature_that_is_alone_only_an_unknown_option_goes_unnoticed():
    """RFC 4866 section 4.5: it covers what is before it, and padding follows."""
    pair, update = established(Security(cga=True), first=True)
    *_, padding = mobility.encode(update, CARE_OF, DAR).rpartition(update.options[-1].data)
    assert padding[0] == PADN
    for number in range(256):
        octets = bytearray(mobility.encode(update, CARE_OF, DAR))
        octets[-len(padding)] = number
        changed = reread(bytes(octets))
        if changed is not None and changed != update:
            accepted = pair.verify(changed, CARE_OF) is Status.ACCEPTED
            assert accepted == (understood(changed) == update), number


def understood(update: BindingUpdate) -> BindingUpdate:
    """Without an unknown option that has become of padding behind a signature that is alone."""
    *rest, last = update.options
    alone = rest and isinstance(rest[-1], Signature) and isinstance(last, UnknownOption)
    return replace(update, options=tuple(rest)) if alone else update


def reread(octets: bytes) -> BindingUpdate | None:
    """The update in these octets, once their checksum is made right, as an attacker would."""
    value = ipv6.checksum(CARE_OF, DAR, ipv6.MOBILITY, octets)
    octets = octets[:4] + value.to_bytes(2, "big") + octets[6:]
    try:
        message = mobility.decode(octets, CARE_OF, DAR)
    except MalformedPacket:
        return None
    assert isinstance(message, BindingUpdate)
    return message


@pytest.mark.parametrize("option", [CgaParameters, Signature, BindingAuthorizationData])
def test_nothing_can_be_left_out(option):
    pair, update = established(FULL, first=True)
    rest = tuple(o for o in update.options if not isinstance(o, option))
    assert pair.verify(replace(update, options=rest), CARE_OF) is not Status.ACCEPTED


def test_an_acknowledgement_is_authenticated():
    pair, update = established(FULL, first=True)
    answer = pair.acknowledge(update, CARE_OF)
    assert not pair.node.accept(replace(answer, lifetime=0), HOME, CARE_OF, DAR)
    assert not pair.node.accept(replace(answer, options=()), HOME, CARE_OF, DAR)
    assert pair.node.accept(answer, HOME, CARE_OF, DAR)


def test_the_permanent_token_is_not_on_the_wire():
    pair, update = established(FULL, first=True)
    answer = pair.acknowledge(update, CARE_OF)
    token = pair.anchor._tokens.permanent(HOME)
    assert token not in mobility.encode(answer, DAR, CARE_OF)


def test_a_permanent_token_needs_a_cga():
    with pytest.raises(ValueError, match="CGA"):
        Security(permanent_keygen_token=True)
    with pytest.raises(ValueError, match="key pair"):
        Authorizer(Security(cga=True), None, Random(1))


def test_a_forgotten_address_has_no_permanent_token():
    pair = Pair(FULL)
    pair.test(HOME)
    pair.bind(CARE_OF)
    pair.node.forget(HOME)
    pair.now += 300 * SECOND
    assert pair.test(CARE_OF) == [HomeTestInit, CareOfTestInit]
