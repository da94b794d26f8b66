"""Finding and reading the records of runs: ``<results>/<name>/<UTC time>-<seed>/record.json``."""

from __future__ import annotations

import fcntl
import json
import os
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from enum import Enum
from pathlib import Path
from typing import Any

from emu.files import in_words

FILE = "record.json"
_WRITER = ".running"
"""Locked by whoever writes the record, which ends with that process; gone when it is done."""
_DIRECTORY = re.compile(r"\d{8}T\d{6}Z-\d+(\.\d+)?")
_NEEDED = ("scenario", "fidelity", "runs", "summary")


class RecordError(Exception):
    """There is no such record, or it cannot be read; str() is one line that says so."""


class State(Enum):
    """What has become of a record."""

    RUNNING = "running"
    ABORTED = "aborted"
    """Whoever wrote it has ended, and left no record."""
    DONE = "done"


def create(parent: Path, seed: int) -> Path:
    """A new folder for a record, named after the time and the seed."""
    stamp = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    for suffix in ("", *(f".{number}" for number in range(1, 1000))):
        directory = (parent / f"{stamp}-{seed}{suffix}").resolve()
        try:
            directory.mkdir(parents=True)
        except FileExistsError:
            continue
        return directory
    raise FileExistsError(f"{parent}: too many records of one second")


def point_latest_to(directory: Path) -> None:
    """Replace the link ``latest`` in one step: parallel runs may do so at once."""
    temporary = directory.with_name(f".latest-{os.getpid()}-{threading.get_ident()}")
    temporary.symlink_to(directory.name)
    temporary.rename(directory.with_name("latest"))


@contextmanager
def being_written(directory: Path) -> Iterator[None]:
    """Mark a record as one that is still written, until this ends or the process does."""
    path = directory / _WRITER
    with path.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
        path.unlink()


def state(directory: Path) -> State:
    """What has become of the record in a folder."""
    try:
        with (directory / _WRITER).open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return State.RUNNING
    except OSError:
        pass  # it is done, or older than this mark
    return State.DONE if (directory / FILE).exists() else State.ABORTED


def directories(results: Path) -> Iterator[Path]:
    """The folder of every record, oldest first, also of one that was never finished."""
    found = [path for path in results.glob("*/*/") if _DIRECTORY.fullmatch(path.name)]
    return iter(sorted(found, key=lambda directory: (directory.name, directory.parent.name)))


def read(directory: Path) -> dict[str, Any]:
    """The record in a folder."""
    path = directory / FILE
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        raise RecordError(f"{in_words(error)}; emu list shows what there is") from None
    except ValueError as error:
        raise RecordError(f"{path}: is not JSON ({error})") from None
    if not isinstance(record, dict) or not all(key in record for key in _NEEDED):
        raise RecordError(f"{path}: is not a record; emu list shows what there is")
    return record


def find(name: str, results: Path) -> Path:
    """The folder of a record by its path, or of the newest one by the name ``latest``."""
    if name == "latest":
        done = [path for path in directories(results) if state(path) is State.DONE]
        if not done:
            raise RecordError(f"{results}: has no record yet; emu run makes one")
        return done[-1]
    return Path(name)
