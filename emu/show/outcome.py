"""What a run found, on the terminal: handovers, streams, signalling, and where the report is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from emu.measure import disruption
from emu.measure.fidelity import undisturbed
from emu.measure.statistics import summarise
from emu.show.numbers import HINT, UNKNOWN, count, estimate, mean, milliseconds, plain
from emu.show.tables import new_table

PARTS = ("l2", "authentication", "detection", "binding", "address", "total")
"""The parts of a handover's latency, in the order in which they pass."""

_NAMED = 4
"""How many things of one kind are named."""

Run = dict[str, Any]


def show_outcome(console: Console, record: dict[str, Any], directory: Path) -> None:
    """Prints the tables of a record, whatever of it there is, and the path of its report."""
    runs = record.get("runs", [])
    standby = record.get("scenario", {}).get("mobility", {}).get("standby", False)
    for table in (_handovers(runs, standby=standby), _flows(runs), _signalling(runs)):
        if table.row_count:
            console.print(table)
            console.print()
    for line in (*_resolution(runs), *_not_recovered(runs), *torn(runs)):
        console.print(line, markup=False, soft_wrap=True)
    if len(runs) == 1 and runs[0]["handovers"]:
        console.print(HINT, style="dim", soft_wrap=True)
    for run in runs:
        if run.get("leftovers"):
            console.print(leftovers(run["leftovers"]), markup=False, soft_wrap=True)
    for line in _refusals(runs):
        console.print(line, style="bold yellow", markup=False, soft_wrap=True)
    moves = [handover for run in runs for handover in run["handovers"]]
    disturbed = sum(move["disturbed"] for move in moves)
    if disturbed:
        console.print(
            f"not counted: {disturbed} of {len(moves)} handovers, in which the machine stood still"
        )
    fidelity = record.get("fidelity", {})
    if not fidelity.get("ok", True):
        console.print("not a result: the machine could not keep up:", style="bold yellow")
        console.print(fidelity.get("reason"), markup=False, soft_wrap=True)
    report = directory / "report.html"
    console.print(f"report: {report if report.exists() else directory}", soft_wrap=True)


def torn(runs: Sequence[Run]) -> Iterator[str]:
    """A line for each run of whose event log a part is lost."""
    for run in runs:
        if run.get("torn_events"):
            number = run["torn_events"]
            yield f"run {run['run']}: {number} lines of the event log are torn: the rest counts"


def leftovers(found: dict[str, Any]) -> str:
    """What the mobile nodes left behind, a line each."""
    lines = [
        f"{node}: {words} {entry}"
        for node, changes in found["kernel"].items()
        for words, entries in (("left over", "left_over"), ("missing", "missing"))
        for entry in changes[entries]
    ]
    lines += [f"{node}: a binding of {mn}" for node, mns in found["bindings"].items() for mn in mns]
    after = f"after {found['waited_s']:.1f} s"
    return "\n".join([f"left over {after}: {'' if lines else 'nothing'}".rstrip(), *lines])


def _handovers(runs: Sequence[Run], *, standby: bool) -> Table:
    title = "Handovers (ms)" if len(runs) < 2 else f"Handovers (ms, means of {len(runs)} runs)"
    words = ("at", "mobile node", "from → to", *(["answered by"] if standby else []))
    ordered = [run["handovers"] for run in runs]
    asked = any(h["latency_ms"]["authentication"] for handovers in ordered for h in handovers)
    shown = [part for part in PARTS if asked or part != "authentication"]
    table = new_table(words, shown, title)
    # A run that was interrupted has fewer; the n-th handover of every run is the same event.
    for index in range(max(map(len, ordered), default=0)):
        same = [handovers[index] for handovers in ordered if index < len(handovers)]
        first = same[0]
        parts = (mean(handover["latency_ms"][part] for handover in same) for part in shown)
        table.add_row(
            f"{first['at_s']:.3f} s",
            first["mn"],
            f"{first['from']} → {first['to']}",
            *([_names(handover["answered_by"] for handover in same)] if standby else []),
            *(milliseconds(part) for part in parts),
        )
    return table


def _flows(runs: Sequence[Run]) -> Table:
    """One row a stream: its interruption in a handover, and its packets in a run."""
    numbers = ["handovers", "disruption (ms)", "median", "lost", "duplicated"]
    loads = any(flow["kind"] == "iperf3" for run in runs for flow in run["flows"])
    if loads:
        numbers.append("goodput (Mbit/s)")
    spread = " (disruption: mean, with its 95 % confidence over the runs)" if len(runs) > 1 else ""
    table = new_table(("stream", "kind"), numbers, f"Streams{spread}")
    for name, kind in _distinct(
        (flow["flow"], flow["kind"]) for run in runs for flow in run["flows"]
    ):
        hit = [list(_hit(run, name)) for run in runs]
        gaps = [[disruption.known(flow, "disruption_ms") for flow in flows] for flows in hit]
        summary = summarise([[gap for gap in some if gap is not None] for some in gaps])
        whole = [flow for run in runs for flow in run["flows"] if flow["flow"] == name]
        table.add_row(
            name,
            kind,
            str(sum(map(len, hit))),
            estimate(summary),
            milliseconds(summary["median"]),
            count(flow["lost"] for flow in whole),
            count(flow["duplicated"] for flow in whole),
            *([_goodput(whole)] if loads else []),
        )
    return table


def _goodput(flows: Iterable[dict[str, Any]]) -> str:
    """What came of a load, in the mean of the runs."""
    average = mean(flow.get("goodput_mbit_s") for flow in flows)
    return UNKNOWN if average is None else plain(average)


def _hit(run: Run, name: str) -> Iterator[dict[str, Any]]:
    """A stream's entries under the undisturbed handovers of a run."""
    for handover in undisturbed(run["handovers"]):
        for flow in handover["flows"]:
            if flow["flow"] == name:
                yield flow


def _resolution(runs: Sequence[Run]) -> Iterator[str]:
    """How finely disruptions are known, if there are any."""
    streams: defaultdict[float, list[str]] = defaultdict(list)
    flows = [flow for run in runs for flow in run["flows"]]
    for name, interval in _distinct((flow["flow"], flow.get("interval_ms")) for flow in flows):
        if interval is not None and any(_hit(run, name) for run in runs):
            streams[interval].append(name)
    if streams:
        known = (f"{ms:.1f} ms ({', '.join(names)})" for ms, names in streams.items())
        only = f"{next(iter(streams)):.1f} ms"
        what = only if len(streams) == 1 else ", ".join(known)
        yield f"a disruption is known to one packet interval: {what}"


def _not_recovered(runs: Sequence[Run]) -> Iterator[str]:
    """A line for each stream that did not come back after a handover: that is in no mean."""
    for name in _distinct(flow["flow"] for run in runs for flow in run["flows"]):
        hit = [flow for run in runs for flow in _hit(run, name)]
        gone = sum(not flow["recovered"] for flow in hit)
        if gone:
            yield f"not counted: {gone} of {len(hit)} handovers of {name}, which did not come back"


def _refusals(runs: Sequence[Run]) -> Iterator[str]:
    """A line for each node, and for each that it did not grant something, and why not."""
    found = [refusal for run in runs for refusal in run.get("refusals", ())]
    for node, whom, why in _distinct((r["node"], r["whom"], r["why"]) for r in found):
        same = [r for r in found if (r["node"], r["whom"], r["why"]) == (node, whom, why)]
        what = _distinct(
            f"{r['sources']} sources of {r['what']}" if r["sources"] else r["what"] for r in same
        )
        more = f", … ({len(what)} in all)" if len(what) > _NAMED else ""
        yield f"refused by {node} to {whom}: {', '.join(what[:_NAMED])}{more}: {why}"


def _signalling(runs: Sequence[Run]) -> Table:
    table = new_table(("message",), ("messages", "bytes"), "Signalling in a run")
    for kind in _distinct(kind for run in runs for kind in run["signalling"]):
        sent = [run["signalling"].get(kind, {"messages": 0, "bytes": 0}) for run in runs]
        messages = count(one["messages"] for one in sent)
        table.add_row(kind, messages, count(one["bytes"] for one in sent))
    return table


def _names(names: Iterable[str | None]) -> str:
    return ", ".join(name or UNKNOWN for name in _distinct(names))


def _distinct(items: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(items))
