"""What nodes dropped because it was not allowed, true or readable, from their last words."""

from __future__ import annotations

from emu.measure.run import Run

_PARTS = ("signalling", "counters", "multicast", "contexts")
"""Of a ``state`` event: what was stopped before the mobility core, by it, by the MLD proxy, and by
the context transfer."""


def counts(run: Run) -> dict[str, dict[str, int]]:
    """{node: {part.reason: packets}}, of those nodes and reasons that there were."""
    found: dict[str, dict[str, int]] = {}
    for event in run.of_kind("state", "stopped"):
        numbers = {"malformed": event.get("malformed", 0)}
        for part in _PARTS:
            for reason, number in (event.get(part) or {}).items():
                numbers[f"{part}.{reason}"] = number
        positive = {reason: number for reason, number in numbers.items() if number}
        if positive:
            found.setdefault(event["node"], {}).update(positive)
    return found
