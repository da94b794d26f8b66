"""A receiver on i3 that moves between access routers: another address, the same identifiers."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

GAP_MS, ONE_WAY_MS = 50, 17
SCENARIO = f"""\
name: i3-moves
seed: 7
duration: 8s
topology:
  kind: dmm-domain
  mars: 2
  access: {{delay: 2ms, carrier: keep}}
  core: {{delay: 15ms}}
mobility: {{scheme: none}}
overlay: {{scheme: i3}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: off}}
  c0: {{role: i3-client}}
  s1: {{role: i3-server}}
  s2: {{role: i3-server}}
traffic:
  - {{kind: i3, from: c0, to: [mn1], interval: 10ms}}
events:
  - {{at: 3s, handover: mn1, to: mar2, gap: {GAP_MS}ms}}
  - {{at: 6s, handover: mn1, to: mar1, gap: {GAP_MS}ms}}    # back to where it was
"""


@pytest.fixture(scope="module")
def moved(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder: Path = tmp_path_factory.mktemp("i3")
    scenario = folder / "scenario.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    result = run(scenario, folder / "results")
    assert result.ended, result.output
    return result


def test_packets_come_again_after_a_challenge_and_its_answer(moved: Run) -> None:
    # The request from the new address, the challenge, the answer, and a packet: four ways.
    least = moved.least_disruption_ms(GAP_MS + 4 * ONE_WAY_MS, "i3-c0→mn1")
    handovers = moved.run()["handovers"]
    assert len(handovers) == 2
    for handover in handovers:
        (flow,) = handover["flows"]
        assert flow["recovered"]
        assert least < flow["disruption_ms"] < least + 150
    assert moved.flow("i3-c0→mn1")["duplicated"] == 0


def test_the_place_in_the_tree_stays(moved: Run) -> None:
    places = [e for e in moved.events("i3_place") if e["node"] == "mn1"]
    in_tree = [place for place in places if place["phase"] == "in tree"]
    assert len({place["identifier"] for place in in_tree}) == 1
    assert [place["phase"] for place in places].count("searching") == 1
    addresses = {e["address"] for e in moved.events("address") if e["node"] == "mn1"}
    assert {address.split(":")[2] for address in addresses if address.startswith("2001:")} == {
        "1",
        "2",
    }
