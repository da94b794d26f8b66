"""Several roots as processes: one of them is killed, and nobody loses a packet by that."""

from __future__ import annotations

import pytest

from tests.lab import emu_run
from tests.lab.emu_run import ROOT, Run
from tests.lab.test_i3 import NO_WAIT_S, arrivals, longest_wait

pytestmark = pytest.mark.root

SCENARIO = ROOT / "experiments/i3-lab/roots.yaml"
BEFORE, AFTER = [f"c{number}" for number in range(2, 7)], ["c7", "c8"]
"""Who has joined when the root is killed, and who joins later."""
CRASH_S, END_S = 4.95, 12


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    run = emu_run.run(SCENARIO, tmp_path_factory.mktemp("roots"))
    assert run.ended, run.output
    return run


def test_newcomers_find_places_though_a_root_is_gone(run: Run) -> None:
    joins = {join["client"]: join for join in run.run()["overlay"]["joins"]}
    assert all(joins[name]["took_ms"] is not None for name in ("c1", *BEFORE, *AFTER))
    places = {member["name"]: member for member in run.run()["overlay"]["members"]}
    assert places["c2"]["parent"] == "c0"
    assert all(places[name]["parent"] is not None for name in AFTER)


@pytest.mark.parametrize("client", BEFORE)
def test_who_was_there_loses_nothing(run: Run, client: str) -> None:
    assert longest_wait(arrivals(run, client), CRASH_S, END_S - 0.1) < NO_WAIT_S
