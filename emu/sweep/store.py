"""What a sweep keeps on disk, so that it can go on after it was killed.

``<results>/<sweep>/cells/<job>/cell.json`` is written in one step when a job is done, and says what
it was: a job whose scenario or seed has changed since is done again.
"""

from __future__ import annotations

import fcntl
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from emu import files, records
from emu.records import State
from emu.sweep.loader import Job
from emu.sweep.work import Result

_FILE = "cell.json"


class Busy(Exception):
    """Another process works in this folder."""


class Store:
    """The folder of one sweep; it need not exist to be asked what is done."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory.resolve()
        self.cells = self.directory / "cells"
        self.scratch = self.directory / ".scratch"
        """The workers'."""

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes out; the lock goes with the process, however it ends."""
        self.cells.mkdir(parents=True, exist_ok=True)
        with (self.directory / ".lock").open("w", encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(f"{self.directory}: another sweep is writing there") from None
            yield

    def is_locked(self) -> bool:
        """Whether a sweep writes there now."""
        try:
            with (self.directory / ".lock").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            pass  # no sweep has begun there
        return False

    def tidy(self) -> None:
        """Remove what sweeps and runs left here that were killed; call it with the lock held."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        for cell in self.cells.iterdir():
            for directory in records.directories(cell):
                if records.state(directory) is State.ABORTED:
                    shutil.rmtree(directory, ignore_errors=True)

    def keep(self, job: Job, result: Result) -> None:
        """A job is done."""
        place = self.cells / job.name
        place.mkdir(parents=True, exist_ok=True)
        files.replace(place / _FILE, json.dumps(result.as_dict()) + "\n")

    def results(self, jobs: Iterable[Job]) -> dict[str, Result]:
        """All that there are, by the names of their jobs."""
        return {job.name: kept for job in jobs if (kept := self._kept(job)) is not None}

    def done(self, jobs: Iterable[Job]) -> dict[str, Result]:
        """Those that need not be got again: the machine kept up with these runs."""
        return {name: kept for name, kept in self.results(jobs).items() if kept.faithful}

    def _kept(self, job: Job) -> Result | None:
        path = self.cells / job.name / _FILE
        if not path.exists():
            return None
        kept = Result(**json.loads(path.read_text(encoding="utf-8")))
        return kept if kept.digest == job.digest and not kept.failed else None
