"""``emu simulate`` of a lab's scenario: the same file, the same record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emu.measure import record
from emu.report.again import again
from emu.runner import Outcome
from emu.scenario import load
from emu.simulated import SimulationOptions, simulate

DELAYS = "0 20 60\n20 0 50\n60 50 0\n"


def text(overlay: str = "", events: str = "[]") -> str:
    servers = "".join(f"  s{n}: {{role: i3-server, site: {n}}}\n" for n in (1, 2, 3))
    clients = "".join(f"  c{n}: {{role: i3-client, site: {n % 3 + 1}}}\n" for n in range(8))
    return f"""name: three-sites
seed: 3
duration: 12s
topology: {{kind: internet, delays: rtt.txt}}
overlay: {{scheme: i3, degree: 2, lifetime: 6s, refresh_period: 2s{overlay}}}
nodes:
{servers}{clients}traffic:
  - {{kind: i3, from: c0, to: [c1, c2, c3, c4, c5, c6, c7], interval: 50ms, join_interval: 200ms}}
events: {events}
"""


def play(folder: Path, content: str, repeat: int = 1, jobs: int = 1) -> Outcome:
    path = folder / "scenario.yaml"
    path.write_text(content, encoding="utf-8")
    (folder / "rtt.txt").write_text(DELAYS, encoding="utf-8")
    (folder / "out").mkdir(exist_ok=True)
    options = SimulationOptions(folder / "out", 3, repeat, jobs)
    return simulate(path, load(path), options, lambda event: None)


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    return play(tmp_path_factory.mktemp("calm"), text())


def flows(outcome: Outcome, run: int = 0) -> dict[str, dict[str, Any]]:
    return {flow["to"]: flow for flow in outcome.record["runs"][run]["flows"]}


def test_the_record_is_a_labs_but_for_its_world(calm):
    overlay = calm.record["runs"][0]["overlay"]
    assert calm.record["world"] == "virtual"
    assert calm.record["fidelity"]["ok"]
    assert not calm.record["interrupted"]
    assert calm.record["missing_runs"] == []
    assert overlay["tree"]["receivers"] == 7
    assert {member["name"] for member in overlay["members"]} == {f"c{n}" for n in range(8)}
    assert set(overlay["clients"]) == {f"c{n}" for n in range(8)}
    assert set(overlay["servers"]) == {"s1", "s2", "s3"}
    assert all(join["took_ms"] < 3000 for join in overlay["joins"])
    assert calm.record["summary"]["overlay.depth"]["n"] == 1


def test_packets_take_as_long_as_the_file_of_delays_says(calm):
    members = {m["name"]: m for m in calm.record["runs"][0]["overlay"]["members"]}
    direct = {name: member["direct_ms"] for name, member in members.items() if name != "c0"}
    assert direct == {"c1": 10, "c2": 30, "c3": 0, "c4": 10, "c5": 30, "c6": 0, "c7": 10}
    for name, flow in flows(calm).items():
        assert flow["lost"] == flow["duplicated"] == 0
        assert flow["received"] > 150
        assert flow["delay_ms"]["min"] >= direct[name]


def test_the_report_is_made_again_from_what_the_run_left(calm):
    page = again(calm.directory)
    assert "Virtual time." in page.read_text(encoding="utf-8")
    assert record.build(calm.directory) == calm.record


def test_a_seed_is_one_result(tmp_path):
    lossy = text(overlay=", recovery: rel-loss, loss: {hop: 10%, last_hop: 10%}")
    first = play(tmp_path, lossy, repeat=2).record["runs"]
    assert first == play(tmp_path, lossy, repeat=2, jobs=2).record["runs"]
    assert first[0]["overlay"]["sent"] != first[1]["overlay"]["sent"]
    assert sum(flow["lost"] for flow in first[0]["flows"]) < 40
    clients = first[0]["overlay"]["clients"].values()
    assert sum(client["recovery"]["losses"] for client in clients) > 40


def test_who_is_killed_gets_nothing_until_it_is_started_again(tmp_path, calm):
    tree = {m["name"]: m for m in calm.record["runs"][0]["overlay"]["members"]}
    parent = next(m["parent"] for m in tree.values() if m["level"] == 2)
    outcome = play(
        tmp_path, text(events=f"[{{at: 5s, crash: {parent}}}, {{at: 8s, restart: {parent}}}]")
    )
    found = flows(outcome)
    assert 60 <= found[parent]["lost"] < 110
    others = [flow["lost"] for name, flow in found.items() if name != parent]
    assert others == [0] * 6
    joins = [join["client"] for join in outcome.record["runs"][0]["overlay"]["joins"]]
    assert joins.count(parent) == 2


def test_a_servers_identifiers_are_its_successors_when_it_is_killed(tmp_path):
    outcome = play(tmp_path, text(events="[{at: 4s, crash: s1}]").replace("12s", "30s"))
    run = outcome.record["runs"][0]
    assert run["overlay"]["tree"]["receivers"] == 7
    assert set(run["overlay"]["servers"]) == {"s2", "s3"}
    assert all(0 < flow["lost"] < 20 * 20 for flow in run["flows"])
    latest = [flow["received"] for flow in run["flows"]]
    assert min(latest) > 400


@pytest.mark.parametrize("choice", ["list", "anycast"])
def test_a_root_that_is_killed_is_missed_by_nobody(tmp_path, choice):
    several = f", roots: 3, root_choice: {choice}"
    outcome = play(tmp_path, text(several, "[{at: 1s, crash: c1}]"))
    overlay = outcome.record["runs"][0]["overlay"]
    assert all(join["took_ms"] is not None for join in overlay["joins"])
    for name, flow in flows(outcome).items():
        assert flow["lost"] == 0 or name == "c1"
    assert overlay["clients"]["c2"]["queries"] > 0
