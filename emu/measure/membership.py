"""Multicast membership records of the routers, from their ``membership`` events.

A router logs its records, the tuples (upstream, source, group, listeners, local sources), and the
kernel's forwarding entries, when its membership has settled after a change and when it ends. The
record shows the last records, and all that differ, with those entries, as its history.
"""

from __future__ import annotations

from typing import Any

from emu.measure.run import Run

Records = list[dict[str, Any]]


def final(run: Run) -> dict[str, Records]:
    """{router: its records when the scenario ended}: after that its applications leave."""
    end = run.meta["t0_ns"] + run.meta["scenario"]["duration"]
    events = [event for event in run.of_kind("membership") if event["t"] <= end]
    return {event["node"]: _normal(run, event["records"]) for event in events}


def history(run: Run) -> dict[str, list[dict[str, Any]]]:
    """{router: [{at_s, records, kernel}]}, without repetitions."""
    snapshots: dict[str, list[dict[str, Any]]] = {}
    for event in run.of_kind("membership"):
        records = _normal(run, event["records"])
        earlier = snapshots.setdefault(event["node"], [])
        if not earlier or earlier[-1]["records"] != records:
            kernel = event.get("kernel", [])
            at_s = run.seconds(event["t"])
            earlier.append({"at_s": at_s, "records": records, "kernel": kernel})
    return snapshots


def _normal(run: Run, records: Records) -> Records:
    """The records in the record's words: listeners by the names of their nodes."""
    return [
        {
            "upstream": record.get("upstream"),
            "source": record.get("source"),
            "group": record["group"],
            "listeners": [run.node_of(host) for host in record.get("listeners", ())],
            "local_sources": list(record.get("local_sources", ())),
        }
        for record in records
    ]
