"""tshark reads every message that we send: nothing malformed, checksums right, fields as meant."""

from __future__ import annotations

import json
import struct
import subprocess
from collections import defaultdict
from ipaddress import IPv6Address, IPv6Network

import pytest
import wire_strategies as wire

from agents.mobility import replication
from agents.wire import (
    authentication,
    channel,
    cxtp,
    fast_handover,
    ipv6,
    mld,
    mobility,
    ndp,
    sctp,
    sctp_authentication,
)
from agents.wire import mobility_options as options
from agents.wire import (
    sctp_chunks as chunks,
)
from agents.wire.mobility import BindingAcknowledgementFlag, BindingUpdateFlag
from agents.wire.mobility_options import AccessTechnology, Handoff

ROUTER = IPv6Address("fe80::5213:1")
GROUP = IPv6Address("ff3e::c1")
SOURCE = IPv6Address("2001:db8:5e00:1::2")
PREFIX = IPv6Network("2001:db8:1:1::/64")
OTHER = IPv6Network("2001:db8:2:1::/64")
MAC = bytes.fromhex("00005e005213")

RECORDS = (
    mld.AddressRecord(mld.RecordType.ALLOW_NEW_SOURCES, GROUP, (SOURCE, wire.MAR)),
    mld.AddressRecord(mld.RecordType.CHANGE_TO_INCLUDE_MODE, IPv6Address("ff1e::1")),
)

# The options that tshark does not know (RFC 7161, RFC 8885) come before ones that it does: reading
# these right shows that it skipped the others by their right lengths.
EVERY_OPTION = (
    *map(options.ActiveMulticastSubscription, RECORDS),
    options.DlifLinkLayerAddress(MAC),
    options.DlifLinkLocalAddress(ROUTER),
    options.ServingMaar(wire.MAR),
    options.PreviousMaar(wire.MAR, PREFIX),
    options.LocalPrefix(PREFIX),
    options.AnchoredPrefix(OTHER),
    options.MobileNodeIdentifier("mn1@emu"),
    options.HomeNetworkPrefix(PREFIX),
    options.HandoffIndicator(Handoff.BETWEEN_ROUTERS),
    options.AccessTechnologyType(AccessTechnology.WLAN),
    options.MobileNodeLinkLayerIdentifier(MAC),
    options.LinkLocalAddress(ROUTER),
    options.Timestamp(1_790_000_000_500_000_000),
)

SECURITY_OPTIONS = (
    options.AlternateCareOfAddress(SOURCE),
    options.NonceIndices(258, 259),
    options.CgaParameters(b"parameters"),
    options.Signature(b"signature"),
    options.PermanentHomeKeygenToken(b"token"),
    options.BindingAuthorizationData(b"authenticate"),
)

BINDING_AUTHORIZATION_DATA = {
    "mip6.bad.auth",
    "mip6.options.bad_auth",
    "mip6.options.bad_auth_tree",
}
"""Fields whose names say "bad" and mean well."""

PBU_FLAGS = BindingUpdateFlag.A | BindingUpdateFlag.P | BindingUpdateFlag.D
PBA_FLAGS = BindingAcknowledgementFlag.P | BindingAcknowledgementFlag.D

RECORD = bytes(16) + (1_790_000_000_500_000_000).to_bytes(8, "big") + bytes(254)
"""As long as it takes two options."""

MOBILITY = {
    "pbu": mobility.BindingUpdate(513, 300, PBU_FLAGS, EVERY_OPTION),
    "pba": mobility.BindingAcknowledgement(157, 513, 300, PBA_FLAGS, EVERY_OPTION),
    "be": mobility.BindingError(2, SOURCE),
    "brr": mobility.BindingRefreshRequest(),
    "bu": mobility.BindingUpdate(7, 60, BindingUpdateFlag.A, SECURITY_OPTIONS),
    "hoti": mobility.HomeTestInit(b"\x00cookie\x01"),
    "coti": mobility.CareOfTestInit(b"\x00cookie\x02"),
    "hot": mobility.HomeTest(258, b"\x00cookie\x01", b"\x00token.\x01"),
    "cot": mobility.CareOfTest(259, b"\x00cookie\x02", b"\x00token.\x02"),
    "heartbeat": replication.heartbeat(70_000, 7, response=True),
    "heartbeat request": replication.heartbeat(70_001, 7),
    "replica": replication.replica("mn1@emu", RECORD),
}
SEALED = [f"sealed {name}" for name in MOBILITY]
KEY = authentication.Key(256, b"correct horse")
CHANNEL = {
    "channel query": channel.ChannelQuery(7, SOURCE, GROUP, 2, "mn1@emu"),
    "channel response": channel.ChannelResponse(7, None, GROUP, channel.ChannelScope.BOTH, True),
    "channel acknowledgement": channel.ChannelAcknowledgement(7),
}
PROXY_HANDOVER_OPTIONS = (
    options.MobileNodeIdentifier("mn1@emu"),
    options.HomeNetworkPrefix(PREFIX),
    options.LocalMobilityAnchorAddress(wire.CMD),
    options.MobileNodeLinkLayerIdentifier(MAC),
    options.MobileNodeInterfaceIdentifier(MAC + MAC[:2]),
    options.Timestamp(1_790_000_000_500_000_000),
)
HANDOVER_OPTIONS = (
    options.MobileNodeIdentifier("mn1@emu"),
    options.MobileNodeLinkLayerIdentifier(MAC),
    options.MulticastMobility.of(RECORDS),
)
HANDOVER = {
    "hi": fast_handover.HandoverInitiate(
        513, fast_handover.InitiateFlag.U | fast_handover.InitiateFlag.P, 0, HANDOVER_OPTIONS
    ),
    "hack": fast_handover.HandoverAcknowledge(
        513, fast_handover.AcknowledgeFlag.P, 130, HANDOVER_OPTIONS[:1]
    ),
    "hi of a proxy": fast_handover.HandoverInitiate(
        514,
        fast_handover.InitiateFlag.P | fast_handover.InitiateFlag.F,
        fast_handover.InitiateCode.ALL_CONTEXT_TRANSFERRED,
        PROXY_HANDOVER_OPTIONS,
    ),
    "hi that asks": fast_handover.HandoverInitiate(
        515,
        fast_handover.InitiateFlag.P | fast_handover.InitiateFlag.F,
        0,
        (
            PROXY_HANDOVER_OPTIONS[0],
            options.ContextRequest.of(
                (options.HomeNetworkPrefix, options.LocalMobilityAnchorAddress)
            ),
            PROXY_HANDOVER_OPTIONS[3],
        ),
    ),
    "hack of a proxy": fast_handover.HandoverAcknowledge(
        515,
        fast_handover.AcknowledgeFlag.P | fast_handover.AcknowledgeFlag.F,
        fast_handover.Code.ALL_CONTEXT_TRANSFERRED,
        PROXY_HANDOVER_OPTIONS,
    ),
}
SCTP = {
    "init": sctp.Packet(5091, 5091, 0, (chunks.Init(0x1234, 65536, 0x5678),)),
    "init ack": sctp.Packet(5091, 5091, 0x1234, (chunks.InitAck(0x9ABC, 65536, 77, b"cookie"),)),
    "cookie echo": sctp.Packet(
        5091,
        5091,
        0x9ABC,
        (chunks.CookieEcho(b"cookie"), chunks.Data(0x5678, 3, b"context")),
    ),
    "cookie ack": sctp.Packet(5091, 5091, 0x1234, (chunks.CookieAck(),)),
    "sack": sctp.Packet(5091, 5091, 0x1234, (chunks.Sack(0x5678, 65536, ((2, 3), (5, 5))),)),
    "sctp heartbeat": sctp.Packet(5091, 5091, 0x1234, (chunks.Heartbeat(b"\0\1\0\10info"),)),
    "sctp heartbeat ack": sctp.Packet(5091, 5091, 0x1234, (chunks.HeartbeatAck(b"\0\1\0\10info"),)),
    "shutdown": sctp.Packet(5091, 5091, 0x1234, (chunks.Shutdown(0x5678),)),
    "shutdown ack": sctp.Packet(5091, 5091, 0x1234, (chunks.ShutdownAck(),)),
    "shutdown complete": sctp.Packet(5091, 5091, 0x1234, (chunks.ShutdownComplete(),)),
    "abort": sctp.Packet(5091, 5091, 0x1234, (chunks.Abort(reflected=True),)),
    "init under a key": sctp.Packet(
        5091,
        5091,
        0,
        (chunks.Init(0x1234, 65536, 0x5678, sctp_authentication.key_vector(bytes(range(32)))),),
    ),
    "sealed": sctp_authentication.seal(
        sctp.Packet(5091, 5091, 0x1234, (chunks.CookieAck(), chunks.Data(0x5678, 3, b"context"))),
        sctp_authentication.Key(b"secret", 3),
    ),
    "context": sctp.Packet(
        5091, 5091, 0x1234, (chunks.Data(1, 0, cxtp.encode(cxtp.ContextReply(SOURCE, True))),)
    ),
}
MLD = {
    "general query": mld.MulticastListenerQuery(
        mld.UNSPECIFIED, 10_000, robustness=2, query_interval_s=125
    ),
    "specific query": mld.MulticastListenerQuery(GROUP, 100_000, (SOURCE,), True, 2, 125),
    "query 1": mld.MulticastListenerQuery(GROUP, 10_000, version=1),
    "report": mld.MulticastListenerReport(RECORDS),
    "report 1": mld.ListenerReportV1(GROUP),
    "done 1": mld.ListenerDoneV1(GROUP),
}
NDP = {
    "ra": ndp.RouterAdvertisement(
        64,
        1800,
        (ndp.PrefixInformation(PREFIX, 7200, 3600), ndp.PrefixInformation(OTHER, 7200, 0, False)),
        MAC,
        1460,
    ),
    "ra with a map": ndp.RouterAdvertisement(
        64, 1800, maps=(ndp.MapOption(wire.CMD, 7200, 2, 9), ndp.MapOption(wire.MAR, 0, 1, 0, True))
    ),
    "rs": ndp.RouterSolicitation(MAC),
}


def packets() -> dict[str, bytes]:
    """Each message in a packet as it is sent."""
    built = {}
    for name, message in MOBILITY.items():
        payload = mobility.encode(message, wire.MAR, wire.CMD)
        built[name] = ipv6.packet(wire.MAR, wire.CMD, ipv6.MOBILITY, payload)
        time = authentication.ntp_time(1_790_000_000_500_000_000)
        sealed = authentication.seal(payload, wire.MAR, wire.CMD, time, KEY)
        built[f"sealed {name}"] = ipv6.packet(wire.MAR, wire.CMD, ipv6.MOBILITY, sealed)
    for name, message in CHANNEL.items():
        payload = channel.encode(message, wire.MAR, wire.CMD)
        built[name] = ipv6.packet(wire.MAR, wire.CMD, ipv6.MOBILITY, payload)
    for name, message in HANDOVER.items():
        payload = fast_handover.encode(message, wire.MAR, wire.CMD)
        built[name] = ipv6.packet(wire.MAR, wire.CMD, ipv6.MOBILITY, payload)
    for name, packet in SCTP.items():
        built[name] = ipv6.packet(wire.MAR, wire.CMD, sctp.PROTOCOL, sctp.encode(packet))
    for name, message in MLD.items():
        payload = mld.encode(message, ROUTER, mld.ALL_NODES)
        built[name] = ipv6.packet(
            ROUTER, mld.ALL_NODES, ipv6.ICMPV6, payload, hop_limit=1, router_alert=True
        )
    for name, message in NDP.items():
        payload = ndp.encode(message, ROUTER, mld.ALL_NODES)
        built[name] = ipv6.packet(
            ROUTER, mld.ALL_NODES, ipv6.ICMPV6, payload, hop_limit=ndp.HOP_LIMIT
        )
    return built


def write_capture(path, contents) -> None:
    """A pcap file of raw IP packets (link type 101)."""
    with path.open("wb") as capture:
        capture.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101))
        for packet in contents:
            capture.write(struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet)


def collect(tree, found) -> None:
    """Every value of every field; ``tree`` is the list of pairs that an object was parsed into."""
    for name, value in tree:
        if isinstance(value, list) and value and isinstance(value[0], tuple):
            collect(value, found)
            found[name].append("")
        else:
            found[name].append(value)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """What tshark reads: by the packet's name, by the field's name, the values in their order."""
    path = tmp_path_factory.mktemp("tshark") / "wire.pcap"
    built = packets()
    write_capture(path, built.values())
    command = ["tshark", "-r", str(path), "-T", "json"]
    output = subprocess.run(command, check=True, capture_output=True, encoding="utf-8").stdout
    # Pairs, not dicts: a field that occurs twice must be seen twice.
    parsed = json.loads(output, object_pairs_hook=list)
    fields = {}
    for name, tree in zip(built, parsed, strict=True):
        fields[name] = defaultdict(list)
        collect(tree, fields[name])
    return fields


@pytest.mark.parametrize("name", [*MOBILITY, *SEALED, *CHANNEL, *HANDOVER, *MLD, *NDP])
def test_nothing_is_malformed(seen, name):
    names = set(seen[name]) - BINDING_AUTHORIZATION_DATA
    assert not {field for field in names if "malformed" in field or "bad" in field}
    lengths = {"mip6.opt.len.invalid", "mip6.bogus_header_length"}
    if name == "hi":  # tshark takes the words that RFC 7411 has in option 60 for octets
        lengths.remove("mip6.opt.len.invalid")
    assert not names & lengths
    assert "data" not in names


@pytest.mark.parametrize("name", [*MLD, *NDP])
def test_icmpv6_checksums_are_good(seen, name):
    assert seen[name]["icmpv6.checksum.status"] == ["1"]


@pytest.mark.parametrize("name", MLD)
def test_mld_travels_one_hop_with_the_router_alert(seen, name):
    assert seen[name]["ipv6.hlim"] == ["1"]
    assert seen[name]["ipv6.opt.router_alert"] == ["0"]


@pytest.mark.parametrize("name", ["pbu", "pba"])
def test_every_option(seen, name):
    fields = seen[name]
    assert fields["mip6.mobility_opt"] == ["57", "57", "70", "69", "68", "67", "66", "65"]
    assert fields["mip6.mnid.subtype"] == ["1"]
    assert fields["mip6.mnid.identifier"] == ["mn1@emu"]
    assert fields["mip6.nemo.mnp.mnp"] == [str(PREFIX.network_address)]
    assert fields["mip6.nemo.mnp.pfl"] == ["64"]
    assert fields["mip6.hi"] == ["3"]
    assert fields["mip6.att"] == ["4"]
    assert fields["mip6.mnlli.lli"] == ["00:00:5e:00:52:13"]
    assert fields["mip6.lila_lla"] == [str(ROUTER)]
    assert fields["mip6.timestamp_tmp"] == ["Sep 21, 2026 14:13:20.500000000 UTC"]


def test_proxy_binding_update(seen):
    fields = seen["pbu"]
    assert fields["mip6.mhtype"] == ["5"]
    assert fields["mip6.bu.seqnr"] == ["513"]
    assert fields["mip6.bu.lifetime"] == ["75"]
    flags = {flag: fields[f"mip6.bu.{flag}_flag"] for flag in "ahlkmpftb"}
    assert flags == {flag: ["1" if flag in "ap" else "0"] for flag in "ahlkmpftb"}


def test_proxy_binding_acknowledgement(seen):
    fields = seen["pba"]
    assert fields["mip6.mhtype"] == ["6"]
    assert fields["mip6.ba.status"] == ["157"]
    assert fields["mip6.ba.seqnr"] == ["513"]
    assert fields["mip6.ba.lifetime"] == ["75"]
    flags = {flag: fields[f"mip6.ba.{flag}_flag"] for flag in "kptb"}
    assert flags == {flag: ["1" if flag == "p" else "0"] for flag in "kptb"}


@pytest.mark.parametrize("name", SEALED)
def test_authentication_is_last(seen, name):
    fields = seen[name]
    assert fields["mip6.auth.subtype"] == ["1"]
    assert fields["mip6.auth.mobility_spi"] == ["256"]
    (time,), (code,) = fields["mip6.options.mseg_id"], fields["mip6.options.auth"]
    message = packets()[name]
    assert bytes.fromhex(time.replace(":", "")) == message[-30:-20]
    assert bytes.fromhex(code.replace(":", "")) == message[-19:]


def test_binding_error(seen):
    assert seen["be"]["mip6.be.status"] == ["2"]
    assert seen["be"]["mip6.be.haddr"] == [str(SOURCE)]


def number(octets: bytes) -> str:
    return hex(int.from_bytes(octets, "big")).replace("0x", "0x00")


def test_the_options_that_authorize(seen):
    fields = seen["bu"]
    assert (fields["mip6.ni.hni"], fields["mip6.ni.cni"]) == (["258"], ["259"])
    # Wireshark 4.0 shows these without their last two octets.
    assert fields["mip6.cgar.cga_par"] == [b"paramete".hex(":")]
    assert fields["mip6.sign.sign"] == [b"signatu".hex(":")]
    assert fields["mip6.phkt.phkt"] == [b"tok".hex(":")]
    assert fields["mip6.bad.auth"] == [b"authenticate".hex(":")]


@pytest.mark.parametrize(("name", "type_"), [("hoti", "1"), ("coti", "2")])
def test_test_inits(seen, name, type_):
    assert seen[name]["mip6.mhtype"] == [type_]
    assert seen[name][f"mip6.{name}.cookie"] == [number(MOBILITY[name].cookie)]


@pytest.mark.parametrize(("name", "type_"), [("hot", "3"), ("cot", "4")])
def test_tests(seen, name, type_):
    fields, message = seen[name], MOBILITY[name]
    assert fields["mip6.mhtype"] == [type_]
    assert fields[f"mip6.{name}.nindex"] == [str(message.nonce_index)]
    assert fields[f"mip6.{name}.cookie"] == [number(message.cookie)]
    # Wireshark names both tokens after the home test.
    assert fields["mip6.hot.token"] == [number(message.keygen_token)]


def test_heartbeat(seen):
    fields = seen["heartbeat"]
    assert fields["mip6.mhtype"] == ["13"]
    assert fields["mip6.hb.seqnr"] == ["70000"]
    assert (fields["mip6.hb.u_flag"], fields["mip6.hb.r_flag"]) == (["0"], ["1"])
    assert fields["mip6.rc"] == ["7"]


def test_only_an_answer_has_a_restart_counter(seen):
    """RFC 5847 section 3.4."""
    fields = seen["heartbeat request"]
    assert (fields["mip6.hb.u_flag"], fields["mip6.hb.r_flag"]) == (["0"], ["0"])
    assert "mip6.rc" not in fields
    assert fields["mip6.vsm.vendorId"] == ["32473"]


def test_what_one_cmd_tells_the_other(seen):
    fields = seen["replica"]
    assert fields["mip6.mnid.identifier"] == ["mn1@emu"]
    assert fields["mip6.timestamp_tmp"] == ["Sep 21, 2026 14:13:20.500000000 UTC"]
    assert fields["mip6.vsm.vendorId"] == ["32473", "32473"]
    assert fields["mip6.vsm.subtype"] == ["4", "4"]
    # These, too, without their last two octets.
    assert fields["mip6.vsm.data"] == [RECORD[:248].hex(":"), RECORD[250:-2].hex(":")]


@pytest.mark.parametrize("name", CHANNEL)
def test_channel_messages_are_experimental(seen, name):
    """tshark shows what the header has, and the data as octets: it knows no experiment."""
    assert seen[name]["mip6.mhtype"] == ["11"]
    (data,) = seen[name]["mip6.em.data"]
    assert "00:00:7e:d9" in data  # the vendor


def test_queries(seen):
    general, specific, first = (
        seen[name] for name in ("general query", "specific query", "query 1")
    )
    assert general["icmpv6.type"] == specific["icmpv6.type"] == first["icmpv6.type"] == ["130"]
    assert general["icmpv6.mld.multicast_address"] == ["::"]
    assert general["icmpv6.mld.maximum_response_code"] == ["10000"]
    assert general["icmpv6.mld.nb_sources"] == ["0"]
    assert specific["icmpv6.mld.multicast_address"] == [str(GROUP)]
    assert specific["icmpv6.mld.maximum_response_code"] == ["100000"]  # tshark decodes the code
    assert specific["icmpv6.mld.flag.s"] == ["1"]
    assert specific["icmpv6.mld.flag.qrv"] == ["2"]
    assert specific["icmpv6.mld.qqi"] == ["125"]
    assert specific["icmpv6.mld.source_address"] == [str(SOURCE)]
    assert first["icmpv6.mld.maximum_response_delay"] == ["10000"]
    assert "icmpv6.mld.maximum_response_code" not in first


def test_reports(seen):
    fields = seen["report"]
    assert fields["icmpv6.type"] == ["143"]
    assert fields["icmpv6.mldr.nb_mcast_records"] == ["2"]
    assert fields["icmpv6.mldr.mar.record_type"] == ["5", "3"]
    assert fields["icmpv6.mldr.mar.multicast_address"] == [str(GROUP), "ff1e::1"]
    assert fields["icmpv6.mldr.mar.source_address"] == [str(SOURCE), str(wire.MAR)]
    for name, kind in (("report 1", "131"), ("done 1", "132")):
        assert seen[name]["icmpv6.type"] == [kind]
        assert seen[name]["icmpv6.mld.multicast_address"] == [str(GROUP)]


def test_router_advertisement(seen):
    fields = seen["ra"]
    assert fields["ipv6.hlim"] == ["255"]
    assert fields["icmpv6.nd.ra.cur_hop_limit"] == ["64"]
    assert fields["icmpv6.nd.ra.router_lifetime"] == ["1800"]
    assert fields["icmpv6.opt.prefix"] == [str(PREFIX.network_address), str(OTHER.network_address)]
    assert fields["icmpv6.opt.prefix.length"] == ["64", "64"]
    assert fields["icmpv6.opt.prefix.valid_lifetime"] == ["7200", "7200"]
    assert fields["icmpv6.opt.prefix.preferred_lifetime"] == ["3600", "0"]
    assert fields["icmpv6.opt.prefix.flag.l"] == ["1", "0"]
    assert fields["icmpv6.opt.prefix.flag.a"] == ["1", "1"]
    assert fields["icmpv6.opt.src_linkaddr"] == ["00:00:5e:00:52:13"]
    assert fields["icmpv6.opt.mtu"] == ["1460"]


def test_map_options(seen):
    """RFC 5380 section 5."""
    fields = seen["ra with a map"]
    assert fields["icmpv6.opt.map.distance"] == ["2", "1"]
    assert fields["icmpv6.opt.map.preference"] == ["9", "0"]
    assert fields["icmpv6.opt.map.flag.r"] == ["0", "1"]
    assert fields["icmpv6.opt.map.valid_lifetime"] == ["7200", "0"]
    assert fields["icmpv6.opt.map.global_address"] == [str(wire.CMD), str(wire.MAR)]


def test_the_context_of_a_proxy_handover(seen):
    """RFC 5949 section 6: in the HI of the router left, or in its HAck."""
    for name in ("hi of a proxy", "hack of a proxy"):
        fields = seen[name]
        assert fields["mip6.mnid.identifier"] == ["mn1@emu"]
        assert fields["mip6.nemo.mnp.mnp"] == [str(PREFIX.network_address)]
        assert fields["mip6.lmaa.opt_code"] == ["1"]
        assert fields["mip6.lmaa.ipv6"] == [str(wire.CMD)]
        assert fields["mip6.mnlli.lli"] == ["00:00:5e:00:52:13"]
        assert fields["mip6.timestamp_tmp"] == ["Sep 21, 2026 14:13:20.500000000 UTC"]
    assert seen["hi of a proxy"]["mip6.hi.code"] == ["3"]
    assert seen["hack of a proxy"]["mip6.hack.code"] == ["6"]
    asked = seen["hi that asks"]
    assert asked["mip6.cr.req_type"] == ["22", "41"]
    assert asked["mip6.cr.req_length"] == ["0", "0"]
    assert asked["mip6.mnlli.lli"] == ["00:00:5e:00:52:13"]


def test_router_solicitation(seen):
    assert seen["rs"]["icmpv6.type"] == ["133"]
    assert seen["rs"]["icmpv6.opt.src_linkaddr"] == ["00:00:5e:00:52:13"]


def test_handover_initiate(seen):
    fields = seen["hi"]
    assert fields["mip6.mhtype"] == ["14"]
    assert fields["mip6.hi.seqnr"] == ["513"]
    assert (fields["mip6.hi.s_flag"], fields["mip6.hi.u_flag"]) == (["0"], ["1"])
    assert fields["mip6.hi.code"] == ["0"]
    assert fields["mip6.mnid.identifier"] == ["mn1@emu"]
    assert fields["mip6.mnlli.lli"] == ["00:00:5e:00:52:13"]


def test_handover_acknowledge(seen):
    fields = seen["hack"]
    assert fields["mip6.mhtype"] == ["15"]
    assert (fields["mip6.hack.seqnr"], fields["mip6.hack.code"]) == (["513"], ["130"])


@pytest.mark.parametrize("name", SCTP)
def test_sctp(seen, name):
    fields, packet = seen[name], SCTP[name]
    assert not {field for field in fields if "malformed" in field or "bad" in field}
    assert fields["sctp.checksum"] == [f"0x{crc(packet):08x}"]
    assert fields["sctp.chunk_type"] == [str(chunk.TYPE) for chunk in packet.chunks]
    assert fields["sctp.verification_tag"] == [f"0x{packet.tag:08x}"]


def crc(packet):
    return int.from_bytes(sctp.encode(packet)[8:12], "big")


def test_sctp_authentication(seen):
    init, sealed = seen["init under a key"], seen["sealed"]
    assert init["sctp.parameter_type"] == ["0x8002", "0x8003", "0x8004"]
    assert init["sctp.random_number"] == [bytes(range(32)).hex(":")]
    assert init["sctp.hmac_id"] == ["3", "1"]
    assert sealed["sctp.shared_key_id"] == ["1"]
    assert sealed["sctp.hmac_id"] == ["3"]
    assert sealed["sctp.hmac"] == [SCTP["sealed"].chunks[0].code.hex(":")]


def test_sctp_fields(seen):
    assert seen["init"]["sctp.init_initiate_tag"] == ["0x00001234"]
    assert seen["init"]["sctp.init_initial_tsn"] == [str(0x5678)]
    assert seen["init ack"]["sctp.initack_initial_tsn"] == ["77"]
    assert seen["init ack"]["sctp.parameter_type"] == ["0x0007"]
    assert seen["cookie echo"]["sctp.data_tsn_raw"] == [str(0x5678)]
    assert seen["cookie echo"]["sctp.data_ssn"] == ["3"]
    assert seen["sack"]["sctp.sack_number_of_gap_blocks"] == ["2"]
    assert seen["sack"]["sctp.sack_gap_block_start"] == ["2", "5"]
