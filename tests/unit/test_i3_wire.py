"""Octets of i3 messages, and of what group members say in them."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.wire import i3, i3_group
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.i3 import Endpoint, Identifier

IDENTIFIER = st.binary(min_size=32, max_size=32).map(Identifier)
ENDPOINT = st.binary(min_size=18, max_size=18).map(Endpoint)
TARGET = IDENTIFIER | ENDPOINT
TOKEN = st.binary(min_size=16, max_size=16)
OCTET, SHORT, NUMBER, SEQUENCE = (st.integers(0, 2**bits - 1) for bits in (8, 16, 32, 64))
TIME = st.integers(-(2**63), 2**63 - 1)
PAYLOAD = st.binary(max_size=40)
MESSAGES = st.one_of(
    st.builds(i3.Packet, IDENTIFIER, PAYLOAD, OCTET),
    *(st.builds(kind, IDENTIFIER, TARGET, TOKEN) for kind in (i3.Insert, i3.Remove, i3.Challenge)),
    st.builds(i3.Accepted, IDENTIFIER, TARGET, SHORT),
    st.builds(i3.Refused, IDENTIFIER, TARGET, st.sampled_from(i3.Reason)),
    st.builds(i3.Locate, SEQUENCE, SEQUENCE),
    st.builds(i3.Responsible, SEQUENCE, SEQUENCE, SEQUENCE),
    st.builds(i3.Ring, PAYLOAD),
)
GROUP_MESSAGES = st.one_of(
    st.builds(i3_group.Data, NUMBER, SEQUENCE, TIME, PAYLOAD),
    st.builds(i3_group.Repair, NUMBER, SEQUENCE, TIME, PAYLOAD),
    st.builds(i3_group.QueryDistance, NUMBER, ENDPOINT),
    st.builds(i3_group.Distance, NUMBER, IDENTIFIER, TIME, TIME),
    st.builds(i3_group.RefreshAck, IDENTIFIER),
    st.builds(i3_group.Joined, IDENTIFIER),
    st.builds(i3_group.RepairRequest, NUMBER, SEQUENCE, TARGET),
)


@given(MESSAGES)
def test_a_message_comes_out_as_it_went_in(message):
    assert i3.decode(i3.encode(message)) == message


@given(GROUP_MESSAGES)
def test_a_message_of_a_group_comes_out_as_it_went_in(message):
    assert i3_group.decode(i3_group.encode(message)) == message
    assert type(i3_group.decode(i3_group.encode(message))) is type(message)


@given(st.binary(max_size=120))
def test_any_octets_are_a_message_or_malformed(data):
    for decode in (i3.decode, i3_group.decode):
        try:
            decode(data)
        except MalformedPacket:
            continue


@given(MESSAGES.filter(lambda one: not isinstance(one, i3.Packet | i3.Ring)), st.data())
def test_a_message_cut_short_is_malformed(message, data):
    octets = i3.encode(message)
    cut = data.draw(st.integers(0, len(octets) - 1))
    with pytest.raises(MalformedPacket):
        i3.decode(octets[:cut])


def test_the_octets_of_an_insertion():
    """As docs/wire.md draws them."""
    to = i3.endpoint(IPv6Address("2001:db8::1"), 5300)
    message = i3.Insert(Identifier(bytes(range(32))), to, b"t" * 16)
    assert i3.encode(message) == (
        b"\x01\x02\x00\x00" + bytes(range(32)) + b"\x02"
        b"\x20\x01\x0d\xb8" + bytes(11) + b"\x01\x14\xb4" + b"t" * 16
    )
    assert i3.address_and_port(to) == (IPv6Address("2001:db8::1"), 5300)


@pytest.mark.parametrize(
    ("octets", "error"),
    [
        (b"\x01\x01\x20", MalformedPacket),
        (b"\x01\x01\x20\x00" + bytes(31), MalformedPacket),
        (b"\x02\x01\x20\x00" + bytes(32), MalformedPacket),
        (b"\x01\x63\x00\x00" + bytes(32), UnknownMessage),
        (b"\x01\x02\x00\x00" + bytes(32) + b"\x03" + bytes(40), MalformedPacket),
        (b"\x01\x06\x00\x00" + bytes(32) + b"\x01" + bytes(32) + b"\x09", MalformedPacket),
    ],
)
def test_what_is_no_message(octets, error):
    with pytest.raises(error):
        i3.decode(octets)
