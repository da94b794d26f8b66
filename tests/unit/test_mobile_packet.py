"""Mobile IPv6's extension headers: any bytes, and scapy as the other implementation."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
import wire_strategies as wire
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers import inet6 as scapy

from agents.wire import ipv6, mobile_packet, mobility
from agents.wire.errors import MalformedPacket
from agents.wire.mobile_packet import MobilePacket
from agents.wire.mobility import BindingUpdateFlag
from agents.wire.mobility_options import AlternateCareOfAddress

HOME = IPv6Address("2001:db8:a000::7")
CARE_OF = IPv6Address("2001:db8:1:1::7")
AGENT = IPv6Address("2001:db8:ffff::8:1")
FLAGS = BindingUpdateFlag.A | BindingUpdateFlag.H | BindingUpdateFlag.L
UPDATE = mobility.BindingUpdate(5, 300, FLAGS, (AlternateCareOfAddress(CARE_OF),))

addresses = st.none() | wire.addresses


@given(wire.addresses, wire.addresses, st.binary(max_size=40), addresses, addresses)
def test_what_is_written_is_read(source, destination, payload, home_address, routed_to):
    packet = MobilePacket(source, destination, 17, payload, home_address, routed_to)
    assert mobile_packet.decode(mobile_packet.encode(packet)) == packet


@given(st.binary(max_size=60), st.sampled_from((0, 43, 60, 135)))
def test_any_extension_headers_are_a_packet_or_malformed(payload, next_header):
    data = ipv6.packet(HOME, AGENT, next_header, payload)
    try:
        mobile_packet.decode(data)
    except MalformedPacket:
        return


def test_scapy_reads_a_binding_update_with_its_home_address():
    payload = mobility.encode(UPDATE, HOME, AGENT)
    ours = mobile_packet.encode(MobilePacket(CARE_OF, AGENT, ipv6.MOBILITY, payload, HOME))
    packet = scapy.IPv6(ours)
    option = packet[scapy.HAO]
    assert (packet.src, option.hoa) == (str(CARE_OF), str(HOME))
    update = packet[scapy.MIP6MH_BU]
    assert (update.seq, update.mhtime, update.flags) == (5, 75, "AHL")
    assert next(o for o in update.options if o.otype == 3).acoa == str(CARE_OF)
    checksum = update.cksum
    del update.cksum
    # Scapy counts a home address in the checksum where it is the only option.
    head = scapy.IPv6(src=str(CARE_OF), dst=str(AGENT))
    options = scapy.IPv6ExtHdrDestOpt(options=[scapy.HAO(hoa=str(HOME))])
    built = bytes(head / options / update)
    assert built == ours
    assert scapy.IPv6(built)[scapy.MIP6MH_BU].cksum == checksum


def test_we_read_scapys_acknowledgement_with_its_routing_header():
    layers = scapy.IPv6ExtHdrRouting(type=2, segleft=1, addresses=[str(HOME)])
    answer = scapy.MIP6MH_BA(status=0, seq=5, mhtime=75, res2=0, flags="")
    built = scapy.IPv6(src=str(AGENT), dst=str(CARE_OF)) / layers / answer
    packet = mobile_packet.decode(bytes(built))
    assert (packet.destination, packet.receiver) == (CARE_OF, HOME)
    message = mobility.decode(packet.payload, packet.sender, packet.receiver)
    assert isinstance(message, mobility.BindingAcknowledgement)
    assert (message.sequence, message.lifetime) == (5, 300)
    ours = MobilePacket(AGENT, CARE_OF, packet.next_header, packet.payload, None, HOME)
    assert mobile_packet.encode(ours) == bytes(built)


@pytest.mark.parametrize(("type_", "left"), [(0, 1), (2, 0), (2, 2)])
def test_other_routing_headers_are_malformed(type_, left):
    layers = scapy.IPv6ExtHdrRouting(type=type_, segleft=left, addresses=[str(HOME)])
    built = scapy.IPv6(src=str(AGENT), dst=str(CARE_OF)) / layers / scapy.UDP()
    with pytest.raises(MalformedPacket):
        mobile_packet.decode(bytes(built))
