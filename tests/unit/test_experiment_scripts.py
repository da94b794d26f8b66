"""The scripts of the experiments: what they analyse of a sweep."""

from __future__ import annotations

import subprocess
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from emu.sweep.experiment import experiment

HEAD = "faithful,flow\n"


@pytest.fixture
def script(tmp_path, monkeypatch):
    """Runs a script after a sweep with this table; the result, and the flows analysed."""

    def call(table):
        place = tmp_path / "out" / "gaps"
        place.mkdir(parents=True)
        analysed = []

        def sweep(command, check):
            (place / "table.csv").write_text(table)
            return SimpleNamespace(returncode=130)

        monkeypatch.setattr(subprocess, "run", sweep)
        command = experiment(
            tmp_path / "gaps", lambda table, results: analysed.extend(table["flow"])
        )
        return CliRunner().invoke(command, ["--out", str(tmp_path / "out")]), analysed

    return call


def test_what_the_machine_could_not_keep_up_with_is_not_analysed(script):
    result, analysed = script(HEAD + "True,one\nFalse,two\nTrue,three\n")
    assert analysed == ["one", "three"]
    assert result.exit_code == 130


@pytest.mark.parametrize("rows", ["", "False,one\n"])
def test_without_a_faithful_run_there_is_nothing_to_analyse(script, rows):
    result, analysed = script(HEAD + rows)
    assert not analysed
    assert "nothing to analyse" in result.output
    assert result.exit_code == 130


@pytest.mark.parametrize(("statuses", "swept"), [((0, 0), ["gaps", "others"]), ((130,), ["gaps"])])
def test_a_sweep_that_belongs_to_it_follows_when_the_first_is_done(
    tmp_path, monkeypatch, statuses, swept
):
    left, done = list(statuses), []

    def sweep(command, check):
        done.append(command[4])
        return SimpleNamespace(returncode=left.pop(0))

    monkeypatch.setattr(subprocess, "run", sweep)
    command = experiment(tmp_path / "gaps", print, (tmp_path / "others", print))
    assert CliRunner().invoke(command, []).exit_code == statuses[-1]
    assert done == [str(tmp_path / name / "matrix.yaml") for name in swept]
