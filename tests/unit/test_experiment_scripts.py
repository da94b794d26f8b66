"""The scripts of the experiments: what they analyse of a sweep, and how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner

from emu.sweep import experiment as module
from emu.sweep.experiment import Unmet, experiment
from emu.sweep.loader import plan
from emu.sweep.store import Store
from emu.sweep.work import Result
from tests.patience import PATIENCE_S
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
            (place / "table.csv").write_text(table)
            return status

        def analyse(table, results):
            analysed.extend(table["flow"])
            if problem is not None:
                raise Unmet(problem)

        monkeypatch.setattr(module, "call", sweep)
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


@pytest.mark.parametrize(("status", "ends"), [(0, 1), (4, 1), (130, 130)])
def test_what_is_not_as_it_has_to_be_is_told_and_the_status_is_1(script, status, ends):
    result, _ = script(HEAD + "True,one\n", status=status, problem="does not endure: relay")
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


@pytest.mark.parametrize("status", [130, 1])
def test_ctrl_c_lets_what_is_beneath_end_in_order(tmp_path, status):
    sweep = tmp_path / "sweep.py"
    sweep.write_text(
        "import signal, sys, time\n"
        "def end(*_):\n    time.sleep(0.6)\n    print('in order', flush=True)\n"
        f"    sys.exit({status})\n"
        "signal.signal(signal.SIGINT, end)\nprint('ready', flush=True)\ntime.sleep(60)\n"
    )
    script = (
        "import sys\nfrom emu.sweep.experiment import call\n"
        f"sys.exit(call([sys.executable, {str(sweep)!r}]))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.1)
        os.killpg(process.pid, signal.SIGINT)
        assert process.stdout.read() == "in order\n"
        assert process.wait(timeout=PATIENCE_S) == 130
