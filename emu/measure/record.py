"""Assembles ``record.json``, the results of an experiment, from the raw files of its runs."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from emu import files
from emu.measure import (
    disruption,
    fidelity,
    flows,
    handovers,
    i3,
    leftovers,
    membership,
    messages,
    metrics,
    overlay,
    passages,
    refused,
    services,
    signalling_cost,
    tunnels,
)
from emu.measure.carrying import Carrying, Flow
from emu.measure.handovers import Handover
from emu.measure.listening import Listening
from emu.measure.messages import Transfer
from emu.measure.places import Places
from emu.measure.run import Run, missing, runs_of
from emu.measure.statistics import Summary, most, summarise
from emu.measure.stream import Stream

SCHEMA = 1


class RecordError(Exception):
    """There is nothing to make a record of."""


def build(directory: Path) -> dict[str, Any]:
    """Write ``record.json`` and the merged ``events.jsonl`` of a record's directory; the record.

    The captures of run 1 move to ``captures/``. Building again gives the same again. Raises
    `metrics.WrongMetric` if the code of another package's metric fails.
    """
    runs = runs_of(directory)
    if not runs:
        raise RecordError(f"{directory}: no run got far enough to leave a result")
    _move_captures(directory)
    results = [_run(run) for run in runs]
    first, missing_runs = runs[0].meta, missing(directory)
    exact = {
        "schema": SCHEMA,
        "world": first.get("world", "lab"),
        "scenario": first["scenario"],
        "seed": first["seed"],
        "emu_version": first["emu_version"],
        "kernel": first["kernel"],
        "backends": first["backends"],
        "started_at": first.get("started_at"),
        "interrupted": bool(missing_runs) or any(run.meta.get("interrupted") for run in runs),
        "missing_runs": missing_runs,
        "fidelity": _fidelity(runs, results),
        "runs": results,
        "summary": summary(results),
    }
    record: dict[str, Any] = rounded(exact)
    _merge_events(directory, runs)
    text = json.dumps(record, indent=1, ensure_ascii=False)
    files.replace(directory / "record.json", text + "\n")
    return record


def _move_captures(directory: Path) -> None:
    source, target = directory / "runs" / "1" / "captures", directory / "captures"
    if source.is_dir() and not target.exists():
        source.rename(target)


def _merge_events(directory: Path, runs: list[Run]) -> None:
    with (directory / "events.jsonl").open("w", encoding="utf-8") as out:
        for run in runs:
            out.writelines(json.dumps({"run": run.number, **event}) + "\n" for event in run.events)


def _run(run: Run) -> dict[str, Any]:
    streams = [Stream(run, flow) for flow in run.meta["flows"]]
    transfers = messages.of_run(run)
    places = Places(run)
    carrying = Carrying(passages.of_run(run), Listening(places, streams), places)
    return {
        "run": run.number,
        "seed": run.meta["seed"],
        "handovers": [
            _handover(run, move, streams, transfers, carrying) for move in handovers.find(run)
        ],
        "flows": [
            flows.describe(stream) | carrying.of_flow(stream.flow, 0, math.inf)
            for stream in streams
        ],
        "signalling": signalling_cost.cost(transfers),
        "overlay": _overlay(run, streams),
        "membership": membership.final(run),
        "membership_history": membership.history(run),
        "tunnels": tunnels.lives(run, carrying),
        "services": services.of_run(run),
        "leftovers": leftovers.of_run(run),
        "refused": refused.counts(run),
        "processor_s": {
            event["node"]: event["processor_ns"] / 1e9
            for event in run.of_kind("stopped")
            if "processor_ns" in event
        },
        "conductor_mib": run.meta.get("conductor_mib"),
        "torn_events": run.torn_events,
        "refusals": refused.refusals(run),
    }


def _overlay(run: Run, streams: list[Stream]) -> dict[str, Any] | None:
    by_members = any(event["kind"] == "overlay_started" for event in run.events)
    return overlay.of_run(run, streams) if by_members else i3.of_run(run, streams)


def _handover(
    run: Run,
    handover: Handover,
    streams: list[Stream],
    transfers: list[Transfer],
    carrying: Carrying,
) -> dict[str, Any]:
    settled = min(handover.until_ns, handover.done_ns + disruption.SETTLING_NS)
    during = [t for t in transfers if handover.down_ns <= t.sent_ns <= settled]
    found = ((stream.flow, disruption.around(stream, handover)) for stream in streams)
    marks = [(flow, mark) for flow, mark in found if mark is not None]
    longest_ms = max((mark["disruption_ms"] or 0 for _, mark in marks), default=0)
    over = handover.done_ns + int(longest_ms * 1e6)
    return {
        "mn": handover.mn,
        "from": handover.origin,
        "to": handover.target,
        "at_s": run.seconds(handover.down_ns),
        "answered_by": handovers.answered_by(run, handover),
        "disturbed": fidelity.disturbed(run.stalls, handover.down_ns, over),
        "latency_ms": handover.latency_ms,
        "care_of_test_ms": handover.care_of_test_ms,
        "flows": [mark | _carried(run, handover, flow, carrying) for flow, mark in marks],
        "signalling": signalling_cost.cost(during),
        "metrics": metrics.of_handover(run, handover),
    }


def _carried(run: Run, handover: Handover, flow: Flow, carrying: Carrying) -> dict[str, Any]:
    """What it cost to carry a flow from this handover until the next."""
    others = (int(event["t"]) for event in run.of_kind("l2_down"))
    calm = min((time for time in others if time > handover.done_ns), default=run.end_ns)
    return {
        "wasted_bytes": carrying.wasted_bytes(handover, flow),
        "copies": carrying.copies(flow, handover.target, handover.done_ns, calm),
        **carrying.of_flow(flow, handover.down_ns, handover.until_ns),
    }


def _fidelity(runs: list[Run], results: list[dict[str, Any]]) -> dict[str, Any]:
    """The verdict over all runs.

    Ok when every one was, no capture lost a packet, and stalls left most handovers alone.
    """
    reasons = []
    for run, result in zip(runs, results, strict=True):
        verdict = run.meta["fidelity"]
        if not verdict["ok"]:
            reasons.append(f"run {run.number}: {verdict['reason']}")
        dropped = sum(capture.dropped for capture in run.captures)
        if dropped:
            reasons.append(f"run {run.number}: the captures lost {dropped} packets")
        moves = result["handovers"]
        disturbed = sum(move["disturbed"] for move in moves)
        if 2 * disturbed > len(moves):
            reasons.append(
                f"run {run.number}: stalls took more than {fidelity.STALLED_LIMIT:.0%} of "
                f"{disturbed} of {len(moves)} handovers"
            )
    verdicts = [{**run.meta["fidelity"], "stalls": run.stalls} for run in runs]
    return {"ok": not reasons, "reason": "; ".join(reasons) or None, "runs": verdicts}


def summary(results: list[dict[str, Any]]) -> dict[str, Summary]:
    """Statistics of every metric: of the undisturbed handovers of each run, signalling of a run."""
    found = {metric: summarise(runs, most(metric)) for metric, runs in values_of(results).items()}
    for name in (name for result in results for name in _not_recovered(result)):
        entry = found.setdefault(name, summarise([]))
        entry["not_recovered"] = int(entry.get("not_recovered") or 0) + 1
    return found


def values_of(results: list[dict[str, Any]]) -> dict[str, list[list[float]]]:
    """The values of every metric, run by run."""
    values: defaultdict[str, list[list[float]]] = defaultdict(lambda: [[] for _ in results])
    kinds = sorted({kind for result in results for kind in result["signalling"]})
    for run, result in enumerate(results):
        for metric, value in _measured(result, kinds):
            if value is not None:
                values[metric][run].append(value)
    if any(result["refusals"] for result in results):
        values["refused.requests"] = [[len(result["refusals"])] for result in results]
    return dict(values)


def _measured(result: dict[str, Any], kinds: list[str]) -> Iterator[tuple[str, float | None]]:
    """Every metric and value of a run; each of the ``kinds`` of messages has its number."""
    for handover in fidelity.undisturbed(result["handovers"]):
        for part, value in handover["latency_ms"].items():
            yield f"latency_ms.{part}", value
        for name, value in handover.get("metrics", {}).items():
            yield f"{metrics.PREFIX}{name}", value
        for flow in handover["flows"]:
            kind = flow["protocol"] or flow["kind"]
            for metric in disruption.PER_FLOW:
                yield f"{metric}.{kind}", disruption.known(flow, metric)
    yield from services.metrics(result.get("services", []))
    yield from _of_overlay(result.get("overlay"))
    for kind in kinds:
        for what in ("messages", "bytes"):
            yield f"signalling.{kind}.{what}", result["signalling"].get(kind, {}).get(what, 0)


def _of_overlay(entry: dict[str, Any] | None) -> Iterator[tuple[str, float | None]]:
    """What a group's tree is like."""
    if entry is not None:
        for what, value in (entry["tree"] | entry.get("group", {})).items():
            yield f"overlay.{what}", value
        for join in entry["joins"]:
            yield "overlay.join_ms", join["took_ms"]
        for repair in entry.get("repairs", ()):
            healed = repair["event"] == "heal"
            yield f"overlay.{'heal' if healed else 'repair'}_ms", repair["repair_ms"]


def _not_recovered(result: dict[str, Any]) -> Iterator[str]:
    """Each metric that a handover of a run has only a lower bound of, once for every flow."""
    for handover in fidelity.undisturbed(result["handovers"]):
        for flow in handover["flows"]:
            for metric in disruption.BOUNDS:
                if not flow["recovered"] and flow[metric] is not None:
                    yield f"{metric}.{flow['protocol'] or flow['kind']}"


def rounded(value: Any) -> Any:
    """Six decimals everywhere: nanoseconds in ms, and no noise of binary fractions."""
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return value
