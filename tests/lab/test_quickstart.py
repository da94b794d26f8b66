"""The main job: the quickstart as a user runs it, and what its record and captures must say."""

from __future__ import annotations

import subprocess
from itertools import chain
from pathlib import Path

import pytest
from scapy.layers.inet6 import MIP6MH_BA, MIP6MH_BU, IPv6
from scapy.utils import PcapNgReader

from tests.lab.emu_run import ROOT, Run, command, run

pytestmark = pytest.mark.root

SCENARIO = ROOT / "experiments/quickstart/scenario.yaml"
GAP_MS = 50
QUERY_RESPONSE_INTERVAL_MS = 1000
UPLOAD, FRESH, PING = "iperf3-mn1-server1", "fresh", "ping-mn1-server1"
BU, BA = "5", "6"
BAD_CHECKSUM, ERROR = "0", "8388608"  # what tshark says of a checksum, and of a severity
TUNNELLED = "ipv6.nxt == 41 and not icmpv6.type in {1..4}"  # nor in what an error quotes


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(SCENARIO, tmp_path_factory.mktemp("results"), "--keep-captures")


def test_it_ends_well_and_says_what_it_measured(quickstart: Run) -> None:
    assert quickstart.ended, quickstart.output
    assert "mar1" in quickstart.output
    assert "mar3" in quickstart.output
    assert str(quickstart.directory.parent) in quickstart.output
    assert "Traceback" not in quickstart.output
    report = (quickstart.directory / "report.html").read_text(encoding="utf-8")
    assert "<svg" in report


def test_handovers_are_split_into_their_parts(quickstart: Run) -> None:
    first, second = quickstart.run()["handovers"]
    assert (first["from"], first["to"]) == ("mar1", "mar2")
    assert (second["from"], second["to"]) == ("mar2", "mar3")
    for handover in (first, second):
        parts = handover["latency_ms"]
        assert parts["l2"] >= GAP_MS
        assert parts["binding"] >= 20  # a round trip to the CMD, 10 ms away
        # Besides them there is only the MAR's own work between attachment and first PBU.
        assert parts["total"] >= sum(parts.values()) - parts["total"] - 0.001


def test_the_channel_is_interrupted_and_comes_back(quickstart: Run) -> None:
    """Plain MLD-DMM: not before the mobile node has answered a query, so within its interval."""
    for handover in quickstart.run()["handovers"]:
        (channel,) = (f for f in handover["flows"] if f["kind"] == "multicast")
        least = quickstart.least_disruption_ms(GAP_MS, channel["flow"])
        assert least < channel["disruption_ms"] < QUERY_RESPONSE_INTERVAL_MS + 1000
        assert channel["lost"] > 0
        assert channel["duplicated"] == 0
        # Now the detour by the previous MAR: up from its router, and across the backhaul.
        assert channel["delay_after_ms"] >= 5 + 5 + 2


def test_unicast_survives_with_the_first_address(quickstart: Run) -> None:
    started = {e["flow"]: e["local"] for e in quickstart.events("flow_started") if "local" in e}
    assert started[UPLOAD].startswith("2001:db8:1:1:")
    assert started[PING].startswith("2001:db8:1:1:")
    last = quickstart.run()["handovers"][-1]
    for name in (UPLOAD, PING):
        (flow,) = (flow for flow in last["flows"] if flow["flow"] == name)
        assert quickstart.least_disruption_ms(GAP_MS, name) < flow["disruption_ms"] < 1500
        assert flow["delay_after_ms"] is None or flow["delay_after_ms"] > 0
    assert quickstart.flow(PING)["received"] > 0.9 * quickstart.flow(PING)["sent"]
    assert not quickstart.events("flow_failed")


def test_a_new_connection_uses_the_new_prefix_without_a_tunnel(quickstart: Run) -> None:
    started = {e["flow"]: e["local"] for e in quickstart.events("flow_started") if "local" in e}
    address = started[FRESH]
    assert address.startswith("2001:db8:3:1:")
    assert quickstart.packets("mar3-core", f"ipv6.addr == {address} and tcp", "frame.number")
    inner = set(chain(*quickstart.packets("mar3-ix", TUNNELLED, "ipv6.src", "ipv6.dst")))
    assert any(started[UPLOAD] in field for field in inner)
    assert not any(address in field for field in inner)
    assert quickstart.flow(FRESH)["tunnel_overhead_bytes"] == 0
    assert quickstart.flow(UPLOAD)["tunnel_overhead_bytes"] > 0


def test_tunnelled_packets_are_plain_ipv6_in_ipv6(quickstart: Run) -> None:
    """RFC 2473 without a Tunnel Encapsulation Limit option: header, next header 41, header."""
    headers = quickstart.packets("mar3-ix", TUNNELLED, "ipv6.nxt", "ipv6.dstopts.nxt")
    assert headers
    for following, options in headers:
        assert following.startswith("41,")
        assert not options


def test_the_exchange_is_the_proxy_variants(quickstart: Run) -> None:
    """Paper "HDMM", figure 7: the CMD answers at once and tells the previous MARs in parallel."""
    signalling = quickstart.events("sent", "l2_up")
    ups = [e for e in signalling if e["kind"] == "l2_up"]
    address = {f"mar{n}": f"2001:db8:ffff::1:{n}" for n in (1, 2, 3)}
    for previous, up in enumerate(ups):
        until = ups[previous + 1]["t"] if previous + 1 < len(ups) else up["t"] + 1_000_000_000
        exchange = [
            (e["node"], e["message"], e["destination"])
            for e in signalling
            if e["kind"] == "sent" and up["t"] - 5_000_000 <= e["t"] < until
        ]
        assert len(exchange) == 2 * previous + 2
        assert exchange[0][:2] == (up["mar"], "PBU")
        assert exchange[1] == ("cmd", "PBA", address[up["mar"]])
        told = exchange[2 : 2 + previous]
        assert [message[:2] for message in told] == [("cmd", "PBU")] * previous
        answers = {message[0] for message in exchange[2 + previous :]}
        assert {address[mar] for mar in answers} == {message[2] for message in told}


def test_tshark_finds_nothing_wrong_in_the_control_messages(quickstart: Run) -> None:
    control = "mipv6 or icmpv6.type in {130, 131, 132, 133, 134, 143}"
    kinds = ("mip6.mhtype", "icmpv6.type")
    faults = ("_ws.malformed", "icmpv6.checksum.status", "_ws.expert.severity")
    seen: set[str] = set()
    for capture in captures(quickstart):
        for *kind, malformed, checksum, severity in quickstart.packets(
            capture, control, *kinds, *faults
        ):
            seen.update(*(values.split(",") for values in kind))
            assert not malformed
            assert BAD_CHECKSUM not in checksum.split(",")
            assert ERROR not in severity.split(",")
    assert {BU, BA, "130", "143", "134"} <= seen


def test_scapy_reads_the_mobility_headers_alike(quickstart: Run) -> None:
    with PcapNgReader(str(quickstart.directory / "captures/cmd-mar3.pcapng")) as packets:
        messages = [packet for packet in packets if MIP6MH_BU in packet or MIP6MH_BA in packet]
    assert messages
    for packet in messages:
        again = IPv6(bytes(packet[IPv6]))
        message = again[MIP6MH_BU] if MIP6MH_BU in again else again[MIP6MH_BA]
        expected = message.cksum
        del message.cksum
        rebuilt = IPv6(bytes(again))
        assert rebuilt[type(message)].cksum == expected


def test_the_membership_is_the_papers(quickstart: Run) -> None:
    """At the end the channel comes to mar3 through the tunnel from mar2, where the session was."""
    membership = quickstart.run()["membership"]
    (record,) = (r for r in membership["mar3"] if r["group"] == "ff3e::c1")
    assert record["upstream"] == "tun-mar2"
    assert record["listeners"] == ["mn1"]


def captures(quickstart: Run) -> list[str]:
    return [path.stem for path in sorted(Path(quickstart.directory, "captures").glob("*.pcapng"))]


def test_the_record_can_be_listed_and_its_report_rebuilt(quickstart: Run) -> None:
    out = quickstart.directory.parent.parent
    listed = subprocess.run(
        command("list", "--out", out), capture_output=True, encoding="utf-8", cwd=ROOT, check=True
    )
    assert "quickstart" in listed.stdout
    report = quickstart.directory / "report.html"
    before = report.read_text(encoding="utf-8")
    report.unlink()
    subprocess.run(command("report", quickstart.directory), cwd=ROOT, check=True)
    assert report.read_text(encoding="utf-8") == before
