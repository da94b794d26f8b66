"""What there is in a folder of results: records of runs, and sweeps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from statistics import median
from typing import Any

from emu import records
from emu.measure.disruption import known
from emu.measure.fidelity import undisturbed
from emu.records import RecordError, State
from emu.sweep.store import Store


def listing(results: Path) -> list[dict[str, Any]]:
    """Every record and every sweep, oldest first; of one that cannot be read, its place."""
    found = [*map(_record, records.directories(results)), *map(_sweep, _sweeps(results))]
    return sorted(found, key=lambda one: (one["time"], one["path"]))


def _record(directory: Path) -> dict[str, Any]:
    state = records.state(directory)
    stamp, _, seed = directory.name.rpartition("-")
    time = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    entry: dict[str, Any] = {
        "path": str(directory),
        "kind": "record",
        "name": directory.parent.name,
        "time": time.isoformat(),
        "seed": int(seed.partition(".")[0]),
        "state": state.value,
        "runs": None,
        "missing_runs": 0,
        "faithful": None,
        "interrupted": False,
        "disruption_ms": None,
    }
    if state is not State.DONE:
        return entry
    try:
        record = records.read(directory)
        gaps = _disruptions(record["runs"])
        return entry | {
            "runs": len(record["runs"]),
            "missing_runs": len(record.get("missing_runs", [])),
            "faithful": bool(record["fidelity"]["ok"]),
            "interrupted": bool(record.get("interrupted")),
            "disruption_ms": gaps and {"n": len(gaps), "median": median(gaps), "max": max(gaps)},
        }
    except (RecordError, KeyError, TypeError, AttributeError):
        return entry | {"state": "unreadable record"}


def _disruptions(runs: list[dict[str, Any]]) -> list[float] | None:
    """Of every stream in every handover of every run, in ms, if it came back; None if none did."""
    gaps = (
        known(flow, "disruption_ms")
        for run in runs
        for handover in undisturbed(run["handovers"])
        for flow in handover["flows"]
    )
    return [gap for gap in gaps if gap is not None] or None


def _sweeps(results: Path) -> Iterator[Path]:
    return (path.parent for path in results.glob("*/cells"))


def _sweep(directory: Path) -> dict[str, Any]:
    """``time`` is when the last of its runs was settled, or the sweep begun."""
    store = Store(directory)
    runs = faithful = failed = 0
    newest = store.cells.stat().st_mtime
    for path in store.cells.glob("*/cell.json"):
        try:
            cell = json.loads(path.read_text(encoding="utf-8"))
            newest = max(newest, path.stat().st_mtime)
        except (OSError, ValueError):
            continue
        runs += 1
        faithful += bool(cell.get("faithful"))
        failed += bool(cell.get("failed"))
    return {
        "path": str(directory),
        "kind": "sweep",
        "name": directory.name,
        "time": datetime.fromtimestamp(int(newest), timezone.utc).isoformat(),
        "state": "running" if store.is_locked() else "stopped",
        "runs": runs,
        "missing_runs": 0,
        "faithful": None,
        "unfaithful": runs - faithful - failed,
        "failed": failed,
        "disruption_ms": None,
    }
