"""The one table of a sweep: a row a flow in a handover, as Parquet and CSV."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from emu.measure.disruption import BOUNDS
from emu.measure.metrics import PREFIX
from emu.sweep.loader import Job
from emu.sweep.rows import METRICS, OF_GROUP, OF_RUN, OF_WHAT, Row
from emu.sweep.work import Result

if TYPE_CHECKING:
    from pandas import DataFrame, Series

_TEXTS = ("mn", "from", "to", "flow", "kind")


def table(jobs: Iterable[Job], results: dict[str, Result]) -> DataFrame:
    """The rows of every job that has any, in the order of the jobs.

    The columns are the axes, the seed, how the run went, of what the row is, and the metrics. A row
    is faithful when its run was, and the machine did not stand still in its handover.
    """
    import pandas as pd

    rows = [
        {
            **job.values,
            "seed": job.seed,
            "faithful": results[job.name].faithful and not row.get("disturbed"),
            "attempts": results[job.name].attempts,
            **row,
        }
        for job in jobs
        if job.name in results
        for row in results[job.name].rows
    ]
    axes = next((list(job.values) for job in jobs), [])
    of_group = [name for name in OF_GROUP if any(name in row for row in rows)]
    metrics = [*METRICS, *of_group, *dict.fromkeys(_of_other_packages(rows))]
    columns = [*axes, *OF_RUN, *OF_WHAT, *metrics]
    frame = pd.DataFrame(rows, columns=columns)
    kinds = {
        "handover": "Int64",
        "disturbed": "boolean",
        "recovered": "boolean",
        **dict.fromkeys(_TEXTS, "string"),
    }
    kinds |= {name: "float64" for name in metrics if name != "recovered"}
    return frame.astype(kinds)


def _of_other_packages(rows: Iterable[Row]) -> Iterator[str]:
    """The columns of their metrics."""
    return (name for row in rows for name in row if name.startswith(PREFIX))


def counted(frame: DataFrame) -> DataFrame:
    """What statistics and figures are made of: the faithful rows, without lower bounds.

    Of a flow that did not come back after a handover, disruption and losses are unknown here.
    """
    rows = frame[frame["faithful"].astype(bool)].copy()
    rows.loc[not_recovered(rows), list(BOUNDS)] = float("nan")
    return rows


def not_recovered(frame: DataFrame) -> Series[bool]:
    """Which rows are of a flow that did not come back after a handover."""
    return frame["recovered"].astype("boolean").eq(False).fillna(False).astype(bool)


def write(frame: DataFrame, directory: Path) -> None:
    """Write ``table.parquet`` and ``table.csv``."""
    frame.to_parquet(directory / "table.parquet", index=False)
    frame.to_csv(directory / "table.csv", index=False, float_format="%.6g")
