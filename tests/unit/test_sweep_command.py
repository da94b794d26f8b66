"""``emu sweep`` and ``emu model``: what they print, write and end with."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from distributed import LocalCluster

from emu import doctor
from emu.cli import commands
from emu.sweep import cluster, command
from emu.sweep.estimate import in_words
from emu.sweep.loader import Job
from emu.sweep.work import Result as Done
from tests.unit.scenarios import GOOD
from tests.unit.sweeps import spoiled_matrix, write_matrix

Work = Callable[[Job, str], Done]


def row(job: Job) -> dict[str, Any]:
    disruption = 10.0 + job.values["gap_ms"]
    return {"handover": 0, "flow": "C1→mn1", "kind": "multicast", "disruption_ms": disruption}


def measured(job: Job, folder: str) -> Done:
    return Done(job.digest, folder, [row(job)], faithful=True, problem=None, failed=False)


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """``emu sweep`` with one worker, a thread, that does what it is told to."""
    monkeypatch.chdir(tmp_path)
    write_matrix(tmp_path)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(doctor, "missing_for", lambda _: [])

    @contextmanager
    def one_thread(_workers: int, _scratch: Path) -> Iterator[Executor]:
        with ThreadPoolExecutor(1) as executor:
            try:
                yield executor
            finally:
                executor.shutdown(cancel_futures=True)

    monkeypatch.setattr(cluster, "local", one_thread)

    def call(*options: str, work: Work = measured) -> Result:
        monkeypatch.setattr(command, "work", work)
        return CliRunner().invoke(commands, ["sweep", "matrix.yaml", *options])

    return call


def test_it_writes_one_table_and_the_figures(sweep, tmp_path):
    result = sweep()
    assert result.exit_code == 0, result.output
    place = tmp_path / "results/small"
    frame = pd.read_parquet(place / "table.parquet")
    assert len(frame) == 12
    assert frame.groupby("gap_ms")["disruption_ms"].mean().to_dict() == {0: 10, 50: 60, 1000: 1010}
    statistics = pd.read_csv(place / "summary.csv").set_index(["gap_ms", "reach"])
    assert statistics.loc[(50, "far"), ["n", "runs", "mean"]].to_list() == [2, 2, 60]
    assert (place / "figures/disruption.svg").exists()
    assert (place / "matrix.yaml").read_text(encoding="utf-8") == (
        tmp_path / "matrix.yaml"
    ).read_text(encoding="utf-8")


def test_it_prints_a_line_a_run_and_a_line_a_combination(sweep):
    lines = [" ".join(line.split()) for line in sweep().output.splitlines()]
    assert sum(line.endswith(" done") for line in lines) == 12
    assert "50 near 2 60.0 ± 0.0 60.0 - - - - -" in lines  # however narrow the terminal
    assert any(line.startswith("runs ") and "12/12" in line for line in lines)


def test_the_same_command_goes_on_after_ctrl_c(sweep):
    ran: list[str] = []

    def until_ctrl_c(job: Job, folder: str) -> Done:
        if len(ran) < 5:
            ran.append(job.name)
            return measured(job, folder)
        while len(list(Path(folder).glob("*/cell.json"))) < 5:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.5)
        return measured(job, folder)

    first = sweep(work=until_ctrl_c)
    assert first.exit_code == 130
    assert "the same command goes on" in first.output
    before = set(ran)

    def count(job: Job, folder: str) -> Done:
        ran.append(job.name)
        return measured(job, folder)

    second = sweep(work=count)
    assert second.exit_code == 0
    assert len(ran) == 12
    assert not before & set(ran[5:])
    assert sweep(work=count).exit_code == 0
    assert len(ran) == 12


def test_a_failed_run_is_told_and_the_status_is_1(sweep):
    def fail(job: Job, folder: str) -> Done:
        if job.seed == 1:
            return measured(job, folder)
        return Done(job.digest, "", [], faithful=False, problem="no switch", failed=True)

    result = sweep(work=fail)
    assert result.exit_code == 1
    assert "failed: no switch" in result.output
    assert result.output.strip().endswith("6 runs failed: the same command tries them again")


def test_unfaithful_runs_are_marked_in_the_table_and_told(sweep, tmp_path):
    def late(job: Job, folder: str) -> Done:
        problem = "timers were late"
        return Done(job.digest, "", [row(job)], faithful=False, problem=problem, failed=False)

    result = sweep(work=late)
    assert result.exit_code == 4
    assert "not faithful after 3 attempts: timers were late" in result.output
    assert "12 of 12 runs are not results" in result.output
    frame = pd.read_csv(tmp_path / "results/small/table.csv")
    assert not frame["faithful"].any()
    assert len(frame) == 12


def test_a_wrong_matrix_is_refused_in_one_line(sweep):
    Path("matrix.yaml").write_text(spoiled_matrix("seeds: 2", "seeds: 0"), encoding="utf-8")
    result = sweep()
    assert result.exit_code == 2
    assert result.output == "matrix.yaml:3: seeds: 0 is too small; write 1 or more\n"


def test_without_root_it_says_what_to_do(sweep, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    result = sweep()
    assert result.exit_code == 3
    assert "sudo python -m emu sweep matrix.yaml" in result.output


def test_a_cluster_that_is_not_there(sweep, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # the workers must be root, this need not
    monkeypatch.setattr(cluster, "PATIENCE", "500ms")
    result = sweep("--cluster", "tcp://127.0.0.1:9")
    assert result.exit_code == 3
    assert result.output.startswith("tcp://127.0.0.1:9: no Dask scheduler answers there")


def test_the_workers_of_a_cluster_do_the_runs(sweep, monkeypatch, tmp_path):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)  # the workers must be root, this need not
    with LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", host="127.0.0.1",
        dashboard_address=None,
    ) as workers:  # fmt: skip
        result = sweep("--cluster", workers.scheduler_address)
    assert result.exit_code == 0, result.output
    frame = pd.read_parquet(tmp_path / "results/small/table.parquet")
    assert len(frame) == 12
    assert frame["faithful"].all()


def test_model_prints_what_the_equations_predict(tmp_path):
    path = tmp_path / "good.yaml"
    path.write_text(GOOD, encoding="utf-8")
    result = CliRunner().invoke(commands, ["model", str(path)], terminal_width=160)
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert "PMIPv6 2 2 3.2 0" in lines
    assert "HDMM fully distributed 2 4 5.2 10" in lines
    assert any(line.startswith("4.000 s") and line.endswith(" 1 4 50 0 0 50") for line in lines)
    assert any(" 5,070 (70 to 10,070) 197,400 (" in line for line in lines)
    assert any(line.startswith("Every MAR is 5 ms from every other") for line in lines)
    assert "a call bears that (25 of 150 ms, equation 19)" in lines[-1]


def test_how_far_a_call_can_move_is_said_where_moves_go_further(tmp_path):
    path = tmp_path / "line.yaml"
    path.write_text(GOOD.replace("kind: dmm-domain", "kind: line"), encoding="utf-8")
    result = CliRunner().invoke(commands, ["model", str(path)], terminal_width=160)
    assert result.exit_code == 0, result.output
    assert "A call bears 26 hops of 5 ms from its anchor (equation 19); here they are" in (
        result.output
    )


def test_model_of_a_scenario_without_handovers(tmp_path):
    path = tmp_path / "still.yaml"
    path.write_text(
        GOOD.replace("  - {at: 4s, handover: mn1, to: mar2, gap: 50ms}\n", ""), encoding="utf-8"
    )
    result = CliRunner().invoke(commands, ["model", str(path)])
    assert result.exit_code == 0
    assert result.output.startswith("no handovers")


def test_a_dry_run_says_how_much_there_is_to_do_and_starts_nothing(sweep, tmp_path):
    def never(job: Job, folder: str) -> Done:
        raise AssertionError("a run was started")

    result = sweep("--dry-run", "--workers", "2", work=never)
    # 12 runs of 10 s and 5 s around each, two at a time.
    said = "small: 12 runs (6 combinations, 2 seeds), about 2 min, 2 at a time\n"
    assert (result.exit_code, result.output) == (0, said)
    assert not (tmp_path / "results").exists()


def test_a_dry_run_counts_what_is_done(sweep):
    def of_seed_1(job: Job, folder: str) -> Done:
        return replace(measured(job, folder), faithful=job.seed == 1)

    sweep(work=of_seed_1)
    said = "small: 12 runs (6 combinations, 2 seeds), 6 of them left, about 2 min, 1 at a time\n"
    assert sweep("--dry-run", "--workers", "1").output == said
    sweep()
    assert "0 of them left, about 0 s" in sweep("--dry-run").output


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (12.0, "12 s"),
        (59.1, "60 s"),
        (61, "2 min"),
        (5940, "99 min"),
        (6000, "1 h 40 min"),
        (7195, "2 h"),
    ],
)
def test_an_estimate_is_no_more_exact_than_it_can_be(seconds, words):
    assert in_words(seconds) == words


def test_check_takes_matrices_too(tmp_path):
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    write_matrix(tmp_path).rename(good)
    bad.write_text(spoiled_matrix("seeds: 2", "seeds: many"), encoding="utf-8")
    result = CliRunner().invoke(commands, ["check", str(good), str(bad)])
    size = "12 runs (6 combinations, 2 seeds), about 3 min, 1 at a time"
    assert (result.exit_code, result.stdout) == (2, f"{good}: small is good: {size}\n")
    wrong = f'{bad}:3: seeds: "many" is not a whole number; write a number such as 3'
    assert result.stderr == f"{wrong}\n"


def test_check_says_it_to_programs_too(tmp_path):
    matrix = write_matrix(tmp_path)
    (tmp_path / "bad.yaml").write_text("name: a\n", encoding="utf-8")
    files = [str(matrix), str(tmp_path / "base.yaml"), str(tmp_path / "bad.yaml")]
    result = CliRunner().invoke(commands, ["check", "--json", *files])
    first, second, third = json.loads(result.stdout)
    assert (first["kind"], first["runs"], first["seconds"]) == ("matrix", 12, 180.0)
    assert (second["kind"], second["duration_s"], second["events"]) == ("scenario", 10.0, 2)
    assert second["problems"] == []
    assert result.exit_code == 2
    assert third["problems"] == result.stderr.splitlines() != []
