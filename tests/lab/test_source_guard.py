"""What a mobile node sends in others' names reaches nobody, and costs nobody anything.

The attacks are those of experiments/attacks, several at once.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emu.measure.run import runs_of
from emu.measure.stream import SEQUENCE, Stream
from tests.lab.emu_run import ROOT, Run, run

pytestmark = pytest.mark.root

PROGRAM = ROOT / "experiments" / "attacks" / "attack.py"
ATTACKS = (
    "forged-channel",
    "neighbour-advertisements",
    "router-advertisements",
    "invented-hosts",
    "forged-sources",
)
OTHERS = (
    "many-groups",
    "data-flood",
    "redirects",
    "address-detection",
    "overlapping-fragments",
    "jumbograms",
)
SCHEMES = {
    "pmipv6": ("{scheme: pmipv6}", "{scheme: rfc6224}"),
    "client": ("{scheme: client}", "{scheme: remote-subscription}"),
    "hybrid": ("{scheme: hybrid, home_domain: [mar1, mar2]}", "{scheme: none}"),
}
FEW = 4
"""One in a hundred of what a ping sends under attack."""
ATTACK_NS = 1_000_000_000
"""When it begins."""
MULTICAST = "{scheme: mld-dmm, query_response_interval: 500ms}"
SCENARIO = """
name: guarded
duration: 16s
topology: {kind: dmm-domain, mars: 2, access: {delay: 2ms}}
mobility: {scheme: dmm}
multicast: {scheme: mld-dmm, query_response_interval: 500ms}
security: {source_guard: GUARD}
nodes:
  mn1: {role: mn, attach: mar1, dad: 'off'}
  mn2: {role: mn, attach: mar1, dad: 'off'}
  mn3: {role: mn, attach: mar2, dad: 'off'}
  src: {role: source}
  server1: {role: server}
channels:
  C1: {group: "ff3e::c1", source: src, rate: 200kbit, packet: 250}
traffic:
  - {kind: multicast, channel: C1, to: [mn1, mn3]}
  - {kind: ping, from: server1, to: mn1, interval: 20ms}
  - {kind: ping, from: mn1, to: mn2, interval: 20ms}
"""


def attacked(folder: Path, guard: str, *attacks: str, scheme: str | None = None) -> Run:
    """mn2 attacks for 3 s, as soon as its programs run."""
    text = SCENARIO.replace("GUARD", guard)
    if scheme is not None:
        mobility, multicast = SCHEMES[scheme]
        text = text.replace("{scheme: dmm}", mobility).replace(MULTICAST, multicast)
        text = text.replace("duration: 12s", "duration: 10s")
        if "none" in multicast:
            lines = text.splitlines(keepends=True)
            text = "".join(line for line in lines if "C1" not in line and line != "channels:\n")
    for attack in attacks:
        command = json.dumps(["python3", str(PROGRAM), attack, "3"])
        text += f"  - {{kind: program, node: mn2, start: 1s, name: {attack}, command: {command}}}\n"
    scenario = folder / "scenario.yaml"
    scenario.write_text(text, encoding="utf-8")
    done = run(scenario, folder / "results")
    assert done.ended, done.output
    for attack in attacks:
        log = done.directory / "runs" / "1" / "programs" / f"{attack}.log"
        assert log.read_text(encoding="utf-8").startswith(attack)
    return done


def lost_under_attack(done: Run) -> dict[str, int]:
    """Of each flow, the packets that were sent after the attack had begun and did not arrive.

    What a channel loses when it begins is no attack's: while routers' agents set up its entries,
    Linux keeps four packets of it, and drops the fifth.
    """
    (run,) = runs_of(done.directory)
    streams = [Stream(run, flow) for flow in run.meta["flows"] if flow["sent"]]
    began = run.meta["t0_ns"] + ATTACK_NS
    return {
        stream.flow["flow"]: sum(
            sequence not in stream.arrivals[:, SEQUENCE]
            for sequence, _, sent in run.rows(stream.flow["sent"])
            if sent >= began and sequence in stream.expected
        )
        for stream in streams
        if len(stream.expected)
    }


def bound(done: Run) -> int:
    """How many packets a flow may lose: none, if the record is a result; on a busy machine few."""
    return 0 if done.record["fidelity"]["ok"] else FEW


def test_with_the_guard_nothing_of_it_gets_anywhere(tmp_path: Path) -> None:
    done = attacked(tmp_path, "on", *ATTACKS)
    refused = done.run()["refused"]
    assert refused["radio"]["guard.mn2.link_layer"] > 100  # invented hosts, and forged sources
    assert refused["radio"]["guard.mn2.router"] > 5
    assert refused["mar1"]["guard.mn2.source"] > 5
    assert refused["mar1"]["guard.mn2.neighbour"] > 5
    assert "multicast.forged" not in refused["mar1"]
    assert done.flow("ping-mn1-mn2")["lost"] < 0.2 * done.flow("ping-mn1-mn2")["sent"]
    if done.disturbance is None:
        lost = lost_under_attack(done)
        assert all(lost[name] <= bound(done) for name in ("C1→mn1", "C1→mn3", "ping-server1-mn1"))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_nor_does_it_under_other_schemes(tmp_path: Path, scheme: str) -> None:
    """With what was not tried before: data floods, Redirects, DAD, odd fragments and lengths."""
    done = attacked(tmp_path, "on", *ATTACKS, *OTHERS, scheme=scheme)
    refused = done.run()["refused"]
    assert refused["radio"]["guard.mn2.link_layer"] > 100
    assert refused["radio"]["guard.mn2.router"] > 5
    for reason in ("source", "neighbour", "channels"):
        assert refused["mar1"][f"guard.mn2.{reason}"] > 5, reason
    assert done.flow("ping-mn1-mn2")["lost"] < 0.2 * done.flow("ping-mn1-mn2")["sent"]
    if done.disturbance is None:
        lost = lost_under_attack(done)
        assert all(packets <= bound(done) for packets in lost.values()), lost
        assert "ping-server1-mn1" in lost


def test_without_it_a_node_takes_anothers_packets(tmp_path: Path) -> None:
    """And the agents refuse what is left to them."""
    done = attacked(tmp_path, "off", "neighbour-advertisements", "forged-channel")
    assert done.flow("ping-server1-mn1")["lost"] > 20
    assert done.run()["refused"]["mar1"]["multicast.forged"] > 0
    if done.disturbance is None:
        assert lost_under_attack(done)["C1→mn1"] <= bound(done)
