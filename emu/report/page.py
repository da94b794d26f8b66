"""Builds the page: collects what it shows, draws the figures, fills the template in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from emu import files
from emu.measure import disruption, handovers, messages, metrics
from emu.measure.handovers import Handover
from emu.measure.messages import Transfer
from emu.measure.record import summary as summary_of
from emu.measure.run import Run, runs_of
from emu.measure.stream import Stream
from emu.report import arrivals, calls, comparison, latency, overlay_tree, sequence, style, topology
from emu.show import outcome
from emu.show.numbers import number_of_runs

MOST_HANDOVERS = 6
"""So many handovers are drawn, of the first runs; the tables show all."""
_MOST_BARS = 24


@dataclass
class DrawnHandover:
    """A handover with its figures, ready for the page."""

    run: int
    number: int
    entry: dict[str, Any]
    bar: Markup
    chart: Markup
    plots: list[tuple[dict[str, Any], Markup]] = field(default_factory=list)


class Figures:
    """Writes each figure to ``figures/`` and gives it back to be put into the page."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory / "figures"
        self._directory.mkdir(exist_ok=True)

    def add(self, name: str, svg: str) -> Markup:
        """Keep a figure as ``figures/<name>.svg``."""
        (self._directory / f"{name}.svg").write_text(svg, encoding="utf-8")
        return style.inline(svg)


def build(directory: Path) -> Path:
    """Write ``report.html`` and ``figures/*.svg`` of a record that has its ``record.json``."""
    record = json.loads((directory / "record.json").read_text(encoding="utf-8"))
    runs = runs_of(directory)
    figures = Figures(directory)
    moves = [(run["run"], h) for run in record["runs"] for h in run["handovers"]]
    comparisons = comparison.compare(record)
    # Not the record's own: that of an earlier version took handovers for independent.
    summary = summary_of(record["runs"])
    page = (
        environment()
        .get_template("report.html")
        .render(
            record=record,
            scenario=record["scenario"],
            number_of_runs=number_of_runs(record),
            moves=moves,
            disturbed=sum(h["disturbed"] for _, h in moves),
            unfinished=[h for _, h in moves if h["latency_ms"]["total"] is None],
            unrecovered=[f for _, h in moves for f in h["flows"] if not f["recovered"]],
            headline=_headline(summary),
            latency_rows=_rows(summary, "latency_ms."),
            flow_rows=_flow_rows(summary),
            metric_rows=_rows(summary, metrics.PREFIX),
            signalling=_signalling(summary),
            topology=figures.add("topology", topology.draw(runs[0].meta, [h for _, h in moves])),
            latency=figures.add("latency", latency.bars(_bars(moves))) if moves else None,
            comparisons=comparisons,
            trees=[
                (run["run"], title, figures.add(name, overlay_tree.draw(members)))
                for run in record["runs"]
                for name, title, members in _trees(run)
            ],
            repairs=[
                (run["run"], repair)
                for run in record["runs"]
                for repair in (run.get("overlay") or {}).get("repairs", ())
            ],
            torn=list(outcome.torn(record["runs"])),
            leftovers=[
                (run["run"], outcome.leftovers(run["leftovers"]))
                for run in record["runs"]
                if run.get("leftovers")
            ],
            comparison=figures.add("comparison", comparison.draw(comparisons))
            if comparisons
            else None,
            drawn=_draw(runs, record, figures),
            calls=_calls(record, figures),
            most=MOST_HANDOVERS,
            source=_source(directory, record),
        )
    )
    path = directory / "report.html"
    files.replace(path, page)
    return path


def environment() -> Environment:
    """What fills the templates in."""
    made = Environment(
        loader=PackageLoader("emu.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"number": style.number, "count": style.count, "interval": style.interval}
    return made


def _trees(run: dict[str, Any]) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """(name of its file, title, members) of every tree of an overlay that somebody is in."""
    overlay = run.get("overlay") or {}
    if overlay.get("scheme") == "i3" and overlay["members"]:
        yield f"tree-{run['run']}", "", overlay["members"]
    for number, tree in enumerate(overlay.get("trees", ()), 1):
        if len(tree["members"]) > 1:
            title = f"{tree['group']} from {tree['root']}"
            yield f"tree-{run['run']}-{number}", title, tree["members"]


def _headline(summary: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(what, unit, statistics) of the numbers that a reader looks for first."""
    wanted = [("latency_ms.total", "Handover latency", "ms")]
    kinds = [name.split(".", 1)[1] for name in summary if name.startswith("disruption_ms.")]
    wanted += [(f"disruption_ms.{kind}", f"{_title(kind)} disruption", "ms") for kind in kinds]
    wanted += [("lost.multicast", "Multicast loss", "packets")]
    return [(title, unit, summary[name]) for name, title, unit in wanted if name in summary]


def _title(kind: str) -> str:
    return kind.upper() if kind in ("tcp", "udp") else kind.capitalize()


def _rows(summary: dict[str, Any], prefix: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        (name.removeprefix(prefix), statistics)
        for name, statistics in summary.items()
        if name.startswith(prefix)
    ]


def _flow_rows(summary: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    """(kind, metric, statistics) for the table of what handovers did to flows."""
    words = {
        "disruption_ms": "disruption (ms)",
        "lost": "packets lost",
        "duplicated": "packets duplicated",
        "reordered": "packets reordered",
        "delay_before_ms": "delay before (ms)",
        "delay_after_ms": "delay after (ms)",
        "leave_ms": "leave latency (ms)",
        "wasted_bytes": "bytes wasted after leaving",
        "copies": "copies that enter the new MAR",
        "tunnel_bytes": "bytes in tunnels",
        "tunnel_overhead_bytes": "of these, headers",
    }
    split = [(*name.split(".", 1), statistics) for name, statistics in summary.items()]
    rows = [(_title(kind), words[metric], s) for metric, kind, s in split if metric in words]
    order = list(dict.fromkeys(kind for kind, _, _ in rows))
    return sorted(rows, key=lambda row: order.index(row[0]))


def _signalling(summary: dict[str, Any]) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """(message type, statistics of messages a run, statistics of bytes a run)."""
    kinds = [name.split(".")[1] for name in summary if name.startswith("signalling.")]
    return [
        (kind, summary[f"signalling.{kind}.messages"], summary[f"signalling.{kind}.bytes"])
        for kind in dict.fromkeys(kinds)
    ]


def _bars(moves: list[tuple[int, dict[str, Any]]]) -> list[tuple[str, dict[str, Any]]]:
    several = len({run for run, _ in moves}) > 1
    return [
        ((f"run {run}: " if several else "") + f"{h['mn']} {h['from']}→{h['to']}", h["latency_ms"])
        for run, h in moves[:_MOST_BARS]
    ]


def _draw(runs: list[Run], record: dict[str, Any], figures: Figures) -> list[DrawnHandover]:
    drawn: list[DrawnHandover] = []
    for run, result in zip(runs, record["runs"], strict=True):
        if len(drawn) >= MOST_HANDOVERS:
            break
        transfers = messages.of_run(run)
        streams = {flow["flow"]: Stream(run, flow) for flow in run.meta["flows"]}
        found = zip(handovers.find(run), result["handovers"], strict=True)
        for number, (handover, entry) in enumerate(found, 1):
            if len(drawn) < MOST_HANDOVERS:
                drawn.append(_one(run, number, handover, entry, transfers, streams, figures))
    return drawn


def _one(
    run: Run,
    number: int,
    handover: Handover,
    entry: dict[str, Any],
    transfers: list[Transfer],
    streams: dict[str, Stream],
    figures: Figures,
) -> DrawnHandover:
    name = f"run{run.number}-handover{number}"
    bar = latency.bars([(f"{entry['mn']} {entry['from']}→{entry['to']}", entry["latency_ms"])])
    gaps = {
        mark["flow"]: disruption.gap(streams[mark["flow"]], handover) for mark in entry["flows"]
    }
    resumed = [
        sequence.Step(gap.end_ns, handover.mn, f"{flow} again")
        for flow, gap in gaps.items()
        if gap is not None and gap.end_ns is not None
    ]
    one = DrawnHandover(
        run=run.number,
        number=number,
        entry=entry,
        bar=figures.add(f"{name}-latency", bar),
        chart=figures.add(f"{name}-sequence", sequence.draw(run, handover, transfers, resumed)),
    )
    for mark in entry["flows"]:
        stream = streams[mark["flow"]]
        gap = gaps[mark["flow"]]
        if gap is not None:
            salt = f"{name}-{stream.flow['file']}"
            svg = arrivals.draw(stream, handover, gap, mark["disruption_ms"], salt)
            one.plots.append((mark, figures.add(salt, svg)))
    return one


def _calls(
    record: dict[str, Any], figures: Figures
) -> list[tuple[int, dict[str, Any], Markup | None]]:
    """(run, call, figure) of every call; of the first run those that were answered are drawn."""
    found: list[tuple[int, dict[str, Any], Markup | None]] = []
    for run in record["runs"]:
        for call in calls.of_run(run):
            name = f"call-{call['service']}"
            drawn = run is record["runs"][0] and call["directions"]
            figure = figures.add(name, calls.draw(call, name)) if drawn else None
            found.append((run["run"], call, figure))
    return found


def _source(directory: Path, record: dict[str, Any]) -> str:
    """The scenario as it was run."""
    for path in sorted(directory.glob("*.y*ml")):
        return path.read_text(encoding="utf-8")
    return json.dumps(record["scenario"], indent=1, ensure_ascii=False)
