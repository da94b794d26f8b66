"""When something starts and stops, within a scenario's time."""

from __future__ import annotations

from collections.abc import Iterator

from emu.scenario.errors import Path, Problem
from emu.scenario.units import DURATION


def wrong_period(start: int, stop: int | None, duration: int, path: Path) -> Iterator[Problem]:
    """The problem of a time from start to stop (None: the end) that does not fit the scenario's."""
    end = f"the end at {DURATION.show(duration)}"
    if start >= duration:
        text = f"{DURATION.show(start)} is not before {end}; start it earlier"
        yield Problem((*path, "start"), text)
    elif stop is not None and stop <= start:
        text = (
            f"{DURATION.show(stop)} is not after the start at {DURATION.show(start)}; stop it later"
        )
        yield Problem((*path, "stop"), text)
    elif stop is not None and stop > duration:
        text = f"{DURATION.show(stop)} is after {end}; stop it earlier, or leave stop out"
        yield Problem((*path, "stop"), text)
