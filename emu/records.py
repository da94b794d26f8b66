"""Finding and reading the records of runs: ``<results>/<name>/<UTC time>-<seed>/record.json``."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FILE = "record.json"


class RecordError(Exception):
    """There is no such record, or it cannot be read; str() is one line that says so."""


def directories(results: Path) -> Iterator[Path]:
    """The folder of every record, oldest first; ``latest`` links are not counted twice."""
    found = [path.parent for path in results.glob(f"*/*/{FILE}") if not path.parent.is_symlink()]
    return iter(sorted(found, key=lambda directory: (directory.name, directory.parent.name)))


def read(directory: Path) -> dict[str, Any]:
    """The record in a folder."""
    path = directory / FILE
    try:
        record = json.loads(path.read_bytes())
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise RecordError(f"{path}: {reason}; emu list shows what there is") from None
    except ValueError as error:
        raise RecordError(f"{path}: is not JSON ({error})") from None
    if not isinstance(record, dict):
        raise RecordError(f"{path}: is not a record")
    return record


def find(name: str, results: Path) -> Path:
    """The folder of a record by its path, or of the newest one by the name ``latest``."""
    if name == "latest":
        newest = list(directories(results))[-1:]
        if not newest:
            raise RecordError(f"{results}: has no record yet; emu run makes one")
        return newest[0]
    directory = Path(name)
    read(directory)
    return directory
