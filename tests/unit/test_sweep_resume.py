"""A sweep goes on where it was stopped, and repeats what the machine could not keep up with."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

import pytest

from emu.sweep.loader import Job, Plan, plan
from emu.sweep.store import Busy, Store
from emu.sweep.sweep import sweep
from emu.sweep.work import Result
from tests.unit.sweeps import write_matrix


class Runner:
    """Runs nothing; counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.order: list[str] = []
        self.unfaithful_until = dict[str, int]()
        self.failing = set[str]()
        self.dying = set[str]()
        self.lock = threading.Lock()

    def __call__(self, job: Job, folder: str) -> Result:
        with self.lock:
            self.asked[job.name] += 1
            self.order.append(job.name)
        if job.name in self.dying:
            raise MemoryError("the worker is gone")
        faithful = self.asked[job.name] >= self.unfaithful_until.get(job.name, 1)
        failed = job.name in self.failing
        rows = [] if failed else [{"flow": "C1→mn1", "disruption_ms": 60.0}]
        problem = "no switch" if failed else None if faithful else "timers were late"
        return Result(
            job.digest, folder, rows, faithful=faithful and not failed, problem=problem,
            failed=failed,
        )  # fmt: skip


@pytest.fixture
def planned(tmp_path: Path) -> Plan:
    return plan(write_matrix(tmp_path))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "out/cells").mkdir(parents=True)  # as its lock does
    return Store(tmp_path / "out")


def go(planned: Plan, store: Store, runner: Runner, stop_after: int | None = None) -> list[str]:
    """Sweep; the names of the jobs settled, in order. ``stop_after`` so many, as Ctrl-C does."""
    settled: list[str] = []

    def tell(job: Job, result: Result) -> None:
        settled.append(job.name)
        if len(settled) == stop_after:
            raise KeyboardInterrupt

    with ThreadPoolExecutor(1) as executor:
        try:
            sweep(planned, store, executor, runner, tell, SimpleQueue())
        except KeyboardInterrupt:
            executor.shutdown(cancel_futures=True)
    return settled


def test_every_job_is_done_once_and_kept(planned, store):
    runner = Runner()
    assert sorted(go(planned, store, runner)) == sorted(job.name for job in planned.jobs)
    assert set(runner.asked.values()) == {1}
    done = store.done(planned.jobs)
    assert len(done) == len(planned.jobs)
    assert all(
        result.rows == [{"flow": "C1→mn1", "disruption_ms": 60.0}] for result in done.values()
    )


def test_what_was_done_before_the_stop_is_not_done_again(planned, store):
    first = Runner()
    before = go(planned, store, first, stop_after=5)
    second = Runner()
    after = go(planned, store, second)
    assert len(before) == 5
    assert not set(after) & set(before)
    assert len(after) == len(planned.jobs) - 5
    assert set(second.asked) == set(after)


def test_a_changed_scenario_is_done_again(planned, store, tmp_path):
    go(planned, store, Runner())
    base = tmp_path / "base.yaml"
    base.write_text(
        base.read_text(encoding="utf-8").replace("rate: 1mbit", "rate: 2mbit"), encoding="utf-8"
    )
    again = Runner()
    go(plan(tmp_path / "matrix.yaml"), store, again)
    assert len(again.asked) == len(planned.jobs)


def test_a_torn_file_of_a_killed_sweep_is_no_result(planned, store):
    job = planned.jobs[0]
    place = store.cells / job.name
    place.mkdir()
    (place / ".cell.json.4711").write_text('{"digest"', encoding="utf-8")
    runner = Runner()
    go(planned, store, runner)
    assert runner.asked[job.name] == 1


def test_an_unfaithful_run_is_repeated_after_the_others(planned, store):
    runner = Runner()
    name = planned.jobs[0].name
    runner.unfaithful_until[name] = 2
    go(planned, store, runner)
    assert runner.order[0] == runner.order[-1] == name
    kept = store.done(planned.jobs)[name]
    assert (kept.faithful, kept.attempts) == (True, 2)


def test_a_run_that_is_not_faithful_is_marked_and_tried_by_the_next_sweep(planned, store):
    runner = Runner()
    name = planned.jobs[3].name
    runner.unfaithful_until[name] = 99
    go(planned, store, runner)
    kept = store.results(planned.jobs)[name]
    assert (kept.faithful, kept.attempts, kept.problem) == (False, 3, "timers were late")
    assert runner.asked[name] == 3
    again = Runner()
    again.unfaithful_until[name] = 2
    assert go(planned, store, again) == [name]
    kept = store.results(planned.jobs)[name]
    assert (kept.faithful, kept.attempts, kept.problem) == (True, 5, None)
    assert not go(planned, store, Runner())


@pytest.mark.parametrize("way", ["failing", "dying"])
def test_a_failed_run_is_told_and_tried_by_the_next_sweep(planned, store, way):
    runner = Runner()
    name = planned.jobs[2].name
    getattr(runner, way).add(name)
    go(planned, store, runner)
    assert runner.asked[name] == 1
    problem = json.loads((store.cells / name / "cell.json").read_text(encoding="utf-8"))["problem"]
    assert problem in ("no switch", "MemoryError: the worker is gone")
    assert name not in store.done(planned.jobs)
    again = Runner()
    assert go(planned, store, again) == [name]
    assert name in store.done(planned.jobs)


def test_one_sweep_at_a_time_in_a_folder(store):
    with store.locked(), pytest.raises(Busy, match="another sweep"), store.locked():
        pass
    with store.locked():
        pass
