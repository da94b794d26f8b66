"""Metrics of other packages: of each handover one number, beside those that `emu.measure` has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from emu.extensions import Registry

if TYPE_CHECKING:
    from emu.measure.handovers import Handover
    from emu.measure.run import Run

PREFIX = "metrics."
"""Before its name in summaries and in the tables of sweeps."""


@dataclass(frozen=True)
class Metric:
    """A number that is measured in each handover. Its name ends in its unit, as in ``wait_ms``."""

    of_handover: Callable[[Run, Handover], float | None]
    """Its value, from the run's raw files; None: it could not be measured."""


METRICS = Registry("metric", "emu.metrics", Metric, {})
"""All that there are; the toolkit's own are in the record by keys of their own."""


class WrongMetric(Exception):
    """The code of a metric has raised something; str() says which, and what."""


def of_handover(run: Run, handover: Handover) -> dict[str, float | None]:
    """Every metric of a handover by its name; `WrongMetric` for one that fails."""
    return {name: _value(name, one, run, handover) for name, one in METRICS.all().items()}


def columns() -> list[str]:
    """Their names in the tables of sweeps."""
    return [f"{PREFIX}{name}" for name in METRICS.names()]


def _value(name: str, metric: Metric, run: Run, handover: Handover) -> float | None:
    try:
        value = metric.of_handover(run, handover)
        return None if value is None else float(value)
    except Exception as error:  # somebody else's code may raise anything
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        raise WrongMetric(f"the metric {name} cannot be measured ({why}); mend it") from None
