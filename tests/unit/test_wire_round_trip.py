"""Whatever a message says, its octets say it too: decode(encode(message)) == message."""

from __future__ import annotations

import pytest
import wire_strategies as wire
from hypothesis import assume, given
from hypothesis import strategies as st

from agents.wire import channel, cxtp, fast_handover, ipv6, mld, mobility, ndp, sctp
from agents.wire import mobility_options as options
from agents.wire.errors import MalformedPacket


@given(wire.mobility_message, wire.addresses, wire.addresses)
def test_mobility_messages(message, source, destination):
    data = mobility.encode(message, source, destination)
    assert mobility.decode(data, source, destination) == message
    assert len(data) == 8 * (data[1] + 1)


@given(wire.mobility_message, wire.addresses, wire.addresses)
def test_messages_of_mobile_nodes_are_told_from_those_of_routers(message, source, destination):
    update = isinstance(message, mobility.BindingUpdate)
    expected = isinstance(message, mobility.HomeTestInit | mobility.CareOfTestInit) or (
        update and mobility.BindingUpdateFlag.P not in message.flags
    )
    assert mobility.is_from_mobile_node(mobility.encode(message, source, destination)) == expected


@given(wire.channel_message, wire.addresses, wire.addresses)
def test_channel_messages(message, source, destination):
    data = channel.encode(message, source, destination)
    assert channel.decode(data, source, destination) == message
    assert len(data) == 8 * (data[1] + 1)


@given(wire.handover_message, wire.addresses, wire.addresses)
def test_fast_handover_messages(message, source, destination):
    data = fast_handover.encode(message, source, destination)
    assert fast_handover.decode(data, source, destination) == message
    assert len(data) == 8 * (data[1] + 1)


@given(wire.sctp_packet)
def test_sctp_packets(packet):
    data = sctp.encode(packet)
    assert sctp.decode(data) == packet
    assert len(data) % 4 == 0


@given(wire.sctp_packet, st.data())
def test_a_single_flipped_bit_of_an_sctp_packet_is_noticed(packet, data):
    octets = bytearray(sctp.encode(packet))
    bit = data.draw(st.integers(0, 8 * len(octets) - 1))
    octets[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MalformedPacket):
        sctp.decode(bytes(octets))


@given(wire.context_message)
def test_context_transfer_messages(message):
    assert cxtp.decode(cxtp.encode(message)) == message


@given(wire.mld_message, wire.addresses, wire.addresses)
def test_mld_messages(message, source, destination):
    assert mld.decode(mld.encode(message, source, destination), source, destination) == message


@given(wire.ndp_message, wire.addresses, wire.addresses)
def test_ndp_messages(message, source, destination):
    told = message.source_link_layer_address is not None
    assume(not (told and source.is_unspecified and isinstance(message, ndp.RouterSolicitation)))
    data = ndp.encode(message, source, destination)
    assert ndp.decode(data, source, destination) == message
    assert len(data) % 8 == 0


@given(
    wire.addresses,
    wire.addresses,
    st.sampled_from([ipv6.ICMPV6, ipv6.MOBILITY, 6, 17, 59]),
    st.binary(max_size=100),
    wire.octet,
    st.booleans(),
)
def test_ipv6_packets(source, destination, next_header, payload, hop_limit, alert):
    data = ipv6.packet(
        source, destination, next_header, payload, hop_limit=hop_limit, router_alert=alert
    )
    expected = ipv6.IPv6Packet(source, destination, next_header, hop_limit, payload, alert)
    assert ipv6.parse(data) == expected
    assert ipv6.parse(data + b"link-layer padding") == expected


@given(wire.addresses, wire.addresses, st.binary(max_size=100), wire.octet)
def test_a_packet_is_sent_on_with_one_hop_less(source, destination, payload, hop_limit):
    data = ipv6.packet(source, destination, 17, payload, hop_limit=hop_limit) + b"padding"
    if hop_limit > 1:
        fewer = ipv6.packet(source, destination, 17, payload, hop_limit=hop_limit - 1)
        assert ipv6.forwarded(data) == fewer
    else:
        assert ipv6.forwarded(data) is None


@given(wire.mobility_message, st.data())
def test_a_single_flipped_bit_is_noticed(message, data):
    """The checksum covers every octet (reserved ones too) and both addresses."""
    encoded = bytearray(mobility.encode(message, wire.MAR, wire.CMD))
    bit = data.draw(st.integers(0, 8 * len(encoded) - 1))
    encoded[bit // 8] ^= 1 << bit % 8
    with pytest.raises(MalformedPacket):
        mobility.decode(bytes(encoded), wire.MAR, wire.CMD)


def test_the_checksum_covers_the_addresses():
    message = mobility.BindingUpdate(1, 4, mobility.BindingUpdateFlag.P)
    data = mobility.encode(message, wire.MAR, wire.CMD)
    with pytest.raises(MalformedPacket, match="checksum"):
        mobility.decode(data, wire.MAR, wire.MAR)


@given(st.integers(0, (1 << 48) * 10**9 - 1))
def test_a_timestamp_is_rounded_down_by_less_than_a_step(time):
    rounded = options.Timestamp(time).time
    assert 0 <= time - rounded <= 10**9 // 65536 + 1
    assert options.Timestamp(rounded).time == rounded


@given(st.integers(0, (1 << 47) * 10**9), st.integers(0, 10**10))
def test_timestamps_keep_the_order_of_times(time, later):
    assert options.Timestamp(time).time <= options.Timestamp(time + later).time


@given(st.integers(0, 8_387_584), st.integers(0, 31_744))
def test_query_intervals_are_rounded_down_to_what_the_wire_carries(delay, interval):
    query = mld.MulticastListenerQuery(mld.UNSPECIFIED, delay, query_interval_s=interval)
    assert delay * (1 - 2**-12) <= query.maximum_response_delay_ms <= delay
    assert interval * (1 - 2**-4) <= query.query_interval_s <= interval


def test_intervals_that_the_wire_carries_are_left_alone():
    query = mld.MulticastListenerQuery(mld.UNSPECIFIED, 10_000, query_interval_s=125)
    assert (query.maximum_response_delay_ms, query.query_interval_s) == (10_000, 125)
