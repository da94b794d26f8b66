"""A context goes from MAR to MAR by CXTP over SCTP, as in figures 3 and 5, under a key."""

from __future__ import annotations

import pytest

from emu.measure import messages
from emu.measure.run import runs_of
from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: cxtp
duration: 4s
topology:
  kind: dmm-domain
  mars: 2
  backhaul: {delay: 4ms}
  cmd: {delay: 10ms}
mobility: {key: "correct horse battery staple"}
multicast: {scheme: multi-upstream, context_transfer: cxtp}
nodes:
  mn1: {role: mn, attach: mar1}
  src: {role: source}
channels:
  C1: {group: "ff3e::c1", source: src, rate: 500kbit, packet: 1000}
traffic:
  - {kind: multicast, channel: C1, to: [mn1]}
events:
  - {at: 2s, handover: mn1, to: mar2, gap: 50ms}
"""
GROUP = "ff3e::c1"


@pytest.fixture(scope="module")
def handover(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("cxtp")
    scenario = place / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    done = run(scenario, place / "results", "--keep-captures")
    assert done.record, done.output
    return done


def test_the_captures_have_the_sequence_of_figures_3_and_5(handover: Run) -> None:
    (captured,) = runs_of(handover.directory)
    (up,) = (e for e in handover.events("l2_up") if e["mar"] == "mar2")
    sequence = [
        (transfer.message.type, transfer.sender)
        for transfer in messages.of_run(captured)
        if transfer.sent_ns > up["t"] and "mar2" in (transfer.sender, *dict(transfer.receipts))
        if transfer.message.type in ("PBU", "PBA", "CT-Req", "PCTD", "CTDR")
        or transfer.message.type.startswith("Channel")
        or (transfer.message.tunnelled and GROUP in transfer.message.detail)
    ]
    assert list(dict.fromkeys(sequence)) == [
        ("PBU", "mar2"),
        ("PBA", "cmd"),
        ("CT-Req", "mar2"),
        ("PCTD", "mar1"),
        *sorted([("CTDR", "mar2"), ("Channel Query", "mar2")], key=sequence.index),
        ("Channel Response", "cmd"),
        ("MLD report", "mar2"),
    ]


def test_bindings_carry_no_context(handover: Run) -> None:
    options = [
        option
        for end in ("mar1", "mar2")
        for (found,) in handover.packets(f"cmd-{end}", "mipv6", "mip6.mobility_opt")
        for option in found.split(",")
    ]
    assert "57" not in options
    assert [e["groups"] for e in handover.events("context")] == [[GROUP]]


def test_it_does_not_wait_for_mld(handover: Run) -> None:
    (moved,) = handover.run()["handovers"]
    (channel,) = moved["flows"]
    assert channel["disruption_ms"] < 1000  # DAD alone takes longer
    reports = [e for e in handover.events("report_received") if e["link"] == "mar2-radio"]
    (context,) = handover.events("context")
    assert all(GROUP not in e["groups"] for e in reports if e["t"] < context["t"])


def test_tshark_reads_the_association(handover: Run) -> None:
    seen = handover.packets("mar1-ix", "sctp", "sctp.chunk_type", "sctp.srcport", "_ws.malformed")
    assert seen
    assert {port for _, port, _ in seen} == {"5091"}
    assert {malformed for _, _, malformed in seen} == {""}
    chunks = [kind for kinds, _, _ in seen for kind in kinds.split(",")]
    assert chunks.count("0") == 3  # DATA: CT-Req, PCTD and CTDR
    assert "6" not in chunks  # ABORT


def test_every_packet_shows_whose_it_is(handover: Run) -> None:
    """RFC 4895: but for INIT and INIT ACK, which agree on the key, AUTH comes first."""
    seen = [kinds.split(",") for (kinds,) in
            handover.packets("mar1-ix", "sctp", "sctp.chunk_type")]  # fmt: skip
    assert {kinds[0] for kinds in seen} - {"1", "2", "14"} == {"15"}
    assert all(kinds[0] == "15" for kinds in seen if "0" in kinds)
    assert not [
        reason
        for reasons in handover.run()["refused"].values()
        for reason in reasons
        if reason.startswith("contexts.unauthentic")
    ]
