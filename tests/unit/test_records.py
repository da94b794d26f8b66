"""Records that were never finished: seen as such, and told from those that are still written."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from emu import files, records, report, room, runner
from emu.cli import commands
from emu.records import State
from emu.runner import RunOptions
from emu.scenario import load
from tests.synthetic_record import write_record
from tests.unit.scenarios import GOOD


def call(*arguments: object) -> Result:
    return CliRunner().invoke(commands, [*map(str, arguments)])


def rows(results: Path) -> list[str]:
    return [" ".join(line.split()) for line in call("list", "--out", results).stdout.splitlines()]


def full(monkeypatch: pytest.MonkeyPatch, left: int) -> None:
    disk = SimpleNamespace(f_bavail=left, f_frsize=1, f_blocks=1)
    monkeypatch.setattr(os, "statvfs", lambda _: disk)


def test_a_record_that_was_never_finished_is_listed(tmp_path):
    aborted = records.create(tmp_path / "tv", 7)
    (aborted / ".running").touch()  # of a process that was killed
    (row,) = rows(tmp_path)[1:]
    assert row == f"{aborted} ? aborted"


def test_a_record_that_is_being_written_is_listed_as_such(tmp_path):
    directory = records.create(tmp_path / "tv", 7)
    with records.being_written(directory):
        assert rows(tmp_path)[1] == f"{directory} ? running"
        assert call("report", directory).output == f"{directory}: is still running\n"
    assert list(directory.iterdir()) == []


def test_a_record_of_an_interrupted_run_is_marked(tmp_path):
    directory = records.create(tmp_path / "tv", 7)
    write_record(directory, runs=1)
    path = directory / "runs/1/meta.json"
    path.write_text(
        json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"interrupted": True}),
        encoding="utf-8",
    )
    assert call("report", directory).exit_code == 0
    assert " 1 ok, interrupted " in rows(tmp_path)[1]


@pytest.mark.parametrize("stopped", [True, False])
def test_so_is_one_of_which_a_run_left_nothing(tmp_path, monkeypatch, stopped):
    """It was stopped while it was set up, or it failed; a record built again says so, too."""

    def conduct(started: runner.Runner, number: int) -> None:
        if number == 1:
            write_record(tmp_path / "made", runs=1)
            (tmp_path / "made/runs/1").rename(started._place(1))
        elif stopped:
            started.stop()
        else:
            raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(runner.Runner, "_run", conduct)
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    options = RunOptions(tmp_path / "out", seed=1, repeat=3, jobs=1, keep_captures=False)
    options.out.mkdir()
    done = runner.run(tmp_path / "good.yaml", load(tmp_path / "good.yaml"), options, print)
    assert (done.interrupted, bool(done.failed)) == (stopped, not stopped)
    for _ in range(2):
        record = records.read(done.directory)
        assert (record["interrupted"], record["missing_runs"]) == (True, [2, 3])
        assert " 1 of 3 ok, interrupted " in rows(tmp_path / "out")[1]
        assert "1 of 3" in (done.directory / "report.html").read_text(encoding="utf-8")
        assert call("report", done.directory).exit_code == 0


def test_the_newest_record_is_one_that_was_finished(tmp_path):
    done = tmp_path / "tv/20260101T000000Z-1"
    done.mkdir(parents=True)
    (done / "record.json").touch()
    assert records.state(records.create(tmp_path / "tv", 7)) is State.ABORTED
    assert records.find("latest", tmp_path) == done


def test_a_report_makes_the_record_for_which_there_was_no_room(tmp_path):
    directory = write_record(records.create(tmp_path / "tv", 7))
    result = call("report", directory)
    assert (result.exit_code, result.stdout) == (0, f"{directory / 'report.html'}\n")
    assert len(records.read(directory)["runs"]) == 2


@pytest.mark.parametrize("text", ["{}", '{"runs": []}', "[]", "1"])
def test_what_is_no_record_is_refused_in_one_line(tmp_path, text):
    (tmp_path / "record.json").write_text(text, encoding="utf-8")
    result = call("report", tmp_path)
    line = f"{tmp_path}/record.json: is not a record; emu list shows what there is\n"
    assert (result.exit_code, result.output) == (2, line)


def test_a_record_without_its_runs_is_refused_in_one_line(tmp_path):
    empty = {"scenario": {}, "fidelity": {}, "runs": [], "summary": {}}
    (tmp_path / "record.json").write_text(json.dumps(empty), encoding="utf-8")
    line = f"{tmp_path}: is without its runs, from which a report is made\n"
    assert call("report", tmp_path).output == line


def test_a_file_is_there_whole_or_as_it_was(tmp_path, monkeypatch):
    def no_room(path: Path, *_: object, **__: object) -> None:
        path.touch()
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    path = tmp_path / "record.json"
    files.replace(path, "before")
    monkeypatch.setattr(Path, "write_text", no_room)
    with pytest.raises(OSError, match="No space"):
        files.replace(path, "after")
    assert path.read_text(encoding="utf-8") == "before"
    assert [*tmp_path.iterdir()] == [path]


def test_a_disk_that_is_nearly_full_is_told_before_anything_starts(tmp_path, monkeypatch):
    full(monkeypatch, 20 * room.MEBIBYTE)
    room.check(tmp_path)
    with pytest.raises(room.NoRoom) as problem:
        room.check(tmp_path, room.TO_START)
    assert str(problem.value) == f"{tmp_path}: 20 MiB left on the disk, less than 32"
    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    options = RunOptions(tmp_path, seed=1, repeat=1, jobs=1, keep_captures=False)
    with pytest.raises(room.NoRoom):
        runner.run(tmp_path / "good.yaml", load(tmp_path / "good.yaml"), options, print)
    assert [path.name for path in tmp_path.iterdir()] == ["good.yaml"]


def test_no_room_for_the_record_is_one_line_and_what_was_measured_is_kept(tmp_path, monkeypatch):
    def no_room(directory: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(directory / "report.html"))

    def measure(started: runner.Runner) -> None:
        write_record(started._directory, runs=1)

    (tmp_path / "good.yaml").write_text(GOOD, encoding="utf-8")
    monkeypatch.setattr(runner.Runner, "run", measure)
    monkeypatch.setattr(report, "build", no_room)
    options = RunOptions(tmp_path / "out", seed=1, repeat=1, jobs=1, keep_captures=False)
    options.out.mkdir()
    done = runner.run(tmp_path / "good.yaml", load(tmp_path / "good.yaml"), options, print)
    assert done.failed == (
        f"{done.directory}/report.html: no space left on device; "
        f"emu report {done.directory} will make the record"
    )
    assert (done.directory / "runs/1/meta.json").exists()
