"""What a worker makes of a job: the files it writes, the run it asks for, the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emu import runner
from emu.measure import record
from emu.sweep import work as module
from emu.sweep.loader import plan
from tests.synthetic_record import write_record
from tests.unit.sweeps import write_matrix


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return record.build(write_record(tmp_path_factory.mktemp("record"), runs=1))


def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, outcome: runner.Outcome) -> Any:
    """The result of the first job, and what the runner was asked for."""
    asked = []

    def run(*arguments: Any) -> runner.Outcome:
        asked.append(arguments)
        return outcome

    monkeypatch.setattr(module.runner, "run", run)
    job = plan(write_matrix(tmp_path)).jobs[0]
    return module.work(job, str(tmp_path / "cells")), job, asked


def test_a_job_is_one_run_with_its_seed_in_its_own_folder(tmp_path, monkeypatch, measured):
    outcome = runner.Outcome(tmp_path, measured, None, False)
    result, job, ((path, scenario, options, _tell),) = work(tmp_path, monkeypatch, outcome)
    assert path == tmp_path / "cells" / job.name / "scenario.yaml"
    assert path.read_text(encoding="utf-8") == job.scenario
    assert scenario.name == "base"
    assert options == runner.RunOptions(path.parent, job.seed, 1, 1, False)
    assert (result.faithful, result.failed, result.problem) == (True, False, None)
    assert result.digest == job.digest
    assert len(result.rows) == 6


def test_a_run_that_the_machine_could_not_keep_up_with(tmp_path, monkeypatch, measured):
    late = {**measured, "fidelity": {"ok": False, "reason": "timers were late"}}
    result, *_ = work(tmp_path, monkeypatch, runner.Outcome(tmp_path, late, None, False))
    assert (result.faithful, result.failed, result.problem) == (False, False, "timers were late")
    assert len(result.rows) == 6


@pytest.mark.parametrize(
    ("changed", "failed", "problem"),
    [
        ({}, "mar1 ended", "mar1 ended"),
        ({"interrupted": True}, None, "the run was interrupted"),
    ],
)
def test_what_failed_or_was_stopped_has_no_rows(
    tmp_path, monkeypatch, measured, changed, failed, problem
):
    outcome = runner.Outcome(tmp_path, {**measured, **changed}, failed, False)
    result, *_ = work(tmp_path, monkeypatch, outcome)
    assert (result.faithful, result.failed, result.problem) == (False, True, problem)
    assert result.rows == []


def test_a_run_that_left_no_record_has_failed(tmp_path, monkeypatch):
    outcome = runner.Outcome(tmp_path, {}, "run 1: no switch", False)
    result, *_ = work(tmp_path, monkeypatch, outcome)
    assert (result.failed, result.rows) == (True, [])
