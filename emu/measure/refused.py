"""What nodes did not act upon, or did not grant.

What was not allowed, true or readable is counted in their last words; what was asked for and is
over a bound, or may not be asked for, they say as it comes (``refused``).
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from emu.measure.run import Run

_PARTS = ("signalling", "counters", "optimiser", "multicast", "contexts", "guard")
"""Of a ``state`` event: what was stopped before the mobility core, by it, by a mobile node's route
optimisation, by the MLD proxy, by the context transfer, and by the source guard (of which node)."""


def counts(run: Run) -> dict[str, dict[str, int]]:
    """{node: {part.reason: packets}}, of those nodes and reasons that there were."""
    found: dict[str, dict[str, int]] = {}
    for node, number in Counter(event["node"] for event in run.of_kind("refused")).items():
        found[node] = {"refusals": number}
    for event in run.of_kind("state", "stopped"):
        numbers = {reason: event.get(reason, 0) for reason in ("malformed", "unexpected")}
        for part in _PARTS:
            for reason, number in (event.get(part) or {}).items():
                numbers[f"{part}.{reason}"] = number
        home_agent = (event.get("home_agent") or {}).get("counters", {})
        for reason in home_agent.keys() - {"ignored"}:  # the MAR's own messages, which it hears too
            numbers[f"home_agent.{reason}"] = home_agent[reason]
        positive = {reason: number for reason, number in numbers.items() if number}
        if positive:
            found.setdefault(event["node"], {}).update(positive)
    return found


def refusals(run: Run) -> list[dict[str, Any]]:
    """{node, whom, what, why, sources, times}: what was not granted to whom, in order of time.

    ``sources``: the most of a group that were refused at once; 0: it was the whole group.
    """
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for event in run.of_kind("refused"):
        whom = run.node_of(event["whom"])
        about = {"node": event["node"], "whom": whom, "what": event["what"], "why": event["why"]}
        entry = found.setdefault(tuple(about.values()), {**about, "sources": 0, "times": 0})
        entry["sources"] = max(entry["sources"], event["sources"])
        entry["times"] += 1
    return list(found.values())
