"""How a video was played, from the player's events and the servers' logs."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from emu.events import Event
from emu.measure.run import Run
from emu.services import downloads
from emu.services.content import segment_of

METRICS = (
    "startup_ms",
    "stalls",
    "stalled_ms",
    "reloads",
    "buffer_min_s",
    "buffer_mean_s",
    "played_s",
    "mean_bitrate",
    "switches",
    "core_bytes_per_played_s",
    "tunnel_bytes",
    "segment_ms",
    "segment_links",
)
"""What goes into the statistics over runs."""


def describe(run: Run, service: str) -> dict[str, Any]:
    """The start-up delay, the stalls, the buffer, and what was played.

    ``stalls`` and the buffer count from the first picture on. A stall that the run's end cut short
    lasts until then.
    """
    events = [event for event in run.events if event.get("service") == service]
    started = _first(events, "player_started")
    playing = _first(events, "playing")
    ended = _first(events, "player_ended")
    end_ns = int(ended["t"]) if ended else run.end_ns
    stalls = _stalls(events, end_ns)
    levels = [
        event["level_s"]
        for event in events
        if playing and event["t"] >= playing["t"] and event.get("level_s") is not None
    ]
    positions = [e["position_s"] for e in events if e.get("position_s") is not None]
    return {
        "startup_ms": (playing["t"] - started["t"]) / 1e6 if playing and started else None,
        "stalls": len(stalls) if playing else None,
        "stalled_ms": sum(end - start for start, end in stalls) / 1e6 if playing else None,
        "reloads": sum(event["kind"] == "reloaded" for event in events),
        "buffer_min_s": min(levels, default=None),
        "buffer_mean_s": _mean(levels),
        "stalled_at_s": [run.seconds(start) for start, _ in stalls],
        "played_s": max(positions) - min(positions) if positions else 0.0,
        "ended": ended["reason"] if ended else None,
    }


def loading(run: Run, node: str, bitrates: list[int], played_s: float) -> dict[str, Any]:
    """What a mobile node loaded, segment by segment, and what that cost.

    ``bitrates`` are those of the representations. Means are over segments.
    """
    seen = downloads.of_node(run, node)
    loaded = [downloads.describe(run, one) for one in downloads.exchanges(run, node, seen)]
    segments = [
        {**one, "number": place[1], "bitrate": bitrates[place[0]]}
        for one in loaded
        if (place := segment_of(one["uri"])) and one["status"] < 300
    ]
    chosen = [segment["bitrate"] for segment in segments]
    core = downloads.core_bytes(seen)
    return {
        "mean_bitrate": _mean(chosen),
        "switches": sum(one != other for one, other in pairwise(chosen)),
        "core_bytes": core,
        "core_bytes_per_played_s": core / played_s if played_s else None,
        "tunnel_bytes": sum(one["tunnel_bytes"] for one in loaded),
        "segment_ms": _mean([segment["ms"] for segment in segments]),
        "segment_links": _mean([one["links"] for one in segments if one["links"] is not None]),
        "segments": segments,
    }


def _mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _first(events: list[Event], kind: str) -> Event | None:
    return next((event for event in events if event["kind"] == kind), None)


def _stalls(events: list[Event], end_ns: int) -> list[tuple[int, int]]:
    """When the picture stood still for want of data: from, to."""
    stalls: list[tuple[int, int]] = []
    since: int | None = None
    for event in events:
        if event["kind"] == "stalled":
            since = int(event["t"])
        elif event["kind"] == "playing" and since is not None:
            stalls.append((since, int(event["t"])))
            since = None
    return [*stalls, (since, end_ns)] if since is not None else stalls
