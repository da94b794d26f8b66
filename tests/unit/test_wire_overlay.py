"""The overlay's own messages: round trips, any octets whatever, and what is no tree."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
import wire_strategies as wire
from hypothesis import given
from hypothesis import strategies as st

from agents.wire import overlay, overlay_items
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.i3 import endpoint
from agents.wire.overlay import Hop, MemberId, Route

members = st.binary(min_size=8, max_size=8).map(MemberId)
endpoints = st.builds(endpoint, wire.addresses, wire.short)
octets = st.binary(max_size=40)
counters = st.integers(0, (1 << 64) - 1)
items = st.builds(overlay.Item, wire.short, wire.word, octets)
origins = st.builds(overlay.Origin, members, wire.word, st.lists(items, max_size=4).map(tuple))


@st.composite
def routes(draw):
    """A route whose hops are a random tree in preorder."""
    ids = draw(st.lists(members, min_size=2, max_size=9, unique=True))

    def hops(some):
        if not some:
            return []
        split = draw(st.integers(1, len(some)))
        mine, others = some[:split], some[split:]
        return [Hop(mine[0], len(mine) - 1, draw(st.booleans())), *hops(mine[1:]), *hops(others)]

    top = Hop(ids[1], len(ids) - 2)
    numbers = draw(wire.word), draw(wire.word), draw(wire.short)
    return Route(ids[0], *numbers, (top, *hops(ids[2:])))


messages = st.one_of(
    st.builds(overlay.Ping, counters),
    st.builds(overlay.Pong, counters, endpoints),
    st.builds(overlay.Digest, st.lists(st.tuples(members, wire.word), max_size=5).map(tuple)),
    st.builds(overlay.News, st.lists(origins, max_size=3).map(tuple), st.booleans()),
    st.builds(overlay.Forwarded, members, members, octets),
    routes(),
    st.builds(overlay.RouteAck, members, wire.word, wire.word),
    st.builds(
        overlay.Receipts,
        st.lists(st.builds(overlay.Receipt, wire.word, counters, counters), max_size=4).map(tuple),
    ),
    st.builds(overlay.Data, members, wire.word, wire.word, counters, octets),
)
single = st.floats(-1000, 1000, width=32)
profiles = st.builds(
    overlay_items.Profile,
    st.text(st.characters(codec="utf-8"), max_size=20),
    wire.octet,
    st.lists(endpoints, max_size=3).map(tuple),
    st.booleans(),
    st.lists(members, max_size=3).map(tuple),
    st.tuples(single, single, st.floats(0, 1000, width=32), st.floats(0, 1, width=32)),
)
interests = st.builds(
    overlay_items.Interest, wire.addresses, st.booleans(), st.frozensets(wire.addresses, max_size=4)
)


@given(messages)
def test_messages_come_back_as_they_were(message):
    assert overlay.decode(overlay.encode(message)) == message


@given(profiles)
def test_profiles_come_back_as_they_were(profile):
    assert overlay_items.decode_profile(overlay_items.encode_profile(profile)) == profile


@given(interests)
def test_interests_come_back_as_they_were(interest):
    assert overlay_items.decode_interest(overlay_items.encode_interest(interest)) == interest


@given(
    wire.spoilt(
        messages.map(overlay.encode) | profiles.map(overlay_items.encode_profile), longest=80
    )
)
def test_any_octets_give_a_message_or_are_malformed(data):
    for decode in (overlay.decode, overlay_items.decode_profile, overlay_items.decode_interest):
        try:
            decode(data)
        except MalformedPacket:
            continue


A, B, C = (MemberId(bytes(7) + bytes((number,))) for number in (1, 2, 3))


@pytest.mark.parametrize(
    "hops",
    [
        (),
        (Hop(B, 1),),
        (Hop(A, 0),),
        (Hop(B, 1), Hop(B, 0)),
        (Hop(B, 1), Hop(C, 1)),
        (Hop(B, 0), Hop(C, 0)),
    ],
    ids=["empty", "too short", "the root", "twice", "beyond the end", "two at the top"],
)
def test_a_route_that_is_no_tree_is_malformed(hops):
    octets = overlay.encode(Route(A, 1, 1, 500, hops))
    with pytest.raises(MalformedPacket):
        overlay.decode(octets)


def test_an_unknown_type_is_named():
    with pytest.raises(UnknownMessage):
        overlay.decode(b"\xc8")


def test_an_interest_accepts_what_its_filter_does():
    group, source, other = (IPv6Address(text) for text in ("ff0e::1", "2001:db8::1", "::2"))
    assert overlay_items.Interest(group, True).accepts(source)
    assert not overlay_items.Interest(group, True, frozenset({source})).accepts(source)
    assert overlay_items.Interest(group, False, frozenset({source})).accepts(source)
    assert not overlay_items.Interest(group, False, frozenset({source})).accepts(other)
