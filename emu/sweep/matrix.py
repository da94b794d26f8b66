"""The schema of a sweep: which values of a scenario vary, with how many seeds, and the plots."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Literal

from pydantic import Field

from emu.scenario.errors import Problem, quote, suggest
from emu.scenario.fields import EntryName, ScenarioName
from emu.scenario.section import Section
from emu.scenario.units import DURATION, UnitError
from emu.sweep.rows import OF_RUN, OF_WHAT

MOST_RUNS = 100_000


class Axis(Section):
    """What varies: one key over ``values``, or several keys together by named ``choices``."""

    key: str | None = None
    """A key of the scenario, such as ``topology.backhaul.delay`` (see `emu.sweep.keys`)."""
    values: tuple[Any, ...] | None = None
    choices: dict[EntryName, dict[str, Any]] | None = None

    def settings(self) -> list[tuple[str, dict[str, Any]]]:
        """Each point of the axis: its label, and the value of each key."""
        if self.choices is not None:
            return list(self.choices.items())
        return [(str(value), {str(self.key): value}) for value in self.values or ()]

    def column(self, name: str) -> tuple[str, dict[str, Any]]:
        """The axis in the table: its column's name, and the value that each label stands for."""
        labels = [label for label, _ in self.settings()]
        if self.choices is None:
            if all(label.isdecimal() for label in labels):
                return name, {label: int(label) for label in labels}
            if all(map(_is_duration, labels)):
                return f"{name}_ms", {label: DURATION.parse(label) / 1e6 for label in labels}
        return name, {label: label for label in labels}


class Plot(Section):
    """A figure of the table. Curves and panels are axes: one curve, one panel a value."""

    name: EntryName = Field(examples=["disruption"])
    kind: Literal["cdf", "median", "scatter"] = Field(examples=["cdf"])
    """eCDF of a metric; its median and quartiles over an axis; against another column."""
    metric: str = Field(examples=["disruption_ms"])
    over: str | None = None
    """The axis of a median; the other column of a scatter."""
    curves: str | None = None
    panels: str | None = None


class Matrix(Section):
    """One sweep."""

    name: ScenarioName = Field(examples=["multicast-comparison"])
    """Results go to a folder of this name."""
    scenario: str = Field(examples=["scenario.yaml"])
    """The scenario's file, seen from the folder of this one."""
    seeds: int = Field(default=1, ge=1, le=10_000)
    """Runs of each combination; they have the scenario's seed, and the next ones."""
    world: Literal["lab", "virtual"] = "lab"
    """Where the runs happen: as of ``emu run``, or of ``emu simulate``."""
    attempts: int = Field(default=3, ge=1, le=100)
    """How often a run is made until the machine could keep up with it."""
    axes: dict[EntryName, Axis] = Field(
        examples=["{gap: {key: events[handover].gap, values: [0]}}"]
    )
    plots: tuple[Plot, ...] | None = None
    """None: the default one."""

    @property
    def columns(self) -> dict[str, str]:
        """The column of each axis."""
        return {name: axis.column(name)[0] for name, axis in self.axes.items()}


def check(matrix: Matrix, metrics: list[str]) -> Iterator[Problem]:
    """What spans several keys; ``metrics`` are the table's other columns."""
    runs = matrix.seeds
    for name, axis in matrix.axes.items():
        yield from _check_axis(axis, ("axes", name), {*OF_RUN, *OF_WHAT, *metrics})
        runs *= max(1, len(axis.settings()))
    if runs > MOST_RUNS:
        yield Problem(("axes",), f"make {runs} runs; write at most {MOST_RUNS}")
    for index, plot in enumerate(matrix.plots or ()):
        yield from _check_plot(matrix, plot, ("plots", index), metrics)


def _check_axis(axis: Axis, path: tuple[str, ...], taken: Collection[str]) -> Iterator[Problem]:
    if path[-1] in taken:
        yield Problem(path, "is what a column of the table is called already; write another name")
    if (axis.choices is None) == (axis.key is None and axis.values is None):
        yield Problem(path, "does not say what varies; write {key: …, values: […]} or {choices: …}")
    elif axis.choices is None and (axis.key is None or axis.values is None):
        yield Problem(path, "has only half of what it needs; write {key: …, values: […]}")
    elif not axis.settings():
        yield Problem(path, "has no value; write at least one")
    labels = [label for label, _ in axis.settings()]
    if len(set(labels)) < len(labels):
        yield Problem(path, "has a value twice; leave one out")


def _check_plot(
    matrix: Matrix, plot: Plot, path: tuple[str | int, ...], metrics: list[str]
) -> Iterator[Problem]:
    if plot.metric not in metrics:
        text = f"no column {quote(plot.metric)}; {suggest(plot.metric, metrics)}"
        yield Problem((*path, "metric"), text)
    if (plot.over is None) != (plot.kind == "cdf"):
        remedy = "leave it out" if plot.over else "write an axis, or a scatter's other column"
        yield Problem((*path, "over"), f"does not fit a {plot.kind}; {remedy}")
    other = [*matrix.axes, *metrics] if plot.kind == "scatter" else [*matrix.axes]
    for field, known in (("over", other), ("curves", [*matrix.axes]), ("panels", [*matrix.axes])):
        name = getattr(plot, field)
        if name is not None and name not in known:
            yield Problem((*path, field), f"no axis {quote(name)}; {suggest(name, known)}")


def _is_duration(text: str) -> bool:
    try:
        DURATION.parse(text)
    except UnitError:
        return False
    return True
