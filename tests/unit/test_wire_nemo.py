"""NEMO's messages: round trips, and any octets whatever."""

from __future__ import annotations

import pytest
import wire_strategies as wire
from hypothesis import given
from hypothesis import strategies as st

from agents.wire import nemo, nemo_codec, overlay
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.i3 import endpoint
from agents.wire.overlay import MemberId

members = st.binary(min_size=8, max_size=8).map(MemberId)
peer = st.builds(nemo.Peer, members, st.builds(endpoint, wire.addresses, wire.short))
peers = st.lists(peer, max_size=4).map(tuple)
seats = st.lists(st.builds(nemo.Seat, peer, peers), max_size=4).map(tuple)
layers = st.integers(0, nemo.MAXIMUM_LAYERS - 1)
counters = st.integers(0, (1 << 64) - 1)
place = (wire.addresses, layers)
distances = st.lists(st.tuples(members, wire.short), max_size=4).map(tuple)

messages = st.one_of(
    st.builds(nemo.Ping, counters),
    st.builds(nemo.Pong, counters),
    st.builds(nemo.Find, wire.addresses),
    *(st.builds(k, *place, peers) for k in (nemo.Root, nemo.Register, nemo.Members, nemo.Join)),
    *(st.builds(kind, *place) for kind in (nemo.Query, nemo.Leave)),
    st.builds(nemo.View, *place, members, seats, st.lists(members, max_size=3).map(tuple), peers),
    st.builds(nemo.Alive, *place, peers, distances),
    st.builds(nemo.Lead, *place, seats, peers),
    st.builds(nemo.Move, *place, peer),
    st.builds(
        nemo.Data,
        wire.addresses,
        members,
        counters,
        st.sampled_from(nemo.Way),
        layers,
        members,
        counters,
        wire.addresses,
        st.binary(max_size=40),
    ),
    st.builds(
        nemo.Nack,
        wire.addresses,
        members,
        st.lists(counters, min_size=1, max_size=nemo.MAXIMUM_MISSING).map(tuple),
    ),
)


@given(messages)
def test_messages_come_back_as_they_were(message):
    assert nemo_codec.decode(nemo_codec.encode(message)) == message


@given(wire.spoilt(messages.map(nemo_codec.encode), 120))
def test_any_octets_give_a_message_or_are_malformed(data):
    try:
        message = nemo_codec.decode(data)
    except MalformedPacket:
        return
    assert nemo_codec.encode(message) == data


@given(messages)
def test_the_protocol_of_our_own_does_not_take_them_for_its_messages(message):
    with pytest.raises(UnknownMessage):
        overlay.decode(nemo_codec.encode(message))


@pytest.mark.parametrize(
    "octets",
    [
        bytes((69,)) + bytes(16) + b"\x10",
        bytes((77,)) + bytes(32) + b"\x04" + bytes(33),
        bytes((78,)) + bytes(24),
        bytes((78,)) + bytes(24 + 65 * 8),
        bytes((72,)) + bytes(18),
    ],
    ids=["a layer too high", "no way", "lacks nothing", "lacks too much", "too long"],
)
def test_what_may_not_be_is_malformed(octets):
    with pytest.raises(MalformedPacket):
        nemo_codec.decode(octets)
