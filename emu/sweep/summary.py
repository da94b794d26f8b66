"""The statistics of a sweep's table: a row a metric of handovers that are alike.

Alike are the handovers of one combination of the axes' values, from one access router to another,
and in them the flows of a kind. The runs of a combination, one a seed, are independent.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from emu.measure.disruption import BOUNDS
from emu.measure.metrics import PREFIX
from emu.measure.statistics import Summary, most, summarise
from emu.sweep.rows import METRICS, OF_GROUP, OF_HANDOVER
from emu.sweep.table import counted, not_recovered

if TYPE_CHECKING:
    from pandas import DataFrame

ALIKE = ("from", "to", "kind")
"""The columns beside the axes that tell unlike handovers and flows apart."""
STATISTICS = (*summarise([]), "not_recovered")
"""The columns that are numbers of a metric; the others say of what."""
MEASURED = tuple(name for name in METRICS if not name.startswith("predicted_"))


def summary(axes: list[str], frame: DataFrame) -> DataFrame:
    """The statistics of every metric of what counts, as `emu.measure.statistics` has them.

    ``not_recovered`` is how many flows did not come back after a handover, of metrics that this
    leaves only a lower bound of; they are not among the ``n``.
    """
    import pandas as pd

    columns = [*axes, *ALIKE, "metric", *STATISTICS]
    return pd.DataFrame(_rows(axes, counted(frame)), columns=columns).astype(
        {"not_recovered": "Int64"}
    )


def over_runs(frame: DataFrame, metric: str) -> Summary:
    """The statistics of one column, of rows of which each seed's are a run's."""
    known = frame[["seed", metric]].dropna()
    runs = [list(part.astype(float)) for _, part in known.groupby("seed")[metric]]
    return summarise(runs, most(metric))


def of_handovers(frame: DataFrame, axes: list[str]) -> DataFrame:
    """One row a handover; the table has one for each of its flows."""
    return frame[frame["handover"].notna()].drop_duplicates([*axes, "seed", "handover"])


def _rows(axes: list[str], frame: DataFrame) -> Iterator[dict[str, Any]]:
    handovers = of_handovers(frame, axes).assign(kind=None)
    of_packages = [name for name in frame if name.startswith(PREFIX)]
    of_group = [name for name in OF_GROUP if name in frame]
    for rows, metrics in (
        (handovers, [name for name in MEASURED if name in OF_HANDOVER] + of_packages),
        (frame, [name for name in MEASURED if name not in OF_HANDOVER] + of_group),
    ):
        keys = [*axes, *ALIKE]
        for values, part in rows.groupby(keys, sort=False, dropna=False):
            for metric in metrics:
                found = over_runs(part, metric)
                if metric in BOUNDS:
                    found["not_recovered"] = int(not_recovered(part).sum())
                if found["n"] or found.get("not_recovered"):
                    yield {**dict(zip(keys, values, strict=True)), "metric": metric, **found}
