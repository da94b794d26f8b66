"""The trees of an overlay, and their repair, from what its members logged and captures show.

A member that plans a tree logs each change of it: whose parent is another one now. Members are
known by identifiers that they draw at each start.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator
from typing import Any

from emu.measure import overlay_packets, repairs
from emu.measure.run import Run
from emu.measure.stream import Stream
from topologies.parameters import ISLANDER

Parents = dict[str, str]
"""The parent of each node in a tree."""
Channel = tuple[str, str, str]
"""Root, source and group."""


def of_run(run: Run, streams: list[Stream]) -> dict[str, Any]:
    """The overlay part of a run's record, where channels go by one.

    ``trees``: those at the scenario's end, with how often each changed; a root is at level 0.
    ``tree``: sums over them, and how often a packet crosses a link. ``changes``: each new plan, and
    the ways that failed. ``repairs``: what each crash and partition did to streams. ``links``: what
    each member sent to which other. ``members``: what each says of itself when it ends.
    """
    names = {e["member"]: e["node"] for e in run.of_kind("overlay_started")}
    changes = list(_changes(run, names))
    end = run.seconds(run.meta["t0_ns"] + run.meta["scenario"]["duration"])
    trees = _at(changes, end)
    repaired = list(repairs.of_run(run, streams, _passers(run, changes)))
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
        "repairs": repaired,
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


def _passers(run: Run, changes: list[dict[str, Any]]) -> repairs.Above:
    """Who passes on what a receiver gets, in the trees as they were, which islands are not in."""
    islanders = {name for name, node in run.meta["nodes"].items() if node.get("role") == ISLANDER}

    def above(stream: Stream, time: int) -> list[str] | None:
        if not changes or stream.flow["to"] in islanders:
            return None
        trees = _at(changes, run.seconds(time))
        of_group = (tree for (_, _, group), tree in trees.items() if group == stream.flow["group"])
        return _above(dict(ChainMap(*of_group)), stream.flow["to"])

    return above


def _above(parents: Parents, node: str) -> list[str]:
    """Who passes on what a node gets."""
    above: list[str] = []
    while node in parents and len(above) <= len(parents):
        node = parents[node]
        above.append(node)
    return above
