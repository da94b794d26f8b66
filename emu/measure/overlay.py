"""The trees of an overlay, and their repair, from what its members logged and captures show.

A member that plans a tree logs each change of it: whose parent is another one now. Members are
known by identifiers that they draw at each start.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from emu.events import Event
from emu.measure import overlay_packets
from emu.measure.run import Run
from emu.measure.stream import RECEIVED, SEQUENCE, Stream

_SILENT_INTERVALS = 10
Parents = dict[str, str]
"""The parent of each node in a tree."""
Channel = tuple[str, str, str]
"""Root, source and group."""


def of_run(run: Run, streams: list[Stream]) -> dict[str, Any]:
    """The overlay part of a run's record, where channels go by one.

    ``trees``: those at the scenario's end, with how often each changed; a root is at level 0.
    ``tree``: sums over them, and how often a packet crosses a link. ``changes``: each new plan, and
    the ways that failed. ``repairs``: what each crash did to the streams of others. ``links``: what
    each member sent to which other. ``members``: what each says of itself when it ends.
    """
    names = {e["member"]: e["node"] for e in run.of_kind("overlay_started")}
    changes = list(_changes(run, names))
    end = run.seconds(run.meta["t0_ns"] + run.meta["scenario"]["duration"])
    trees = _at(changes, end)
    repairs = list(_repairs(run, streams, changes))
    seen = list(overlay_packets.crossings(run))
    links = overlay_packets.links(seen)
    return {
        "scheme": run.meta["scenario"]["overlay"]["scheme"],
        "tree": {
            "trees": len(trees),
            "depth_max": max(
                (max(_levels(t).values(), default=0) for t in trees.values()), default=0
            ),
            "changes": sum("changes" in change for change in changes),
            "failed_ways": sum("failed" in change for change in changes),
            "control_bytes": sum(link["control_bytes"] for link in links),
            **overlay_packets.stress(seen),
        },
        "trees": [_tree(channel, parents, changes) for channel, parents in trees.items()],
        "changes": changes,
        "repairs": repairs,
        "links": links,
        "members": {e["node"]: e["overlay"] for e in run.of_kind("state") if "overlay" in e},
        "joins": [],
    }


def _changes(run: Run, names: dict[str, str]) -> Iterator[dict[str, Any]]:
    """What happened to trees, in order of time."""
    for event in run.of_kind("overlay_tree", "overlay_way_failed"):
        base = {"at_s": run.seconds(event["t"]), "root": event["node"]}
        if event["kind"] == "overlay_tree":
            yield base | {
                "source": event["source"],
                "group": event["group"],
                "changes": {
                    names.get(child, child): None if parent is None else names.get(parent, parent)
                    for child, parent in event["changes"].items()
                },
            }
        else:
            ends = (names.get(event[end], event[end]) for end in ("parent", "child"))
            yield base | {"failed": list(ends), "silent": event["silent"]}


def _at(changes: list[dict[str, Any]], at_s: float) -> dict[Channel, Parents]:
    """The trees at a time."""
    trees: dict[Channel, Parents] = {}
    for change in changes:
        if change["at_s"] > at_s or "changes" not in change:
            continue
        tree = trees.setdefault((change["root"], change["source"], change["group"]), {})
        tree.update(change["changes"])
        for child in [child for child, parent in tree.items() if parent is None]:
            del tree[child]
    return trees


def _levels(parents: Parents) -> dict[str, int]:
    """How far below its root each node is."""
    levels = {}
    for node in parents:
        above, at = 0, node
        while at in parents and above <= len(parents):
            above, at = above + 1, parents[at]
        levels[node] = above
    return levels


def _tree(channel: Channel, parents: Parents, changes: list[dict[str, Any]]) -> dict[str, Any]:
    root, source, group = channel
    own = (c for c in changes if c.get("group") == group)
    levels = {root: 0, **_levels(parents)}
    return {
        "root": root,
        "source": source,
        "group": group,
        "changes": sum((c["root"], c["source"]) == (root, source) for c in own),
        "members": [
            {"name": name, "parent": parents.get(name), "level": level}
            for name, level in levels.items()
        ],
    }


def _repairs(
    run: Run, streams: list[Stream], changes: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Of each stream that a crash interrupted: for how long, and what was lost meanwhile.

    Those are interrupted whose receiver was below the node that crashed, in the tree as it was;
    where nobody logs trees, those that were silent for ten packet intervals. Whoever was killed
    before listens no more.
    """
    killed: set[str] = set()
    for crash in run.of_kind("crashed"):
        if crash["node"] not in run.meta["scenario"]["nodes"]:
            continue
        killed.add(crash["node"])
        trees = _at(changes, run.seconds(crash["t"]))
        for stream in streams:
            group, receiver = stream.flow.get("group"), stream.flow["to"]
            if group is None or receiver in killed:
                continue
            tree = {c: p for (_, _, of), t in trees.items() if of == group for c, p in t.items()}
            if changes and crash["node"] not in _above(tree, receiver):
                continue
            found = _interruption(run, stream, crash)
            silent_ms = found["repair_ms"]
            least_ms = _SILENT_INTERVALS * stream.flow["interval_ns"] / 1e6
            if changes or silent_ms is None or silent_ms >= least_ms:
                yield {
                    "at_s": run.seconds(crash["t"]),
                    "node": crash["node"],
                    "flow": stream.flow["flow"],
                    **found,
                }


def _above(parents: Parents, node: str) -> list[str]:
    """Who passes on what a node gets."""
    above: list[str] = []
    while node in parents and len(above) <= len(parents):
        node = parents[node]
        above.append(node)
    return above


def _interruption(run: Run, stream: Stream, crash: Event) -> dict[str, Any]:
    """The longest gap from a crash until the next one, less an interval; None: it did not end."""
    later = [e["t"] for e in run.of_kind("crashed") if e["t"] > crash["t"]]
    until = min([*later, stream.flow["stop_ns"], run.end_ns])
    times = stream.progress[:, RECEIVED]
    first = int(np.searchsorted(times, crash["t"]))
    last = int(np.searchsorted(times, until))
    if not first or first == last:
        return {"repair_ms": None, "lost": None}
    around = times[first - 1 : last]
    at = int(np.argmax(np.diff(around)))
    gap = int(around[at + 1] - around[at])
    sent = run.rows(stream.flow["sent"])
    numbers = stream.progress[first - 1 + at : first + 1 + at, SEQUENCE]
    missing = sent[(sent[:, 0] > numbers[0]) & (sent[:, 0] < numbers[1]), 0]
    lost = int((~np.isin(missing, stream.arrivals[:, SEQUENCE])).sum())
    return {"repair_ms": max(0, gap - int(stream.flow["interval_ns"])) / 1e6, "lost": lost}
