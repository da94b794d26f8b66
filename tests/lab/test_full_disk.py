"""Results that have no room, or may not be written: one line, at once, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from emu.room import MEBIBYTE, TO_GO_ON
from tests.lab.emu_run import ROOT, command, finish, start
from tests.lab.sandboxed import in_sandbox
from tests.lab.test_runs import short
from tests.lab.test_sandbox import mount

pytestmark = pytest.mark.root

DISK = Path("/mnt")
"""In the sandbox of the test, and in those within, another one than outside."""


@contextmanager
def disk(options: str) -> Iterator[None]:
    mount("-t", "tmpfs", "-o", options, "tmpfs", DISK)
    yield
    subprocess.run(["umount", DISK], check=True)


@in_sandbox
def test_a_disk_without_room_or_one_that_may_not_be_written_is_refused() -> None:
    scenario = short(Path(os.environ["TMPDIR"]))
    out = DISK / "out"
    for options, reason in (
        ("size=1m", "1 MiB left on the disk, less than 32"),
        ("size=64m,ro", "read-only file system"),
    ):
        with disk(options):
            done = subprocess.run(
                command("run", scenario, "--out", out),
                capture_output=True,
                encoding="utf-8",
                cwd=ROOT,
            )
            assert done.stderr == f"{out}: {reason}; choose a folder with --out\n"
            assert (done.returncode, done.stdout) == (2, "")


@in_sandbox
def test_a_disk_that_gets_full_ends_the_run_with_what_it_has_measured() -> None:
    with disk("size=64m"):
        process = start(short(Path(os.environ["TMPDIR"]), duration="60s"), DISK / "out")
        assert process.stdout is not None
        for line in process.stdout:
            if "mar2 serves mn1" in line:
                break
        room = os.statvfs(DISK)
        filling = room.f_bavail * room.f_frsize - TO_GO_ON + MEBIBYTE
        with (DISK / "film").open("wb") as film:
            os.posix_fallocate(film.fileno(), 0, filling)
        result = finish(process, DISK / "out")
        assert result.status == 1, result.output
        last = result.output.splitlines()[-1]
        assert last.startswith("the run failed: run 1: ")
        assert last.endswith(" MiB left on the disk, less than 8")
        assert "Traceback" not in result.output
        assert result.record["interrupted"]
        assert len(result.run()["handovers"]) == 1
        assert (result.directory / "report.html").exists()
