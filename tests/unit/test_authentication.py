"""Signalling under a key: what is not authentic, or not of this moment, is told apart."""

from __future__ import annotations

import hashlib
import hmac
from ipaddress import IPv6Address

import pytest
import wire_strategies as wire
from hypothesis import given
from hypothesis import strategies as st

from agents.core import MILLISECOND, SECOND
from agents.mobility.authentication import TOLERANCE, Authenticator, Replayed
from agents.wire import authentication, channel, mobility
from agents.wire.authentication import Key
from agents.wire.errors import MalformedPacket, Unauthentic
from agents.wire.mobility import BindingUpdateFlag
from agents.wire.mobility_options import MobileNodeIdentifier, UnknownOption, decode_options

NOW = 1_790_000_000 * SECOND
SECRET = b"correct horse"
KEY = Key(256, SECRET)
FLAGS = BindingUpdateFlag.A | BindingUpdateFlag.P | BindingUpdateFlag.D
UPDATE = mobility.encode(
    mobility.BindingUpdate(7, 300, FLAGS, (MobileNodeIdentifier("mn1"),)), wire.MAR, wire.CMD
)
PROOF = (9, 10)
"""The types of the options that sealing adds."""
GROUP = IPv6Address("ff05::5213")


def sealed(now: int = NOW, secret: bytes = SECRET) -> bytes:
    return Authenticator(secret, now).seal(UPDATE, wire.MAR, wire.CMD, now)


@pytest.fixture
def receiver() -> Authenticator:
    return Authenticator(SECRET, NOW - 60 * SECOND)


def has_a_proof(message: mobility.Message) -> bool:
    return any(option.number in PROOF for option in message.options)


@given(
    st.one_of(
        wire.mobility_message.filter(lambda m: not has_a_proof(m)).map(
            lambda m: mobility.encode(m, wire.MAR, wire.CMD)
        ),
        wire.channel_message.map(lambda m: channel.encode(m, wire.MAR, wire.CMD)),
    )
)
def test_what_is_sealed_comes_out_as_it_was(message: bytes) -> None:
    sender, receiver = Authenticator(SECRET, NOW), Authenticator(SECRET, NOW)
    message = sender.seal(original := message, wire.MAR, wire.CMD, NOW)
    assert len(message) == len(original) + authentication.SIZE
    assert receiver.open(message, wire.MAR, wire.CMD, NOW) == original


@pytest.mark.parametrize("number", PROOF)
def test_what_has_an_option_of_the_proof_already_is_opened_by_nobody(number: int) -> None:
    """It would have two, of which the receiver could not tell which is meant (section 5.1)."""
    message = mobility.BindingRefreshRequest((UnknownOption(number, b"octets"),))
    twice = Authenticator(SECRET, NOW).seal(
        mobility.encode(message, wire.MAR, wire.CMD), wire.MAR, wire.CMD, NOW
    )
    with pytest.raises(Unauthentic):
        Authenticator(SECRET, NOW).open(twice, wire.MAR, wire.CMD, NOW)


def test_the_options_are_those_of_rfc_4285() -> None:
    message = sealed()
    mobility.decode(message, wire.MAR, wire.CMD)  # its length and its checksum are right
    assert (
        message[:12]
        == UPDATE[:1] + bytes((UPDATE[1] + 4,)) + UPDATE[2:4] + message[4:6] + (UPDATE[6:12])
    )
    time, code = decode_options(message[12:])[-2:]
    assert (time.number, len(time.encode()), message.index(time.encode()) % 8) == (10, 8, 4)
    assert int.from_bytes(time.encode()[:4], "big") == NOW // SECOND + 2_208_988_800
    assert (code.number, code.encode()[:5]) == (9, b"\x01\x00\x00\x01\x00")
    assert message.endswith(code.encode())
    assert (len(message) - 19) % 4 == 1
    covered = bytearray(message[:-12])
    covered[4:6] = b"\0\0"
    data = wire.MAR.packed + wire.CMD.packed + covered
    assert code.encode()[5:] == hmac.new(SECRET, data, hashlib.sha1).digest()[:12]


@given(st.integers(0, len(sealed()) - 1), st.integers(1, 255))
def test_any_octet_changed_is_detected(position: int, change: int) -> None:
    changed = bytearray(sealed())
    changed[position] ^= change
    receiver = Authenticator(SECRET, NOW)
    with pytest.raises(MalformedPacket):
        receiver.open(bytes(changed), wire.MAR, wire.CMD, NOW)
    if position not in (4, 5):
        with pytest.raises(MalformedPacket):
            receiver.open(wire.with_checksum(bytes(changed), 135), wire.MAR, wire.CMD, NOW)


@given(st.binary(max_size=120))
def test_any_octets_are_refused(octets: bytes) -> None:
    with pytest.raises(MalformedPacket):
        authentication.unseal(octets, wire.MAR, wire.CMD, KEY)


def test_a_message_without_the_options_is_unauthentic(receiver: Authenticator) -> None:
    for message in (UPDATE, mobility.encode(mobility.BindingError(1, GROUP), wire.MAR, wire.CMD)):
        with pytest.raises(Unauthentic):
            receiver.open(message, wire.MAR, wire.CMD, NOW)


def test_another_key_is_unauthentic(receiver: Authenticator) -> None:
    with pytest.raises(Unauthentic, match="code"):
        receiver.open(sealed(secret=b"battery staple"), wire.MAR, wire.CMD, NOW)
    time = authentication.ntp_time(NOW)
    message = authentication.seal(UPDATE, wire.MAR, wire.CMD, time, Key(257, SECRET))
    with pytest.raises(Unauthentic, match="this key"):
        receiver.open(message, wire.MAR, wire.CMD, NOW)


def test_a_message_is_for_its_two_addresses_only(receiver: Authenticator) -> None:
    """Neither can it be returned to its sender, nor sent to others, nor as another's."""
    other = IPv6Address("2001:db8:ffff::9")
    for source, destination in ((wire.CMD, wire.MAR), (other, wire.CMD), (wire.MAR, other)):
        moved = wire.with_checksum(sealed(), 135, source, destination)
        with pytest.raises(Unauthentic, match="code"):
            receiver.open(moved, source, destination, NOW)


def test_a_message_is_accepted_once(receiver: Authenticator) -> None:
    message = sealed()
    receiver.open(message, wire.MAR, wire.CMD, NOW)
    for later in (0, MILLISECOND, TOLERANCE - 1, TOLERANCE, 3600 * SECOND):
        with pytest.raises(Replayed):
            receiver.open(message, wire.MAR, wire.CMD, NOW + later)


def test_messages_may_overtake_each_other(receiver: Authenticator) -> None:
    sender = Authenticator(SECRET, NOW)
    messages = [sender.seal(UPDATE, wire.MAR, wire.CMD, NOW) for _ in range(5)]
    assert len(set(messages)) == 5  # though the clock stood still
    for message in reversed(messages):
        assert receiver.open(message, wire.MAR, wire.CMD, NOW + MILLISECOND) == UPDATE


@pytest.mark.parametrize("skew", [-TOLERANCE + 1000, -SECOND, SECOND, TOLERANCE - 1000])
def test_clocks_may_differ(receiver: Authenticator, skew: int) -> None:
    assert receiver.open(sealed(NOW + skew), wire.MAR, wire.CMD, NOW) == UPDATE
    with pytest.raises(Replayed, match="before"):
        receiver.open(sealed(NOW + skew), wire.MAR, wire.CMD, NOW)


@pytest.mark.parametrize("skew", [-3600 * SECOND, -TOLERANCE, TOLERANCE, 3600 * SECOND])
def test_but_not_by_much(receiver: Authenticator, skew: int) -> None:
    with pytest.raises(Replayed, match="ago"):
        receiver.open(sealed(NOW + skew), wire.MAR, wire.CMD, NOW)


def test_a_message_from_a_fast_clock_is_not_accepted_again_when_its_time_comes(
    receiver: Authenticator,
) -> None:
    message = sealed(NOW + 5 * SECOND)
    receiver.open(message, wire.MAR, wire.CMD, NOW)
    with pytest.raises(Replayed):
        receiver.open(message, wire.MAR, wire.CMD, NOW + 11 * SECOND)


def test_what_an_earlier_life_accepted_is_not_accepted_again() -> None:
    message = sealed(NOW)
    restarted = Authenticator(SECRET, NOW + SECOND)
    with pytest.raises(Replayed, match="began"):
        restarted.open(message, wire.MAR, wire.CMD, NOW + 2 * SECOND)


def test_the_year_2036_is_a_year_like_others() -> None:
    rollover = ((1 << 32) - 2_208_988_800) * SECOND
    sender, receiver = Authenticator(SECRET, 0), Authenticator(SECRET, rollover - 60 * SECOND)
    for now in (rollover - SECOND, rollover, rollover + SECOND):
        message = sender.seal(UPDATE, wire.MAR, wire.CMD, now)
        assert receiver.open(message, wire.MAR, wire.CMD, now + MILLISECOND) == UPDATE


@given(st.lists(st.integers(0, 30 * SECOND), max_size=40), st.randoms())
def test_no_order_of_delivery_lets_a_message_in_twice(times, rng) -> None:
    sender, receiver = Authenticator(SECRET, NOW), Authenticator(SECRET, NOW)
    sent = [sender.seal(UPDATE, wire.MAR, wire.CMD, NOW + time) for time in sorted(times)]
    accepted = []
    now = NOW
    for _ in range(3 * len(sent)):
        message = rng.choice(sent)
        now += rng.randrange(2 * SECOND)
        try:
            receiver.open(message, wire.MAR, wire.CMD, now)
        except Replayed:
            continue
        accepted.append(message)
    assert len(accepted) == len(set(accepted))
