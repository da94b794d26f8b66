"""One run's raw files, as the conductor left them in ``<record>/runs/<i>/``.

meta.json       what was run, on what: see ``docs/record.md``
events.jsonl    one event a line: {"t": CLOCK_MONOTONIC ns, "node", "kind", …}
arrivals/, sent/, iperf/   of the flows that ``meta["flows"]`` lists
captures/       pcapng files; those of run 1 are in ``<record>/captures/`` once it was built
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emu import events
from emu.events import Event
from emu.measure import fidelity, pcapng
from emu.measure.fidelity import Period
from emu.measure.pcapng import Capture
from emu.network.delay_line import STALL_NS
from emu.traffic import arrivals

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Run:
    """One run: ``number`` counts from 1."""

    directory: Path
    number: int

    @property
    def left_a_result(self) -> bool:
        """Whether it got far enough for one, and was written down."""
        return (self.directory / "meta.json").exists()

    @cached_property
    def meta(self) -> dict[str, Any]:
        """What was run: scenario, nodes, flows, times."""
        meta: dict[str, Any] = json.loads(
            (self.directory / "meta.json").read_text(encoding="utf-8")
        )
        return meta

    @cached_property
    def events(self) -> list[Event]:
        """The events in order of time, of all lines that can be read."""
        events = [event for event, _ in self._lines if event is not None]
        return sorted(events, key=lambda event: int(event["t"]))

    @property
    def torn_events(self) -> int:
        """The lines of the event log that could not be read, or not from their beginning."""
        return sum(not whole for _, whole in self._lines)

    @cached_property
    def _lines(self) -> list[tuple[Event | None, bool]]:
        """Each line's event, and whether it was whole; without the line that a kill cut short."""
        *lines, last = (self.directory / "events.jsonl").read_bytes().split(b"\n")
        cut = events.parse(last)
        return [events.parse(line) for line in lines] + ([cut] if cut[0] else [])

    def of_kind(self, *kinds: str) -> list[Event]:
        """The events of some kinds."""
        return [event for event in self.events if event["kind"] in kinds]

    @cached_property
    def end_ns(self) -> int:
        """When the run ended: as the conductor said, else its last event."""
        last = self.events[-1]["t"] if self.events else self.meta["t0_ns"]
        return int(self.meta.get("end_ns") or last)

    @cached_property
    def captures(self) -> list[Capture]:
        """What was captured, a capture an interface."""
        paths = sorted((self.directory / "captures").glob("*.pcapng"))
        if not paths and self.number == 1:
            paths = sorted((self.directory.parent.parent / "captures").glob("*.pcapng"))
        return [pcapng.read(path) for path in paths]

    @cached_property
    def stalls(self) -> list[Period]:
        """The times in which it stood still: as was noticed meanwhile, or as sources were late.

        Packets that were not sent in an outage are not lost in it.
        """
        late = []
        for path in {flow["sent"] for flow in self.meta["flows"]}:
            sent = self.rows(path)
            slow = sent[sent[:, 2] - sent[:, 1] > STALL_NS]
            late += [(int(due), int(now)) for _, due, now in slow]
        noticed = [(start, end) for start, end in self.meta["fidelity"]["stalls"]]
        return fidelity.join([*noticed, *late])

    def seconds(self, time_ns: int) -> float:
        """A CLOCK_MONOTONIC time as seconds since the scenario's start."""
        return round((time_ns - int(self.meta["t0_ns"])) / 1e9, 6)

    def rows(self, path: str | None) -> Rows:
        """The rows of an arrival file; none when the flow never got so far as to open it."""
        if path is None or not (self.directory / path).exists():
            return np.zeros((0, arrivals.COLUMNS), np.int64)
        return arrivals.read(self.directory / path)

    @cached_property
    def _nodes_by_address(self) -> dict[str, str]:
        names = {}
        for name, node in self.meta["nodes"].items():
            for address in (node.get("address"), *node.get("addresses", ())):
                if address:
                    names[str(address).split("/")[0]] = name
        for event in self.of_kind("address"):
            names.setdefault(str(event["address"]).split("/")[0], event["node"])
        return names

    def node_of(self, address: str) -> str:
        """The node that owns an address; the address itself when none is known to."""
        return self._nodes_by_address.get(address, address)


def runs_of(record: Path) -> list[Run]:
    """The runs of a record that got far enough to leave a ``meta.json``, in order."""
    return [run for run in _asked(record) if run.left_a_result]


def missing(record: Path) -> list[int]:
    """The numbers of the runs of a record that were asked for, and left no result."""
    return [run.number for run in _asked(record) if not run.left_a_result]


def _asked(record: Path) -> list[Run]:
    """All that were to be: each has its folder from the start."""
    numbers = sorted(int(path.name) for path in (record / "runs").iterdir())
    return [Run(record / "runs" / str(number), number) for number in numbers]


def mobile_node(event: Event) -> str:
    """The mobile node an event is about; agents may know it by a name with a realm (RFC 4283)."""
    return str(event.get("mn", "")).split("@")[0]
