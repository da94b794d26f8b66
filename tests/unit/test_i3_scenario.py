"""Scenarios with an internet and i3: what they mean, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path

import pytest

from emu.internet import between
from emu.scenario import ScenarioError, load
from emu.scenario.delays import WrongDelays, read
from emu.traffic.plan import plan

GOOD = """\
name: tree
duration: 10s
topology: {kind: internet, delays: rtt.txt}
overlay: {scheme: i3, degree: 2, recovery: rel-loss, loss: {hop: 4%, last_hop: 8%}}
nodes:
  s1: {role: i3-server, site: 1}
  s2: {role: i3-server, site: 3}
  c0: {role: i3-client, site: 1}
  c1: {role: i3-client, site: 2}
  c2: {role: i3-client}
traffic:
  - {kind: i3, from: c0, to: [c1, c2], join_interval: 500ms, start: 1s}
"""
RTT = "# ms\n0 20 61.5\n20 0 8   # a comment\n61.5 8 0\n"
MS = 1_000_000


def write(folder: Path, text: str = GOOD, delays: str = RTT) -> Path:
    (folder / "rtt.txt").write_text(delays, encoding="utf-8")
    (folder / "tree.yaml").write_text(text, encoding="utf-8")
    return folder / "tree.yaml"


def test_half_of_a_round_trip_is_between_two_sites(tmp_path: Path) -> None:
    scenario = load(write(tmp_path))
    assert scenario.mobility.scheme == scenario.multicast.scheme == "none"
    found = between(scenario, tmp_path, seed=1)
    assert len(found) == 5 * 4
    assert found["s1", "s2"].delay_ns == found["s2", "s1"].delay_ns == 30.75 * MS
    assert found["s1", "c0"].delay_ns == 0
    # c2 has no site of its own: it is the fifth node, and there are three.
    assert found["c2", "s2"].delay_ns == 4 * MS


def test_each_hop_loses_a_share_of_its_own(tmp_path: Path) -> None:
    scenario = load(write(tmp_path))
    found = between(scenario, tmp_path, seed=1)
    assert found == between(scenario, tmp_path, seed=1)
    assert found != between(scenario, tmp_path, seed=2)
    assert 0 < found["s1", "s2"].loss <= 0.04
    assert found["s1", "s2"].loss != found["s2", "s1"].loss
    assert found["s1", "c1"].loss == found["c1", "s2"].loss <= 0.08
    both = 1 - (1 - found["s1", "c1"].loss) * (1 - found["s1", "c2"].loss)
    assert found["c1", "c2"].loss == pytest.approx(both)


def test_receivers_join_one_after_another(tmp_path: Path) -> None:
    scenario = load(write(tmp_path))
    planned = plan(scenario, 1, 5_000 * MS, tmp_path, str, str, str)
    jobs = {job.node: job for job in planned.jobs}
    assert jobs["c0"].target == "emu.traffic.i3_source"
    assert [jobs[name].config["start_ns"] for name in ("c1", "c2")] == [6_000 * MS, 6_500 * MS]
    assert [flow["flow"] for flow in planned.flows] == ["i3-c0→c1", "i3-c0→c2"]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (", delays: rtt.txt", "", "3: topology.delays: is missing; write delays: and a file of "
         "round-trip times in ms"),
        ("rtt.txt", "../rtt.txt", '3: topology.delays: "../rtt.txt" is not below the scenario\'s '
         "folder; write the path of a file from there on"),
        ("rtt.txt}", "rtt.txt, mars: 3}", "3: topology.mars: the topology internet has none; "
         "leave it out"),
        ("kind: internet, delays: rtt.txt", "kind: line, mars: 2",
         "6: nodes.s1.site: is for the topology internet; leave it out"),
        ("site: 3", "site: 4", "7: nodes.s2.site: 4 is too large: rtt.txt has 3 sites; write 1 to "
         "3"),
        ("c2: {role: i3-client}", "c2: {role: mn, attach: mar1}", "10: nodes.c2.role: the "
         "topology internet has no access routers; write another role, such as i3-client"),
        ("from: c0", "from: s1", '12: traffic[0].from: "s1" is an i3 server, not an i3 client; '
         "write one of c0, c1, c2"),
        ("[c1, c2]", "[c1, s2]", '12: traffic[0].to[1]: "s2" is an i3 server, not an i3 client; '
         "write one of c0, c1, c2"),
        ("[c1, c2]", "[c1, c1]", '12: traffic[0].to[1]: "c1" is listed twice; list it once'),
        ("[c1, c2]", "[c1, c0]", '12: traffic[0].to[1]: "c0" is also its from; name another node'),
        ("500ms", "9s", "12: traffic[0].join_interval: the last of 2 joins at 10s, which is too "
         "late; write a shorter one"),
        ("degree: 2", "degree: 2, roots: 4", "4: overlay.roots: 3 beside the founder are more than "
         "its degree, or than there are receivers; write 3 at most"),
        ("degree: 2", "degree: 0", "4: overlay.degree: 0 is too small; write 1 or more"),
    ],
)  # fmt: skip
def test_a_mistake_gets_one_line(tmp_path: Path, old: str, new: str, line: str) -> None:
    assert GOOD.count(old) == 1
    with pytest.raises(ScenarioError) as caught:
        load(write(tmp_path, GOOD.replace(old, new)))
    assert f"{tmp_path}/tree.yaml:{line}" in caught.value.problems


def test_a_group_needs_a_server_and_there_is_one_group(tmp_path: Path) -> None:
    text = GOOD.replace("i3-server", "server")
    with pytest.raises(ScenarioError, match="needs a server; write one such as s1"):
        load(write(tmp_path, text))
    with pytest.raises(ScenarioError, match="there is one group a scenario, that of traffic"):
        load(write(tmp_path, GOOD + "  - {kind: i3, from: c1, to: [c2]}\n"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "has no round-trip times; write N lines of N of them, in ms"),
        ("0 1\n1 0 3\n", "line 2 has 3 numbers, and 2 lines; write as many of each"),
        ("0 -1\n1 0\n", 'line 1: "-1" is not a round-trip time in ms, 0 to 20000; write such as'),
        ("0 x\n1 0\n", 'line 1: "x" is not a round-trip time in ms'),
        ("0 nan\n1 0\n", 'line 1: "nan" is not a round-trip time in ms'),
    ],
)
def test_a_wrong_file_of_delays_is_told(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "rtt.txt").write_text(text, encoding="utf-8")
    with pytest.raises(WrongDelays) as caught:
        read(tmp_path / "rtt.txt")
    assert str(caught.value).startswith(complaint)


def test_a_file_of_delays_that_is_not_there_is_told(tmp_path: Path) -> None:
    (tmp_path / "tree.yaml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path / "tree.yaml")
    assert caught.value.problems[0].endswith(
        "topology.delays: rtt.txt: no such file or directory; name a file of round-trip times"
    )
