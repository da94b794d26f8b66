"""A mobile node that is a member of an overlay, and moves: under DMM, and under Mobile IPv6."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lab.emu_run import ROOT, Run, run_side_by_side

pytestmark = pytest.mark.root

DMM = (ROOT / "experiments/middleware/moving.yaml").read_text(encoding="utf-8")
MIPV6 = DMM.replace("{scheme: dmm, variant: distributed}", "{scheme: mipv6}")
BACK_MS = 1000
"""A member that is silent for longer is looked for elsewhere; both schemes take a tenth of it."""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    assert MIPV6 != DMM
    paths: dict[str, Path] = {}
    for name, text in (("dmm", DMM), ("mipv6", MIPV6)):
        paths[name] = tmp_path_factory.mktemp(name) / "moving.yaml"
        paths[name].write_text(text, encoding="utf-8")
    return run_side_by_side(paths)


@pytest.fixture(params=["dmm", "mipv6"])
def run(request: pytest.FixtureRequest, runs: dict[str, Run]) -> Run:
    done = runs[request.param]
    assert done.ended, done.output
    return done


def test_streams_to_and_from_a_node_that_moves_go_on(run: Run) -> None:
    (handover,) = run.run()["handovers"]
    marks = {mark["flow"]: mark for mark in handover["flows"]}
    assert marks.keys() == {"down→mn1", "up→mn2"}
    for mark in marks.values():
        assert mark["recovered"]
        assert 0 < mark["disruption_ms"] < BACK_MS
        assert mark["duplicated"] == 0
    for name in marks:
        flow = run.flow(name)
        assert flow["lost"] == marks[name]["lost"], "nothing is lost at other times"


def test_others_lose_nothing_unless_they_have_it_from_the_node_that_moves(run: Run) -> None:
    """Who hangs on whom is a matter of measured delays."""
    flow = run.flow("down→mn2")
    assert flow["received"] > 0
    assert flow["lost"] in (0, run.flow("down→mn1")["lost"])
    assert flow["duplicated"] == 0


def test_the_tree_stays_as_it_is(run: Run) -> None:
    overlay = run.run()["overlay"]
    assert overlay["tree"]["failed_ways"] == 0
    assert {one["name"] for tree in overlay["trees"] for one in tree["members"]} == {
        "src", "mn1", "mn2"
    }  # fmt: skip
