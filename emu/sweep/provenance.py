"""What the results of a sweep are of: when, on what, and how many of its runs were faithful."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from emu import records
from emu.sweep.loader import Plan
from emu.sweep.store import Store

if TYPE_CHECKING:
    from pandas import DataFrame


def provenance(planned: Plan, results: Path, table: DataFrame) -> dict[str, Any]:
    """Of the runs that the results are made of: only faithful ones are.

    ``runs`` says how many there should be and are; ``attempts`` how often they were tried;
    ``disturbed_handovers`` how many handovers of faithful runs are left out.
    """
    kept = Store(results).results(planned.jobs)
    done = [result for result in kept.values() if result.faithful]
    found = [records.read(Path(result.directory)) for result in done]
    samples = [run for record in found for run in record["fidelity"]["runs"]]
    started = sorted(str(record["started_at"]) for record in found)
    disturbed = table[table["disturbed"].astype("boolean").fillna(False)]
    axes = [*planned.matrix.columns.values()]
    return {
        "emu_version": _distinct(record["emu_version"] for record in found),
        "kernel": _distinct(record["kernel"] for record in found),
        "backends": _distinct(record["backends"] for record in found),
        "began": started[0] if started else None,
        "last_run_began": started[-1] if started else None,
        "runs": {
            "planned": len(planned.jobs),
            "faithful": len(done),
            "not_faithful": len(kept) - len(done),
        },
        "attempts": sum(result.attempts for result in kept.values()),
        "disturbed_handovers": len(disturbed.drop_duplicates([*axes, "seed", "handover"])),
        "not_faithful_excluded": True,
        "worst": {
            "timer_lag_p99_ms": max((run["timer_lag_ms"]["p99"] for run in samples), default=None),
            "cpu_mean": max((run["cpu"]["mean"] for run in samples), default=None),
        },
    }


def _distinct(values: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found
