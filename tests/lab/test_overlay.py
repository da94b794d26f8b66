"""Members of an overlay on hosts with unicast only: a crash, a partition, and what tells of it."""

from __future__ import annotations

import pytest

from tests.lab import emu_run
from tests.lab.emu_run import ROOT, Run

pytestmark = pytest.mark.root

SCENARIO = ROOT / "experiments/middleware/members.yaml"
STRAIGHT_MS = {"m2": 0, "m4": 10, "m5": 30, "m6": 45}
"""From the site of m1, which sends ``any``."""
REPAIRED_MS = 5000
CUT_OFF_PACKETS = 140
"""Of those that are sent in 3 s, 20 ms apart; the first and the last may be on their way."""


@pytest.fixture(scope="module")
def shown_and_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Run]:
    """What ``emu show overlay`` said while it ran, and the run."""
    return emu_run.shown_and_run(
        SCENARIO, tmp_path_factory.mktemp("overlay"), "m3 is killed", "overlay"
    )


@pytest.fixture
def run(shown_and_run: tuple[str, Run]) -> Run:
    _, run = shown_and_run
    assert run.ended, run.output
    return run


def broken(run: Run) -> set[str]:
    """Streams that the killed member passed on or got, or that the partition interrupted."""
    return {repair["flow"] for repair in run.run()["overlay"]["repairs"]} | {"any→m3"}


def test_what_one_sends_all_get_once(run: Run) -> None:
    flows = {flow["flow"]: flow for flow in run.run()["flows"]}
    assert flows.keys() == {f"any→m{n}" for n in range(2, 8)} | {f"one→m{n}" for n in (1, 2, 7)}
    for name, flow in flows.items():
        assert flow["received"] > 0, name
        assert flow["duplicated"] == 0, name
        assert flow["lost"] == 0 or name in broken(run), name
    for member, delay_ms in STRAIGHT_MS.items():
        assert flows[f"any→{member}"]["delay_ms"]["min"] >= delay_ms


def test_the_tree_is_repaired(run: Run) -> None:
    """m3 itself may be waited for until it is known to be gone."""
    overlay = run.run()["overlay"]
    assert {repair["event"]: repair["node"] for repair in overlay["repairs"]}.items() <= {
        ("crash", "m3"), ("partition", "m6, m7"), ("heal", "m6, m7")
    }  # fmt: skip
    for repair in overlay["repairs"]:
        assert repair["repair_ms"] is not None, repair
        assert repair["repair_ms"] < REPAIRED_MS
    trees = {tree["root"]: tree for tree in overlay["trees"]}
    named = {root: {one["name"] for one in tree["members"]} for root, tree in trees.items()}
    places = {root: names - {"m3"} for root, names in named.items()}
    assert places == {"m1": {"m1", "m2", "m4", "m5", "m6", "m7"}, "m5": {"m5", "m1", "m2", "m7"}}
    for tree in overlay["trees"]:
        parents = [one["parent"] for one in tree["members"]]
        assert all(parents.count(one["name"]) <= 2 for one in tree["members"])


def test_who_was_cut_off_gets_its_packets_again(run: Run) -> None:
    """And those on the source's side never have to wait for the others."""
    healed = {r["flow"] for r in run.run()["overlay"]["repairs"] if r["event"] == "heal"}
    assert healed == {"any→m6", "any→m7", "one→m7"}
    flows = {flow["flow"]: flow for flow in run.run()["flows"]}
    for name in healed:
        assert flows[name]["lost"] >= CUT_OFF_PACKETS, name


def test_links_and_messages_are_in_the_record(run: Run) -> None:
    overlay, signalling = run.run()["overlay"], run.run()["signalling"]
    sent = sum(link["data_packets"] for link in overlay["links"])
    received = sum(flow["received"] for flow in run.run()["flows"])
    assert sent >= received > 0
    assert {"overlay Digest", "overlay Route", "overlay Receipts"} <= signalling.keys()
    assert not {"overlay Data", "MLD report"} & signalling.keys()
    assert 1 <= overlay["tree"]["stress_mean"] <= overlay["tree"]["stress_max"] <= 2
    assert overlay["members"].keys() == {f"m{n}" for n in range(1, 8)}


def test_tshark_reads_the_members_datagrams(run: Run) -> None:
    ports = run.packets("ix-m1", "udp.dstport == 4754", "udp.dstport")
    assert len(ports) > 100


def test_members_are_shown(shown_and_run: tuple[str, Run]) -> None:
    shown, _ = shown_and_run
    _, _, ours = shown.partition("overlay-members, seed 7\n")
    assert "m1 on mc0, own, reachable" in ours
    assert "fd80::1 → ff0e::a1" in ours
    assert "wanted here: ff0e::a1" in ours


def test_the_report_draws_the_trees(run: Run) -> None:
    report = (run.directory / "report.html").read_text(encoding="utf-8")
    assert "<h3>ff0e::a1 from m1</h3>" in report
    assert ">m7<" in (run.directory / "figures/tree-1-1.svg").read_text(encoding="utf-8")
    assert ("<h2>Repair</h2>" in report) == bool(run.run()["overlay"]["repairs"])
