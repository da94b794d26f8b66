"""A record as pandas tables, for a notebook or a script: ``emu.open_record(path).handovers``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emu import records
from emu.measure.metrics import PREFIX

if TYPE_CHECKING:
    from pandas import DataFrame

Row = dict[str, Any]


class Record:
    """The record of an experiment. Columns are named as in ``record.json`` (docs/record.md).

    Every row of every table has the ``run`` that it is of, and that run's ``seed``: runs are
    independent, what one run measured is not.
    """

    def __init__(self, path: Path, data: dict[str, Any]) -> None:
        self.path = path
        """Its folder."""
        self.data = data
        """All of ``record.json``."""

    def __repr__(self) -> str:
        return f"<record {self.path}, {len(self.data['runs'])} runs>"

    @property
    def faithful(self) -> bool:
        """Whether the machine could keep up; a record of one that could not is not a result."""
        return bool(self.data["fidelity"]["ok"])

    @cached_property
    def handovers(self) -> DataFrame:
        """A row a handover: ``mn``, ``from``, ``to``, ``at_s``, ``disturbed``, ``binding_ms``, …

        The parts of the latency are ``l2_ms``, ``authentication_ms``, ``detection_ms``,
        ``binding_ms``, ``address_ms`` and ``total_ms``. ``handover`` counts those of a run from 0.
        """
        return self._table(_handovers)

    @cached_property
    def disruptions(self) -> DataFrame:
        """A row for each flow that each handover touched: ``disruption_ms``, ``lost``, …

        Where ``recovered`` is false, ``disruption_ms`` and ``lost`` are lower bounds.
        """
        return self._table(_disruptions)

    @cached_property
    def flows(self) -> DataFrame:
        """A row for each flow of each run; delays are ``delay_median_ms`` and so on."""
        return self._table(_flows)

    @cached_property
    def signalling(self) -> DataFrame:
        """A row for each type of message of each run: ``messages``, ``bytes``, ``hops``."""
        return self._table(_signalling)

    @cached_property
    def tunnels(self) -> DataFrame:
        """A row for each life of a tunnel."""
        return self._table(lambda run: run.get("tunnels", ()))

    @cached_property
    def summary(self) -> DataFrame:
        """A row a metric, by its name: the mean over the runs with its interval, and the rest."""
        import pandas as pd

        return pd.DataFrame.from_dict(self.data["summary"], orient="index").rename_axis("metric")

    def _table(self, rows: Callable[[dict[str, Any]], Iterable[Row]]) -> DataFrame:
        import pandas as pd

        return pd.DataFrame(
            {"run": run.get("run", number), "seed": run.get("seed"), **row}
            for number, run in enumerate(self.data["runs"], 1)
            for row in rows(run)
        )


def open_record(path: str | Path) -> Record:
    """The record in a folder: ``results/NAME/TIME-SEED``, or ``results/NAME/latest``.

    Raises `emu.records.RecordError` if there is none, or it cannot be read.
    """
    directory = Path(path)
    return Record(directory, records.read(directory))


_OF_HANDOVER = ("mn", "from", "to", "at_s", "disturbed")


def _handovers(run: dict[str, Any]) -> Iterator[Row]:
    for number, one in enumerate(run.get("handovers", ())):
        measured = {f"{part}_ms": value for part, value in one["latency_ms"].items()}
        measured |= {f"{PREFIX}{name}": value for name, value in one.get("metrics", {}).items()}
        yield {"handover": number, **{key: one[key] for key in _OF_HANDOVER}, **measured}


def _disruptions(run: dict[str, Any]) -> Iterator[Row]:
    for number, one in enumerate(run.get("handovers", ())):
        for flow in one["flows"]:
            yield {"handover": number, **{key: one[key] for key in _OF_HANDOVER}, **flow}


def _flows(run: dict[str, Any]) -> Iterator[Row]:
    for flow in run.get("flows", ()):
        delays = {f"delay_{name}_ms": value for name, value in (flow["delay_ms"] or {}).items()}
        yield {**{key: value for key, value in flow.items() if key != "delay_ms"}, **delays}


def _signalling(run: dict[str, Any]) -> Iterator[Row]:
    return ({"type": kind, **counts} for kind, counts in run.get("signalling", {}).items())
