"""What a mobile node sends in others' names reaches nobody, and costs nobody anything.

The attacks are those of experiments/attacks, several at once.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
SCENARIO = """
name: guarded
duration: 12s
topology: {kind: dmm-domain, mars: 2, access: {delay: 2ms}}
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
"""


def attacked(folder: Path, guard: str, *attacks: str) -> Run:
    """mn2 attacks for 3 s, as soon as its programs run."""
    text = SCENARIO.replace("GUARD", guard)
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


def test_with_the_guard_nothing_of_it_gets_anywhere(tmp_path: Path) -> None:
    done = attacked(tmp_path, "on", *ATTACKS)
    refused = done.run()["refused"]
    assert refused["radio"]["guard.mn2.link_layer"] > 100  # invented hosts, and forged sources
    assert refused["radio"]["guard.mn2.router"] > 5
    assert refused["mar1"]["guard.mn2.source"] > 5
    assert refused["mar1"]["guard.mn2.neighbour"] > 5
    assert "multicast.forged" not in refused["mar1"]
    if done.disturbance is None:
        lost = {flow: done.flow(flow)["lost"] for flow in ("C1→mn1", "C1→mn3", "ping-server1-mn1")}
        assert set(lost.values()) == {0}, lost


def test_without_it_a_node_takes_anothers_packets(tmp_path: Path) -> None:
    """And the agents refuse what is left to them."""
    done = attacked(tmp_path, "off", "neighbour-advertisements", "forged-channel")
    assert done.flow("ping-server1-mn1")["lost"] > 20
    assert done.run()["refused"]["mar1"]["multicast.forged"] > 0
    if done.disturbance is None:
        assert done.flow("C1→mn1")["lost"] == 0
