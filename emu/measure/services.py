"""What the services of a run did, as each kind of them tells it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emu.measure.run import Run
from emu.services.kinds import KINDS, of_record


def of_run(run: Run) -> list[dict[str, Any]]:
    """One entry a service, in the scenario's order: its name, its kind, and what it did."""
    services = run.meta["scenario"].get("services", {})
    return [
        {"service": one.name, "kind": one.service.kind, **one.result(run)}
        for one in of_record(services)
    ]


def metrics(results: list[dict[str, Any]]) -> Iterator[tuple[str, float | None]]:
    """What of them goes into the statistics over runs."""
    for result in results:
        yield from KINDS[result["kind"]].metrics(result)
