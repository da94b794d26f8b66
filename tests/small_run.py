"""A run's directory with just what a test needs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emu.measure.run import Run
from emu.traffic.arrivals import ArrivalsWriter

Rows = Sequence[tuple[int, int, int]]
MS, SECOND = 1_000_000, 1_000_000_000
T0 = 100 * SECOND


def event(at_ms: float, node: str, kind: str, **fields: Any) -> dict[str, Any]:
    """An event so many ms after the scenario's start."""
    return {"t": T0 + round(at_ms * MS), "node": node, "kind": kind, **fields}


def flow(name: str = "C1→mn1", kind: str = "multicast", **fields: Any) -> dict[str, Any]:
    """A flow from src to mn1, 10 ms between packets, from 0 to 2 s."""
    return {
        "flow": name, "file": "f", "kind": kind, "protocol": None, "from": "src", "to": "mn1",
        "interval_ns": 10 * MS, "start_ns": T0, "stop_ns": T0 + 2 * SECOND,
        "arrivals": "arrivals.bin", "sent": "sent.bin", "sender_report": None,
        "receiver_report": None, **fields,
    }  # fmt: skip


def small_run(
    directory: Path,
    *,
    events: Sequence[dict[str, Any]] = (),
    flows: Sequence[dict[str, Any]] = (),
    arrivals: Rows = (),
    sent: Rows = (),
    **meta: Any,
) -> Run:
    """Write the files and open the run."""
    rest: dict[str, Any] = {"scenario": {}, "nodes": {}, "end_ns": T0 + 3 * SECOND, **meta}
    lines = "".join(json.dumps(entry) + "\n" for entry in events)
    (directory / "events.jsonl").write_text(lines, encoding="utf-8")
    (directory / "meta.json").write_text(
        json.dumps({"t0_ns": T0, "flows": list(flows), **rest}), encoding="utf-8"
    )
    for name, rows in (("arrivals", arrivals), ("sent", sent)):
        writer = ArrivalsWriter(directory / f"{name}.bin")
        for row in rows:
            writer.append(*row)
        writer.close()
    return Run(directory, 1)


def steady(
    count: int, delay_ms: int = 5, missing: Sequence[int] = ()
) -> tuple[list[tuple[int, int, int]], list[tuple[int, int, int]]]:
    """(sent, arrivals) of packets 10 ms apart from the start, some of which got lost."""
    sent = [(n, T0 + n * 10 * MS, T0 + n * 10 * MS) for n in range(count)]
    arrivals = [(n, at, at + delay_ms * MS) for n, _, at in sent if n not in missing]
    return sent, arrivals
