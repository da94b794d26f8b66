"""Octets of what i3 servers tell each other about their ring, and who can have sent them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.wire import chord
from agents.wire.errors import MalformedPacket, Unauthentic, UnknownMessage
from agents.wire.i3 import Endpoint

KEY = b"the servers' key"
HERE, THERE, OTHER = (Endpoint(bytes([n]) * 18) for n in (1, 2, 3))
ENDPOINT = st.binary(min_size=18, max_size=18).map(Endpoint)
ENDPOINTS = st.lists(ENDPOINT, max_size=chord.MAXIMUM_SERVERS).map(tuple)
NUMBER = st.integers(0, 2**64 - 1)
MESSAGES = st.one_of(
    st.builds(chord.Ask, NUMBER, NUMBER, st.booleans()),
    st.builds(chord.Answer, NUMBER, st.booleans(), st.none() | ENDPOINT, ENDPOINTS, ENDPOINTS),
    st.builds(chord.Seek, NUMBER, NUMBER, ENDPOINT, st.integers(0, 255)),
)


def sealed(octets: bytes) -> bytes:
    """What a server that has the key, and a fault, could send."""
    return octets + chord._seal(octets, KEY, HERE, THERE)


@given(MESSAGES)
def test_a_message_comes_out_as_it_went_in(message):
    opened = chord.unseal(chord.seal(message, KEY, HERE, THERE), KEY, HERE, THERE)
    assert opened == message
    assert type(opened) is type(message)


@given(MESSAGES, st.data())
def test_a_message_that_was_changed_is_not_authentic(message, data):
    octets = bytearray(chord.seal(message, KEY, HERE, THERE))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(Unauthentic):
        chord.unseal(bytes(octets), KEY, HERE, THERE)


@pytest.mark.parametrize(
    ("key", "source", "destination"),
    [(b"another", HERE, THERE), (KEY, OTHER, THERE), (KEY, HERE, OTHER), (KEY, THERE, HERE)],
)
def test_a_message_is_from_one_server_to_one_other(key, source, destination):
    octets = chord.seal(chord.Ask(1, 2, True), KEY, HERE, THERE)
    with pytest.raises(Unauthentic):
        chord.unseal(octets, key, source, destination)


@given(st.binary(max_size=80))
def test_any_octets_are_not_authentic(data):
    with pytest.raises(Unauthentic):
        chord.unseal(data, KEY, HERE, THERE)


@given(st.binary(max_size=80))
def test_any_octets_with_a_seal_are_a_message_or_malformed(data):
    try:
        message = chord.unseal(sealed(data), KEY, HERE, THERE)
    except MalformedPacket:
        return
    assert isinstance(message, chord.Ask | chord.Answer | chord.Seek)


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (b"", UnknownMessage),
        (b"\x09" + bytes(20), UnknownMessage),
        (b"\x01" + bytes(16), MalformedPacket),
        (b"\x02" + bytes(8) + b"\x00\x01\x00", MalformedPacket),
        (b"\x02" + bytes(8) + b"\x00\x11\x00" + bytes(17 * 18), MalformedPacket),
        (b"\x02" + bytes(8) + b"\x02\x00\x00", MalformedPacket),
    ],
)
def test_what_is_no_message(octets, error):
    with pytest.raises(error):
        chord.unseal(sealed(octets), KEY, HERE, THERE)


def test_the_octets_of_an_answer():
    """As docs/wire.md draws them."""
    answer = chord.Answer(1, True, HERE, (THERE, OTHER), (OTHER,))
    assert chord.seal(answer, KEY, HERE, THERE)[: -chord.SEAL_LENGTH] == (
        b"\x02" + bytes(7) + b"\x01\x03\x02\x01" + HERE + THERE + OTHER + OTHER
    )
