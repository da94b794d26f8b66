"""A run that goes on: what is new in its files, as the page wants it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from emu.events import Event, EventTail
from emu.live import calls
from emu.live.replay import throughput
from emu.live.telling import Teller, describe
from emu.live.throughput import Sample, samples, width_ns
from emu.measure.run import Rows, Run
from emu.measure.stream import Stream
from emu.traffic import arrivals

SETTLED_NS = 1_000_000_000
"""Processes write down what they received within half a second: a bin so old is told."""
CORRECTED_NS = 5_000_000_000
"""Until it is so old it is told again if it has changed, as by a packet that came late."""
_READ_NS = 2 * CORRECTED_NS
"""What is older than this is read no more."""
_ROW_BYTES = 8 * arrivals.COLUMNS
Message = tuple[str, Any]
"""Its kind and content, for a feed."""


class _Tail:
    """The newest rows of an arrival file that is still written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place = 0
        self.rows: Rows = np.zeros((0, arrivals.COLUMNS), np.int64)

    def poll(self, since_ns: int) -> None:
        """Read what is new, and forget what is older than a time."""
        try:
            with self._path.open("rb") as file:
                file.seek(self._place)
                data = file.read()
        except FileNotFoundError:
            return
        whole = data[: len(data) - len(data) % _ROW_BYTES]
        self._place += len(whole)
        new = np.frombuffer(whole, dtype="<i8").reshape(-1, arrivals.COLUMNS)
        recent = self.rows[self.rows[:, 2] >= since_ns]
        self.rows = np.concatenate([recent, new[new[:, 2] >= since_ns]])


@dataclass(frozen=True)
class _RunSoFar(Run):
    """The last seconds of a run that goes on, for whom knows how to read finished ones."""

    plan: dict[str, Any]
    log: list[Event]
    now_ns: int
    tails: dict[str, _Tail]

    @cached_property
    def meta(self) -> dict[str, Any]:
        return self.plan

    @cached_property
    def events(self) -> list[Event]:
        return self.log

    @cached_property
    def end_ns(self) -> int:
        return self.now_ns

    def rows(self, path: str | None) -> Rows:
        return np.zeros((0, arrivals.COLUMNS), np.int64) if path is None else self.tails[path].rows


class Watched:
    """One run; ``plan`` is what its conductor told of it when it began."""

    def __init__(self, number: int, directory: Path, plan: dict[str, Any]) -> None:
        self.number = number
        self._directory = directory
        self._plan = plan
        self._width = width_ns(plan["scenario"]["duration"])
        self._teller = Teller(plan["nodes"])
        self._new: list[Event] = []
        self._listening: list[Event] = []
        self._events = EventTail(directory / "events.jsonl", self._new.append)
        self._events.keep_only(())
        files = {flow[what] for flow in plan["flows"] for what in ("arrivals", "sent")} - {None}
        self._tails = {file: _Tail(directory / file) for file in files}
        self._calls = calls.calls_of(directory, plan)
        self._told: dict[tuple[str, int], Sample] = {}

    def beginning(self) -> Message:
        """What the page must know first."""
        return "run", {**describe(self.number, self._plan), "bin_ns": self._width}

    def poll(self, now: int) -> list[Message]:
        """What is new at a time (CLOCK_MONOTONIC, ns)."""
        messages: list[Message] = [("events", events)] if (events := self._read()) else []
        messages += self._scores(now)
        for tail in self._tails.values():
            tail.poll(now - _READ_NS)
        changed = [one for one in self._recent(now) if self._told.get(_key(one)) != one]
        self._told |= {_key(one): one for one in changed}
        return [*messages, ("throughput", changed)] if changed else messages

    def ending(self) -> list[Message]:
        """What is new at the end, and all throughput as a replay has it."""
        messages: list[Message] = [("events", events)] if (events := self._read()) else []
        run = Run(self._directory, self.number)
        if run.left_a_result:
            messages += self._scores(run.end_ns + calls.SETTLED_NS)
            messages.append(("throughput", throughput(run, self._width)))
        return [*messages, ("end", {})]

    def _scores(self, now: int) -> list[Message]:
        scores = [score for call in self._calls for score in call.poll(now)]
        return [("scores", scores)] if scores else []

    def _read(self) -> list[Event]:
        self._events.poll()
        self._listening += [event for event in self._new if event["kind"] in ("joined", "left")]
        told = self._teller.tell(self._new)
        self._new.clear()
        return told

    def _recent(self, now: int) -> list[Sample]:
        """The samples of the bins that can still change."""
        origin = self._plan["t0_ns"]
        end = (now - SETTLED_NS - origin) // self._width
        first = max(0, (now - CORRECTED_NS - origin) // self._width)
        if first >= end:
            return []
        run = _RunSoFar(
            self._directory, self.number, self._plan, self._listening, now, self._tails
        )  # fmt: skip
        streams = (Stream(run, flow) for flow in self._plan["flows"])
        return [sample for stream in streams for sample in samples(stream, self._width, first, end)]


def _key(sample: Sample) -> tuple[str, int]:
    return sample["flow"], sample["bin"]
