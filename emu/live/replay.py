"""A finished record on the page."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from emu import records
from emu.live.feed import Feed
from emu.live.telling import Teller, describe
from emu.live.throughput import Sample, samples, width_ns
from emu.measure.run import Run, runs_of
from emu.measure.stream import Stream
from emu.records import RecordError, State


class Replay:
    """The runs of a record, each read when a viewer first asks for it."""

    live = False

    def __init__(self, directory: Path) -> None:
        """RecordError if there is nothing to show."""
        if records.state(directory) is State.RUNNING:
            raise RecordError(f"{directory}: is still running")
        record = records.read(directory)
        self.name = str(record["scenario"]["name"])
        self._calls = {run["run"]: _calls(run) for run in record["runs"]}
        if not any(directory.glob("runs/*/meta.json")):
            raise RecordError(f"{directory}: is without its runs, which are what can be replayed")
        self._runs = {run.number: run for run in runs_of(directory)}
        self._feeds: dict[int, asyncio.Task[Feed]] = {}

    def numbers(self) -> list[int]:
        """All runs of the record."""
        return list(self._runs)

    async def feed(self, number: int) -> Feed | None:
        """That of a run, which is read only once."""
        if number not in self._runs:
            return None
        if number not in self._feeds:
            self._feeds[number] = asyncio.create_task(
                _load(self._runs[number], self._calls.get(number, []))
            )
        return await asyncio.shield(self._feeds[number])


async def _load(run: Run, calls: list[dict[str, Any]]) -> Feed:
    feed = Feed()
    try:
        messages = await asyncio.to_thread(_read, run, calls)
    except (OSError, ValueError, KeyError, TypeError) as problem:
        feed.add("unreadable", f"run {run.number} cannot be read: {problem!r}")
    else:
        for kind, content in messages:
            feed.add(kind, content)
    feed.end()
    return feed


def _read(run: Run, calls: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    meta = run.meta
    width = width_ns(meta["scenario"]["duration"])
    description = {**describe(run.number, meta), "end_ns": run.end_ns, "bin_ns": width}
    return [
        ("run", description),
        ("events", Teller(meta["nodes"]).tell(run.events)),
        ("throughput", throughput(run, width)),
        ("calls", calls),
    ]


def _calls(results: dict[str, Any]) -> list[dict[str, Any]]:
    """The score of each direction of each call of a run, over time: of a record, captures tell."""
    return [
        {
            "service": service["service"],
            "from": direction["from"],
            "to": direction["to"],
            "over_time": [{key: one[key] for key in ("at_s", "mos")} for one in over_time],
        }
        for service in results.get("services", ())
        for direction in service.get("directions", ())
        if (over_time := direction["over_time"])
    ]


def throughput(run: Run, width: int) -> list[Sample]:
    """The samples of all flows of a finished run."""
    end = -(-(run.end_ns - run.meta["t0_ns"]) // width)
    streams = (Stream(run, flow) for flow in run.meta["flows"])
    return [sample for stream in streams for sample in samples(stream, width, 0, max(end, 1))]
