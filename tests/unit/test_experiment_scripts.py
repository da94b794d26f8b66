"""The scripts of the experiments: what they analyse of a sweep, and how they end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from emu.measure.record import build
from emu.sweep import experiment as module
from emu.sweep.experiment import Unmet, experiment
from emu.sweep.loader import plan
from emu.sweep.store import Store
from emu.sweep.work import Result
from tests.synthetic_record import write_record
from tests.unit.scripts import EXPERIMENTS
from tests.unit.scripts import script as load_script
from tests.unit.sweeps import write_matrix

HEAD = "faithful,flow,recovered,disruption_ms,lost\n"


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Runs a script after a sweep with this table; the result, and the flows analysed."""

    def call(table, status=130, problem=None):
        place = tmp_path / "out" / "gaps"
        place.mkdir(parents=True)
        analysed = []

        def sweep(command):
            (place / "table.csv").write_text(table, encoding="utf-8")
            return status

        def analyse(table, results):
            analysed.extend(table["flow"])
            if problem is not None:
                raise problem

        monkeypatch.setattr(module, "run_below", sweep)
        command = experiment(tmp_path / "gaps", analyse)
        return CliRunner().invoke(command, ["--out", str(tmp_path / "out")]), analysed

    return call


def test_what_the_machine_could_not_keep_up_with_is_not_analysed(script):
    result, analysed = script(HEAD + "True,one,,,\nFalse,two,True,5,0\nTrue,three,True,5,0\n")
    assert analysed == ["one", "three"]
    assert result.exit_code == 130


@pytest.mark.parametrize("rows", ["", "False,one,True,5,0\n"])
def test_without_a_faithful_run_there_is_nothing_to_analyse(script, rows):
    result, analysed = script(HEAD + rows)
    assert not analysed
    assert "nothing to analyse" in result.output
    assert result.exit_code == 130


@pytest.mark.parametrize("status", [2, 3])
def test_what_another_sweep_has_written_so_far_is_not_analysed(script, status):
    result, analysed = script(HEAD + "True,one,,,\n", status=status)
    assert (result.exit_code, result.output, analysed) == (status, "", [])


@pytest.mark.parametrize(("status", "ends"), [(0, 1), (4, 1), (130, 130)])
def test_what_is_not_as_it_has_to_be_is_told_and_the_status_is_1(script, status, ends):
    result, _ = script(HEAD + "True,one\n", status=status, problem=Unmet("does not endure: relay"))
    assert result.exit_code == ends
    assert result.output.endswith("does not endure: relay\n")


def test_only_records_of_faithful_runs_are_read(tmp_path):
    path = write_matrix(tmp_path)
    first, second, third, *_ = plan(path).jobs
    store = Store(tmp_path / "results")
    for job, faithful, failed in (
        (first, True, False),
        (second, False, False),
        (third, True, True),
    ):
        result = Result(job.digest, f"/{job.name}", [], faithful, None, failed)
        store.keep(job, result)
    found = module.faithful_records(tmp_path, tmp_path / "results")
    assert [(job.name, str(record)) for job, record in found] == [(first.name, f"/{first.name}")]


def test_a_record_that_is_gone_is_one_line(script):
    gone = FileNotFoundError(2, "No such file or directory", "cells/a/runs")
    result, _ = script(HEAD + "True,one\n", status=0, problem=gone)
    assert result.exit_code == 1
    assert result.stderr == "cells/a/runs: no such file or directory\n"


@pytest.mark.parametrize("arguments", [[], ["absent"]])
def test_the_check_of_figures_2_to_4_without_a_record_says_what_makes_one(tmp_path, arguments):
    check = EXPERIMENTS / "multicast-figures-2-4/check.py"
    done = subprocess.run(
        [sys.executable, check, *arguments], cwd=tmp_path, capture_output=True, encoding="utf-8",
        env={**os.environ, "PYTHONPATH": str(EXPERIMENTS.parent)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "record.json: no such file or directory" in done.stderr
    assert f"emu run {check.with_name('scenario.yaml')} makes a record" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_check_of_figures_2_to_4_refuses_another_record(tmp_path, monkeypatch):
    record = write_record(tmp_path, runs=1)
    build(record)
    check = load_script("multicast-figures-2-4/check.py")
    monkeypatch.setattr(sys, "argv", ["check.py", str(record)])
    with pytest.raises(SystemExit, match="is not the record of a whole run"):
        check.main()
