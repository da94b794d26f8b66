"""``emu simulate``: a scenario of very many members, in virtual time."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from emu import cli
from emu.runner import Outcome, Tell
from emu.scenario import population
from emu.scenario.errors import ScenarioError
from emu.scenario.loader import load_any
from emu.scenario.population import VirtualScenario
from emu.scenario.section import Section
from emu.simulated import SimulationOptions, simulate
from tests.unit.scenarios import GOOD

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "virtual-time.md"
SMALL = "{kind: transit-stub, domains: 2, routers: 2, stubs: 2, stub_nodes: 8}"


def text(topology: str = SMALL, overlay: str = "", events: str = "[]", receivers: int = 30) -> str:
    return f"""name: small
duration: 20s
topology: {topology}
overlay: {{scheme: i3, servers: 20, degree: 4{overlay}}}
traffic: [{{kind: i3, receivers: {receivers}, join_interval: 100ms, interval: 500ms}}]
events: {events}
"""


def load(folder: Path, content: str) -> VirtualScenario:
    path = folder / "small.yaml"
    path.write_text(content, encoding="utf-8")
    scenario = load_any(path)
    assert isinstance(scenario, VirtualScenario)
    return scenario


def play(
    folder: Path,
    content: str,
    seed: int = 1,
    repeat: int = 1,
    jobs: int = 1,
    tell: Tell = lambda event: None,
) -> Outcome:
    scenario = load(folder, content)
    results = folder / "results"
    results.mkdir(exist_ok=True)
    options = SimulationOptions(results, seed, repeat, jobs)
    return simulate(folder / "small.yaml", scenario, options, tell)


def only_run(outcome: Outcome) -> dict[str, Any]:
    (run,) = outcome.record["runs"]
    return run


@pytest.mark.parametrize("topology", [SMALL, "{kind: power-law, nodes: 60}"])
def test_everybody_has_a_place_and_gets_every_packet(tmp_path, topology):
    outcome = play(tmp_path, text(topology))
    run = only_run(outcome)
    tree, group, (flow,) = run["overlay"]["tree"], run["overlay"]["group"], run["flows"]
    assert outcome.record["world"] == "virtual"
    assert outcome.record["fidelity"]["ok"]
    assert not outcome.interrupted
    assert tree["receivers"] == group["joined"] == group["in_tree"] == 30
    assert flow["lost"] == 0
    assert flow["sent"] > 30 * 20
    assert group["delivery_ratio"] == 1
    levels = {member["name"]: member["level"] for member in run["overlay"]["members"]}
    assert len(levels) == 31
    for member in run["overlay"]["members"][1:]:
        assert levels[member["parent"]] == member["level"] - 1
    assert max(levels.values()) == tree["depth_max"] > 1
    assert all(join["took_ms"] > 0 for join in run["overlay"]["joins"])
    assert (
        json.loads((outcome.directory / "record.json").read_text(encoding="utf-8"))
        == outcome.record
    )
    assert (outcome.directory.parent / "latest").resolve() == outcome.directory


def test_a_seed_is_one_result_whoever_plays_it(tmp_path):
    content = text(overlay=", churn: 100%, loss: {hop: 5%, last_hop: 5%}, recovery: rel-random")
    first = play(tmp_path, content, repeat=2).record["runs"]
    again = play(tmp_path, content, repeat=2, jobs=2).record["runs"]
    assert first == again
    assert first[0]["overlay"]["sent"] != first[1]["overlay"]["sent"]
    assert [run["seed"] for run in first] == [1, 2]


def test_what_is_lost_is_repaired_and_counted(tmp_path):
    content = text(overlay=", loss: {hop: 20%, last_hop: 20%}, recovery: rel-loss")
    group = only_run(play(tmp_path, content))["overlay"]["group"]
    assert group["losses"] > 20
    assert group["delivery_ratio"] > 0.9
    assert 0 < group["repair_ms"] < 2400
    bare = text(overlay=", loss: {hop: 20%, last_hop: 20%}")
    without = only_run(play(tmp_path, bare))["overlay"]["group"]
    assert without["delivery_ratio"] < group["delivery_ratio"]
    assert without["repair_ms"] is None


def test_servers_and_receivers_come_and_go(tmp_path):
    events = """
  - {at: 6s, crash: 3, of: servers}
  - {at: 7s, join: 2, of: servers}
  - {at: 8s, leave: 4, of: receivers}
  - {at: 9s, crash: 5, of: receivers}
  - {at: 10s, join: 6, of: receivers}"""
    content = text(overlay=", ring: chord", events=events).replace("20s", "60s")
    told: list[str] = []
    outcome = play(tmp_path, content, tell=lambda event: told.append(event["text"]))
    group = only_run(outcome)["overlay"]["group"]
    assert [group[what] for what in ("joined", "crashed", "left")] == [36, 5, 4]
    assert group["in_tree"] == 36 - 9
    assert group["out_of_tree"] == 0
    assert group["longest_gap_ms"] < 30_000
    assert "crash: 3 servers" in told


def test_ctrl_c_keeps_what_there_is(tmp_path):
    def interrupt(event: dict[str, Any]) -> None:
        if event["t"] is not None and event["t"] >= 8:
            os.kill(os.getpid(), signal.SIGINT)

    outcome = play(tmp_path, text(), repeat=3, tell=interrupt)
    assert outcome.interrupted
    assert outcome.record["interrupted"]
    group = only_run(outcome)["overlay"]["group"]
    assert group["joined"] == 30
    assert only_run(outcome)["flows"][0]["received"] < 30 * 20


# What is refused


WRONG = {
    "servers: 20": ("servers: none", 'overlay.servers: "none" is not a whole number'),
    "scheme: i3, ": ("", "overlay.scheme: is missing; write scheme: i3"),
    "receivers: 30, ": ("", "traffic[0].receivers: is missing; write receivers: 1024"),
    "degree: 4": ("degree: 4, ring: broken", 'overlay.ring: "broken" is not one of the choices'),
    "100ms": ("1s", "traffic[0].join_interval: the last of 30 joins at 29s, which is too late"),
    "events: []": (
        "events: [{at: 1s, crash: 2, of: servers}]",
        "events[0].of: servers of a settled",
    ),
    "events: [] ": (
        "events: [{at: 30s, join: 2, of: receivers}]",
        "events[0].at: 30s is not before",
    ),
    "events: []  ": (
        "events: [{at: 1s, explode: 2}]",
        "events[0]: does not say what happens; write",
    ),
    "stub_nodes: 8": ("stub_node: 8", "topology.stub_node: unknown key; did you mean stub_nodes?"),
    "domains: 2": (
        "inside_stub: [3ms, 1ms]",
        "topology.inside_stub: begins with the greater one; write [least, most]",
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_one_line_says_what_is_wrong(tmp_path, what):
    by, error = WRONG[what]
    assert what.strip() in text()
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path, text().replace(what.strip(), by))
    (line,) = caught.value.problems
    assert error in line


def test_each_world_refuses_what_it_cannot_play(tmp_path, capsys):
    virtual, lab = tmp_path / "virtual.yaml", tmp_path / "lab.yaml"
    virtual.write_text(text(), encoding="utf-8")
    lab.write_text(GOOD, encoding="utf-8")
    assert cli.emu(["run", str(virtual)]) == 2
    assert "transit-stub is for virtual time; play it with emu simulate" in capsys.readouterr().err
    assert cli.emu(["simulate", str(lab)]) == 2
    (error,) = capsys.readouterr().err.splitlines()
    assert error == (
        f"{lab}: mobility.scheme: dmm: virtual time plays groups on i3 alone (overlay.scheme: i3), "
        "of nodes at rest; play this with emu run"
    )
    assert cli.emu(["check", str(virtual)]) == 0


def test_each_thing_of_a_group_on_i3_that_virtual_time_has_not_is_named(tmp_path, capsys):
    folder = ROOT / "experiments" / "i3-lab"
    (tmp_path / "small-rtt.txt").write_bytes((folder / "small-rtt.txt").read_bytes())
    path = tmp_path / "small.yaml"
    group = (folder / "small.yaml").read_text(encoding="utf-8")
    path.write_text(
        group.replace("events:\n", "  - {kind: ping, from: c1, to: c2}\nevents:\n")
        + "  - {at: 9s, partition: [c1, c2]}\n",
        encoding="utf-8",
    )
    assert cli.emu(["simulate", str(path)]) == 2
    assert capsys.readouterr().err.splitlines() == [
        f"{path}: traffic[1].kind: virtual time carries i3 alone, not ping; play this with emu run",
        f"{path}: events[3].partition: virtual time has crash and restart alone; "
        "play this with emu run",
    ]


def test_the_command_plays_prints_and_lists(tmp_path, capsys):
    path, out = tmp_path / "small.yaml", str(tmp_path / "out")
    path.write_text(text(), encoding="utf-8")
    assert cli.emu(["simulate", str(path), "--out", out, "--repeat", "2"]) == 0
    shown = capsys.readouterr().out
    assert "delivery_ratio" in shown
    assert "record.json" in shown
    assert cli.emu(["list", "--out", out]) == 0
    assert "small" in capsys.readouterr().out
    assert cli.emu(["simulate", str(path), "--out", out, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["world"] == "virtual"


def test_every_key_is_documented():
    words = DOCS.read_text(encoding="utf-8")
    sections = [
        one
        for one in vars(population).values()
        if isinstance(one, type)
        and issubclass(one, Section)
        and one.__module__ == population.__name__
    ]
    assert len(sections) > 8
    for section in sections:
        for name in section.model_fields:
            assert f"`{name}`" in words or f"{name}: " in words, (section, name)
