"""A record's report once more, from the files that its runs left."""

from __future__ import annotations

from pathlib import Path

from emu import records
from emu.measure import record
from emu.measure.metrics import WrongMetric
from emu.records import RecordError, State
from emu.report.page import build


def again(directory: Path) -> Path:
    """Build the report of a record again, and the record before, if there was no room for it.

    RecordError if there is nothing to make it of, OSError if a file cannot be read or written.
    """
    if records.state(directory) is State.RUNNING:
        raise RecordError(f"{directory}: is still running")
    measured = any(directory.glob("runs/*/meta.json"))
    if measured and not (directory / records.FILE).exists():
        try:
            record.build(directory)
        except WrongMetric as wrong:
            raise RecordError(str(wrong)) from None
    records.read(directory)
    if not measured:
        raise RecordError(f"{directory}: is without its runs, from which a report is made")
    return build(directory)
