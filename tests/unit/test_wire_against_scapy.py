"""Scapy, an independent implementation, reads what we write and writes what we read."""

from __future__ import annotations

import hmac
from ipaddress import IPv6Address, IPv6Network

import pytest
import wire_strategies as wire
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers import inet6 as scapy
from scapy.layers import sctp as scapy_sctp

from agents.wire import ipv6, mld, mobility, ndp, sctp, sctp_authentication, sctp_chunks
from agents.wire import mobility_options as options
from agents.wire.errors import MalformedPacket
from agents.wire.mobility import BindingAcknowledgementFlag, BindingUpdateFlag

HOST = IPv6Address("fe80::1")
GROUP = IPv6Address("ff3e::c1")
SOURCES = (IPv6Address("2001:db8:5e00:1::2"), IPv6Address("2001:db8:5e00:2::2"))
PREFIX = IPv6Network("2001:db8:1:1::/64")
MAC = bytes.fromhex("00005e005213")


def read(payload: bytes, protocol: int, source=HOST, destination=mld.ALL_NODES, **fields):
    """The packet as scapy sees it; its length and checksum fields are as we wrote them."""
    return scapy.IPv6(ipv6.packet(source, destination, protocol, payload, **fields))


def write(layers, source=HOST, destination=mld.ALL_NODES) -> ipv6.IPv6Packet:
    """What we parse from a packet that scapy built."""
    return ipv6.parse(bytes(scapy.IPv6(src=str(source), dst=str(destination)) / layers))


@given(wire.addresses, wire.addresses, wire.octet, st.binary(min_size=4, max_size=99))
def test_checksums_agree(source, destination, protocol, payload):
    header = scapy.IPv6(src=str(source), dst=str(destination))
    ours = ipv6.checksum(source, destination, protocol, payload)
    assert ours == scapy.in6_chksum(protocol, header, payload)


def test_scapy_reads_a_proxy_binding_update():
    carried = (
        options.MobileNodeIdentifier("mn1@emu"),
        options.LocalPrefix(PREFIX),
        options.Timestamp(1_500_000_000),
    )
    flags = BindingUpdateFlag.A | BindingUpdateFlag.P | BindingUpdateFlag.D
    message = mobility.BindingUpdate(513, 300, flags, carried)
    packet = read(mobility.encode(message, wire.MAR, wire.CMD), 135, wire.MAR, wire.CMD)
    update = packet[scapy.MIP6MH_BU]
    assert (update.seq, update.mhtime, update.flags) == (513, 75, "PA")
    assert update.reserved == 0x010  # the D flag, which scapy does not know, after its seven
    identifier, prefix, timestamp = [
        option for option in update.options if option.otype not in (0, 1)
    ]
    assert identifier.id == b"mn1@emu"
    assert (prefix.otype, prefix.odata) == (66, bytes((0, 64)) + PREFIX.network_address.packed)
    assert (timestamp.otype, timestamp.odata) == (27, bytes.fromhex("0000000000018000"))


def test_scapy_reads_the_record_of_a_multicast_subscription():
    record = mld.AddressRecord(mld.RecordType.MODE_IS_INCLUDE, GROUP, SOURCES)
    carried = (options.ActiveMulticastSubscription(record),)
    message = mobility.BindingUpdate(1, 300, BindingUpdateFlag.P | BindingUpdateFlag.S, carried)
    packet = read(mobility.encode(message, wire.MAR, wire.CMD), 135, wire.MAR, wire.CMD)
    (option,) = (option for option in packet[scapy.MIP6MH_BU].options if option.otype == 57)
    assert option.odata[0] == scapy.ICMPv6MLReport2().type
    theirs = scapy.ICMPv6MLDMultAddrRec(option.odata[1:])
    assert (theirs.rtype, theirs.dst) == (1, str(GROUP))
    assert theirs.sources == [str(source) for source in SOURCES]


def test_scapy_reads_a_proxy_binding_acknowledgement():
    flags = BindingAcknowledgementFlag.P | BindingAcknowledgementFlag.D
    carried = (options.PreviousMaar(SOURCES[0], PREFIX), options.DlifLinkLayerAddress(MAC))
    message = mobility.BindingAcknowledgement(157, 513, 300, flags, carried)
    packet = read(mobility.encode(message, wire.CMD, wire.MAR), 135, wire.CMD, wire.MAR)
    answer = packet[scapy.MIP6MH_BA]
    assert (answer.status, answer.seq, answer.mhtime, answer.flags) == (157, 513, 75, "P")
    assert answer.res2 == 0x02
    previous = next(option for option in answer.options if option.otype == 67)
    assert previous.odata[2:] == SOURCES[0].packed + PREFIX.network_address.packed


def test_we_read_scapys_binding_update():
    layer = scapy.MIP6MH_BU(
        seq=9, flags="PA", mhtime=10, options=[scapy.MIP6OptMNID(subtype=1, id=b"mn2@emu")]
    )
    packet = write(layer, wire.MAR, wire.CMD)
    assert packet.next_header == ipv6.MOBILITY
    message = mobility.decode(packet.payload, wire.MAR, wire.CMD)
    assert message == mobility.BindingUpdate(
        9,
        40,
        BindingUpdateFlag.A | BindingUpdateFlag.P,
        (options.MobileNodeIdentifier("mn2@emu"),),
    )


def test_we_read_scapys_binding_acknowledgement_and_error():
    # Scapy leaves a reserved field None unless told.
    layer = scapy.MIP6MH_BA(status=135, flags="P", seq=9, mhtime=1, res2=0)
    packet = write(layer, wire.CMD, wire.MAR)
    assert mobility.decode(packet.payload, wire.CMD, wire.MAR) == mobility.BindingAcknowledgement(
        mobility.Status.SEQUENCE_NUMBER_OUT_OF_WINDOW, 9, 4, BindingAcknowledgementFlag.P
    )
    packet = write(scapy.MIP6MH_BE(status=2, ha="2001:db8::a"), wire.CMD, wire.MAR)
    assert mobility.decode(packet.payload, wire.CMD, wire.MAR) == mobility.BindingError(
        mobility.BindingErrorStatus.UNRECOGNIZED_TYPE, IPv6Address("2001:db8::a")
    )


def test_return_routability_both_ways():
    cookie, token = b"\x00cookie\x01", b"\x00token.\x01"
    pairs = [
        (mobility.HomeTestInit(cookie), scapy.MIP6MH_HoTI(reserved=0, cookie=cookie)),
        (mobility.CareOfTestInit(cookie), scapy.MIP6MH_CoTI(reserved=0, cookie=cookie)),
        (
            mobility.HomeTest(258, cookie, token),
            scapy.MIP6MH_HoT(index=258, cookie=cookie, token=token),
        ),
        (
            mobility.CareOfTest(258, cookie, token),
            scapy.MIP6MH_CoT(index=258, cookie=cookie, token=token),
        ),
    ]
    for ours, theirs in pairs:
        packet = write(theirs, wire.MAR, wire.CMD)
        assert mobility.decode(packet.payload, wire.MAR, wire.CMD) == ours
        assert mobility.encode(ours, wire.MAR, wire.CMD) == packet.payload


def test_scapy_reads_a_version_2_query():
    query = mld.MulticastListenerQuery(GROUP, 10_000, SOURCES, True, 2, 125)
    packet = read(mld.encode(query, HOST, GROUP), 58, HOST, GROUP, hop_limit=1, router_alert=True)
    assert packet.hlim == 1
    assert packet[scapy.IPv6ExtHdrHopByHop].options[0].otype == 5
    layer = packet[scapy.ICMPv6MLQuery2]
    assert (layer.mladdr, layer.mrd, layer.S, layer.QRV, layer.QQIC) == (
        str(GROUP),
        10_000,
        1,
        2,
        125,
    )
    assert layer.sources == [str(source) for source in SOURCES]


@pytest.mark.parametrize(("delay", "code"), [(32_768, 0x8000), (100_000, 0x986A)])
def test_a_long_delay_is_a_floating_point_code(delay, code):
    """RFC 3810 section 5.1.3; 0x986A is exponent 1 with 0x86A behind the leading one."""
    query = mld.MulticastListenerQuery(mld.UNSPECIFIED, delay)
    layer = read(mld.encode(query, HOST, mld.ALL_NODES), 58)[scapy.ICMPv6MLQuery2]
    assert layer.mrd == code


def test_we_read_scapys_queries():
    layer = scapy.ICMPv6MLQuery2(
        mladdr=str(GROUP), mrd=10_000, S=0, QRV=3, QQIC=0x8F, sources=[str(SOURCES[0])]
    )
    packet = write(scapy.IPv6ExtHdrHopByHop(options=[scapy.RouterAlert()]) / layer, HOST, GROUP)
    assert packet.router_alert
    # QQIC 0x8f: exponent 0, mantissa 15: (15 | 16) << 3 seconds.
    assert mld.decode(packet.payload, HOST, GROUP) == mld.MulticastListenerQuery(
        GROUP, 10_000, SOURCES[:1], False, 3, 248
    )
    packet = write(scapy.ICMPv6MLQuery(mladdr="::", mrd=5000))
    assert not packet.router_alert
    assert mld.decode(packet.payload, HOST, mld.ALL_NODES) == mld.MulticastListenerQuery(
        mld.UNSPECIFIED, 5000, version=1
    )


def test_reports_of_version_2_both_ways():
    records = (
        mld.AddressRecord(mld.RecordType.ALLOW_NEW_SOURCES, GROUP, SOURCES),
        mld.AddressRecord(mld.RecordType.MODE_IS_EXCLUDE, IPv6Address("ff1e::1")),
    )
    report = mld.MulticastListenerReport(records)
    ours = mld.encode(report, HOST, mld.ALL_MLDV2_ROUTERS)
    layer = read(ours, 58, HOST, mld.ALL_MLDV2_ROUTERS)[scapy.ICMPv6MLReport2]
    assert layer.records_number == 2
    first = layer.records[0]
    second = first.payload  # scapy dissects a record as the payload of the one before
    assert (first.rtype, first.dst) == (5, str(GROUP))
    assert first.sources == [str(source) for source in SOURCES]
    assert (second.rtype, second.dst, second.sources) == (2, "ff1e::1", [])
    theirs = scapy.ICMPv6MLReport2(
        records=[
            scapy.ICMPv6MLDMultAddrRec(rtype=5, dst=str(GROUP), sources=[str(s) for s in SOURCES]),
            scapy.ICMPv6MLDMultAddrRec(rtype=2, dst="ff1e::1", auxdata_len=2, auxdata=b"auxiliar"),
        ]
    )  # the length in words, as the RFC has it: scapy's own would be in octets
    packet = write(theirs, HOST, mld.ALL_MLDV2_ROUTERS)
    assert mld.decode(packet.payload, HOST, mld.ALL_MLDV2_ROUTERS) == report


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (mld.ListenerReportV1(GROUP), scapy.ICMPv6MLReport),
        (mld.ListenerDoneV1(GROUP), scapy.ICMPv6MLDone),
    ],
)
def test_version_1_both_ways(ours, theirs):
    assert read(mld.encode(ours, HOST, GROUP), 58, HOST, GROUP)[theirs].mladdr == str(GROUP)
    packet = write(theirs(mladdr=str(GROUP)), HOST, GROUP)
    assert mld.decode(packet.payload, HOST, GROUP) == ours


def test_router_advertisements_both_ways():
    information = ndp.PrefixInformation(PREFIX, 7200, 0, on_link=False)
    ours = ndp.RouterAdvertisement(64, 1800, (information,), MAC, 1460)
    packet = read(ndp.encode(ours, HOST, mld.ALL_NODES), 58, hop_limit=ndp.HOP_LIMIT)
    layer = packet[scapy.ICMPv6ND_RA]
    assert (layer.chlim, layer.routerlifetime, layer.M, layer.O) == (64, 1800, 0, 0)
    option = packet[scapy.ICMPv6NDOptPrefixInfo]
    assert (option.prefix, option.prefixlen) == (str(PREFIX.network_address), 64)
    assert (option.validlifetime, option.preferredlifetime, option.L, option.A) == (7200, 0, 0, 1)
    assert packet[scapy.ICMPv6NDOptMTU].mtu == 1460
    assert packet[scapy.ICMPv6NDOptSrcLLAddr].lladdr == "00:00:5e:00:52:13"

    theirs = (
        scapy.ICMPv6ND_RA(chlim=64, routerlifetime=1800)
        / scapy.ICMPv6NDOptRDNSS(dns=["2001:db8::53"])
        / scapy.ICMPv6NDOptSrcLLAddr(lladdr="00:00:5e:00:52:13")
        / scapy.ICMPv6NDOptMTU(mtu=1460)
        / scapy.ICMPv6NDOptPrefixInfo(
            prefix="2001:db8:1:1::", prefixlen=64, L=0, validlifetime=7200, preferredlifetime=0
        )
    )
    parsed = write(theirs)
    assert parsed.hop_limit == ndp.HOP_LIMIT
    assert ndp.decode(parsed.payload, HOST, mld.ALL_NODES) == ours


@pytest.mark.parametrize("allocates", [False, True])
def test_map_options_both_ways(allocates):
    """RFC 5380 section 5."""
    theirs = scapy.ICMPv6ND_RA(chlim=64, routerlifetime=1800) / scapy.ICMPv6NDOptMAP(
        dist=2, pref=9, R=int(allocates), validlifetime=7200, addr=str(SOURCES[0])
    )
    parsed = write(theirs)
    message = ndp.decode(parsed.payload, parsed.source, parsed.destination)
    assert message.maps == (ndp.MapOption(SOURCES[0], 7200, 2, 9, allocates),)
    layer = read(ndp.encode(message, HOST, mld.ALL_NODES), ipv6.ICMPV6)[scapy.ICMPv6NDOptMAP]
    assert (layer.dist, layer.pref, layer.R) == (2, 9, int(allocates))
    assert (layer.validlifetime, layer.addr) == (7200, str(SOURCES[0]))


def test_router_solicitations_both_ways():
    theirs = scapy.ICMPv6ND_RS() / scapy.ICMPv6NDOptSrcLLAddr(lladdr="00:00:5e:00:52:13")
    packet = write(theirs, HOST, mld.ALL_ROUTERS)
    solicitation = ndp.RouterSolicitation(MAC)
    assert ndp.decode(packet.payload, HOST, mld.ALL_ROUTERS) == solicitation
    assert ndp.encode(solicitation, HOST, mld.ALL_ROUTERS) == packet.payload


def test_extension_headers_are_skipped():
    chain = (
        scapy.IPv6ExtHdrHopByHop(options=[scapy.PadN(optdata=b"\0\0"), scapy.RouterAlert()])
        / scapy.IPv6ExtHdrDestOpt(options=[scapy.HAO(hoa="2001:db8::a")])
        / scapy.IPv6ExtHdrRouting(addresses=["2001:db8::b"], segleft=0)
        / scapy.ICMPv6EchoRequest(data=b"payload")
    )
    packet = write(chain)
    assert (packet.next_header, packet.router_alert) == (ipv6.ICMPV6, True)
    assert packet.payload[0] == 128
    assert packet.payload.endswith(b"payload")


def test_a_router_alert_for_another_protocol_is_none_for_mld():
    """RFC 2711: value 1 is RSVP."""
    chain = scapy.IPv6ExtHdrHopByHop(options=[scapy.RouterAlert(value=1)])
    packet = write(chain / scapy.ICMPv6EchoRequest())
    assert not packet.router_alert


def test_a_late_hop_by_hop_header_is_malformed():
    """RFC 8200 section 4.1: it comes first or not at all."""
    chain = scapy.IPv6ExtHdrDestOpt() / scapy.IPv6ExtHdrHopByHop() / scapy.ICMPv6EchoRequest()
    with pytest.raises(MalformedPacket, match="hop-by-hop"):
        write(chain)


@given(
    *(wire.short, wire.short, wire.word, wire.word, wire.short),
    st.binary(min_size=1, max_size=60),
    st.booleans(),
)
def test_sctp_as_scapy_writes_it(source, destination, tag, tsn, sequence, payload, unordered):
    flags = {"beginning": 1, "ending": 1, "unordered": int(unordered)}
    chunk = scapy_sctp.SCTPChunkData(tsn=tsn, stream_seq=sequence, data=payload, **flags)
    written = scapy_sctp.SCTP(sport=source, dport=destination, tag=tag) / chunk
    data = sctp_chunks.Data(tsn, sequence, payload, unordered=unordered)
    ours = sctp.Packet(source, destination, tag, (data,))
    assert sctp.decode(bytes(written)) == ours
    assert sctp.encode(ours) == bytes(written)


def test_sctp_as_scapy_reads_it():
    chunks = (
        sctp_chunks.InitAck(7, 65536, 9, b"a cookie"),
        sctp_chunks.CookieAck(),
        sctp_chunks.Sack(5, 65536, ((2, 3),)),
    )
    data = sctp.encode(sctp.Packet(5091, 5092, 0x1234, chunks))
    packet = scapy_sctp.SCTP(data)
    assert (packet.sport, packet.dport, packet.tag) == (5091, 5092, 0x1234)
    init = packet[scapy_sctp.SCTPChunkInitAck]
    assert (init.init_tag, init.init_tsn, init.n_out_streams) == (7, 9, 1)
    assert init.params[0].cookie == b"a cookie"
    assert scapy_sctp.SCTPChunkCookieAck in packet
    sack = packet[scapy_sctp.SCTPChunkSACK]
    assert (sack.cumul_tsn_ack, sack.gap_ack_list) == (5, ["2:3"])


def test_sctp_authentication_as_scapy_writes_it():
    """RFC 4895: the parameters of an INIT, and an AUTH chunk whose code is for what follows."""
    parameters = [
        scapy_sctp.SCTPChunkParamRandom(random=bytes(range(32))),
        scapy_sctp.SCTPChunkParamChunkList(chunk_list=[0, *range(3, 12)]),
        scapy_sctp.SCTPChunkParamRequestedHMACFunctions(HMAC_functions_list=[3, 1]),
    ]
    init = scapy_sctp.SCTPChunkInit(init_tag=5, a_rwnd=1500, n_out_streams=1, n_in_streams=1,
                                    init_tsn=7, params=parameters)  # fmt: skip
    ours = sctp_chunks.Init(5, 1500, 7, sctp_authentication.key_vector(bytes(range(32))))
    packet = sctp.Packet(1, 2, 0, (ours,))
    written = bytes(scapy_sctp.SCTP(sport=1, dport=2, tag=0) / init)
    assert sctp.decode(written) == packet
    assert sctp.encode(packet) == written

    key = sctp_authentication.Key(b"secret", 3)
    whole = {"beginning": 1, "ending": 1}
    data = scapy_sctp.SCTPChunkData(tsn=8, stream_seq=1, data=b"hello", **whole)
    blank = scapy_sctp.SCTPChunkAuthentication(shared_key_id=1, HMAC_function=3, HMAC=bytes(32))
    code = hmac.digest(b"secret", bytes(blank / data), "sha256")
    signed = scapy_sctp.SCTPChunkAuthentication(shared_key_id=1, HMAC_function=3, HMAC=code)
    written = bytes(scapy_sctp.SCTP(sport=1, dport=2, tag=3) / signed / data)
    assert sctp_authentication.is_authentic(sctp.decode(written), key)
    plain = sctp.Packet(1, 2, 3, (sctp_chunks.Data(8, 1, b"hello"),))
    assert sctp.encode(sctp_authentication.seal(plain, key)) == written
