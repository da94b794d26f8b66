"""What crashes and partitions did to streams, and how long it took until these went on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from emu.events import Event
from emu.measure.run import Run
from emu.measure.stream import RECEIVED, SEQUENCE, WITH_MEMBERS, Stream, like

_SILENT_INTERVALS = 10
Above = Callable[[Stream, int], list[str] | None]
"""Who passes on what a stream's receiver gets, at a time (ns); None: the trees do not tell."""


@dataclass
class _State:
    """Who is killed and who is cut off, event by event."""

    killed: set[str] = field(default_factory=set)
    cut_off: list[frozenset[str]] = field(default_factory=list)

    def apart(self, a: str, b: str) -> bool:
        """Whether they do not hear each other."""
        return any((a in hosts) != (b in hosts) for hosts in self.cut_off)

    def take(self, event: Event) -> None:
        if event["kind"] == "crashed":
            self.killed.add(event["node"])
        elif event["kind"] == "partitioned":
            self.cut_off.append(frozenset(event["hosts"]))
        else:
            self.cut_off.remove(frozenset(event["hosts"]))


def of_run(run: Run, streams: list[Stream], above: Above) -> Iterator[dict[str, Any]]:
    """Of each crash, partition and end of one: the streams that it concerned.

    A crash and a partition interrupt those whose receiver got its packets by a host that was
    killed, or is on the other side now; where no tree tells, those that were silent for ten packet
    intervals. At the end of a partition those go on whose two ends were
    apart. Whoever was killed before listens no more, and who is cut off from the source waits.
    """
    state = _State()
    nodes = run.meta["scenario"]["nodes"]
    events = [
        event
        for event in run.of_kind("crashed", "partitioned", "healed")
        if event["kind"] != "crashed" or event["node"] in nodes
    ]
    times = [*(event["t"] for event in events), run.end_ns]
    for event, until in zip(events, times[1:], strict=True):
        apart_before = [state.apart(*_ends(stream)) for stream in streams]
        state.take(event)
        for stream, was_apart in zip(streams, apart_before, strict=True):
            source, receiver = _ends(stream)
            if like(stream.flow) not in WITH_MEMBERS or receiver in state.killed:
                continue
            if state.apart(source, receiver):
                continue
            if event["kind"] == "healed":
                found = _resumption(run, stream, event["t"], until) if was_apart else None
            else:
                found = _interruption(run, stream, event["t"], until)
                known = above(stream, event["t"])
                if known is None:
                    concerned = _silent(stream, found["repair_ms"])
                else:
                    concerned = _concerned(state, event, receiver, known)
                found = found if concerned else None
            if found is not None:
                yield _entry(run, event, stream, found)


def unknown(stream: Stream, time: int) -> None:
    """No tree tells who passes on what a receiver gets."""


def _ends(stream: Stream) -> tuple[str, str]:
    return stream.flow["from"], stream.flow["to"]


def _concerned(state: _State, event: Event, receiver: str, above: list[str]) -> bool:
    if event["kind"] == "crashed":
        return event["node"] in above
    return any(state.apart(receiver, node) for node in above)


def _silent(stream: Stream, repair_ms: float | None) -> bool:
    """Whether it was longer silent than a stream may be by chance; None: it did not end."""
    least_ms = _SILENT_INTERVALS * stream.flow["interval_ns"] / 1e6
    return repair_ms is None or repair_ms >= least_ms


def _entry(run: Run, event: Event, stream: Stream, found: dict[str, Any]) -> dict[str, Any]:
    crash = event["kind"] == "crashed"
    return {
        "at_s": run.seconds(event["t"]),
        "event": {"crashed": "crash", "partitioned": "partition", "healed": "heal"}[event["kind"]],
        "node": event["node"] if crash else ", ".join(event["hosts"]),
        "flow": stream.flow["flow"],
        **found,
    }


def _interruption(run: Run, stream: Stream, begin: int, until: int) -> dict[str, Any]:
    """The longest gap from an event to the next one, less an interval; None: it did not end."""
    times = stream.progress[:, RECEIVED]
    first = int(np.searchsorted(times, begin))
    last = int(np.searchsorted(times, min(until, stream.flow["stop_ns"])))
    if not first or first == last:
        return {"repair_ms": None, "lost": None}
    around = times[first - 1 : last]
    at = int(np.argmax(np.diff(around)))
    gap = int(around[at + 1] - around[at])
    numbers = stream.progress[first - 1 + at : first + 1 + at, SEQUENCE]
    return _found(run, stream, gap, int(numbers[0]), int(numbers[1]))


def _resumption(run: Run, stream: Stream, begin: int, until: int) -> dict[str, Any]:
    """How long nothing came after the way was there again, less an interval."""
    progress = stream.progress
    first = int(np.searchsorted(progress[:, RECEIVED], begin))
    if first == len(progress) or progress[first, RECEIVED] > min(until, stream.flow["stop_ns"]):
        return {"repair_ms": None, "lost": None}
    sent = run.rows(stream.flow["sent"])
    before = int(np.max(sent[sent[:, 2] < begin, 0], initial=-1))
    gap = int(progress[first, RECEIVED]) - begin
    return _found(run, stream, gap, before, int(progress[first, SEQUENCE]))


def _found(run: Run, stream: Stream, gap: int, after: int, before: int) -> dict[str, Any]:
    """A gap (ns), and what of the packets between two numbers never came."""
    sent = run.rows(stream.flow["sent"])
    missing = sent[(sent[:, 0] > after) & (sent[:, 0] < before), 0]
    lost = int((~np.isin(missing, stream.arrivals[:, SEQUENCE])).sum())
    return {"repair_ms": max(0, gap - int(stream.flow["interval_ns"])) / 1e6, "lost": lost}
