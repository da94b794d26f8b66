"""What web servers served, as they logged it."""

from __future__ import annotations

from typing import Any

from emu.events import Event
from emu.measure.run import Run

HITS = ("HIT", "STALE", "UPDATING", "REVALIDATED")
"""nginx's words for an answer whose body is the cache's own."""


def of_service(run: Run, service: str, node: str | None = None) -> list[Event]:
    """The requests that a service answered, on one node if it is named, in order of time."""
    return [
        event
        for event in run.of_kind("http_request")
        if event["service"] == service and node in (None, event["node"])
    ]


def served(run: Run, service: str, node: str | None = None) -> dict[str, Any]:
    """How many requests a service answered, with how many bytes, and how many of these it could."""
    requests = of_service(run, service, node)
    return {
        "requests": len(requests),
        "bytes": sum(request["bytes"] for request in requests),
        "failed": sum(request["status"] >= 400 or not request["complete"] for request in requests),
    }
