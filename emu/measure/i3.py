"""The tree of an i3 group, from what its servers and clients logged.

A client logs its place whenever that changes: the identifiers on the way from the root's to its
own. Its parent is the client that has the last identifier before its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from emu.events import Event
from emu.measure.run import Run
from emu.measure.stream import Stream, delays

_IN_TREE = "in tree"


def of_run(run: Run, streams: list[Stream]) -> dict[str, Any] | None:
    """The overlay part of a run's record; None without i3.

    ``members``: the tree at the scenario's end, those that have a place; the founder is at level 0.
    ``tree``: its figures. ``joins``: how long each took, and how many places it tried.
    ``clients``, ``servers``: what each says of itself when it ends; those that were killed say
    nothing. ``sent``: messages of each type, of all together.
    """
    places = run.of_kind("i3_place")
    if not places:
        return None
    end = run.meta["t0_ns"] + run.meta["scenario"]["duration"]
    clients, servers = _states(run, "i3_client"), _states(run, "i3_server")
    places_then = [event for event in places if event["t"] <= end]
    members = _members(run, tree(places_then, _killed(run, end)), streams)
    return {
        "scheme": "i3",
        "tree": figures(members),
        "members": members,
        "joins": _joins(run, places),
        "clients": {name: _client(state) for name, state in clients.items()},
        "servers": {name: _server(state) for name, state in servers.items()},
        "sent": _sums([*clients.values(), *servers.values()]),
    }


def tree(places: list[Event], gone: frozenset[str] = frozenset()) -> dict[str, dict[str, Any]]:
    """The tree after some ``i3_place`` events; nodes that are ``gone`` have no place.

    Those that have joined there still have them as parents, until they have another place: triggers
    live on. So they do if the parent has moved up, and is at an identifier before that one. Who has
    joined where nobody is any more has no parent.
    """
    last = {event["node"]: event for event in places}
    there = {
        node: event
        for node, event in last.items()
        if event["phase"] == _IN_TREE and node not in gone
    }
    # Of two who had an identifier it is that of who is there, and has moved up.
    in_turn = sorted(last.items(), key=lambda one: one[0] in there)
    owners = {
        event["identifier"]: event["node"]
        for event in places
        if last[event["node"]]["identifier"] in event["path"]
    } | {event["identifier"]: node for node, event in in_turn}
    return {
        node: {
            "parent": owners.get(event["path"][-1]) if event["path"] else None,
            "level": len(event["path"]),
            "joinable": event["joinable"],
        }
        for node, event in there.items()
    }


def figures(members: Iterable[dict[str, Any]]) -> dict[str, float | None]:
    """What a tree is like (section 6.1); times are None where they are not known.

    ``rmd`` and ``rad`` are the ratios of the maximum and of the mean delay by the tree to those
    straight from the source; ``depth`` is the receivers' mean level, ``depth_max`` the highest.
    """
    receivers = [member for member in members if member["level"]]
    levels = [member["level"] for member in receivers]
    known = [one for one in receivers if one["delay_ms"] is not None and one["direct_ms"]]
    tree_ms = np.array([one["delay_ms"] for one in known], float)
    direct_ms = np.array([one["direct_ms"] for one in known], float)
    return {
        "receivers": len(receivers),
        "depth": float(np.mean(levels)) if levels else None,
        "depth_max": max(levels, default=0),
        "rmd": float(tree_ms.max() / direct_ms.max()) if known else None,
        "rad": float(tree_ms.mean() / direct_ms.mean()) if known else None,
        "stretch_p90": float(np.percentile(tree_ms / direct_ms, 90)) if known else None,
    }


def _members(
    run: Run, places: dict[str, dict[str, Any]], streams: list[Stream]
) -> list[dict[str, Any]]:
    """The tree with each member's delay by it, and straight from the source."""
    by_tree = {
        s.flow["to"]: delays(s.arrivals)["median"] for s in streams if s.flow["kind"] == "i3"
    }
    direct = run.meta.get("direct_ns", {})
    members = []
    for name, place in places.items():
        delay_ms = by_tree.get(name)
        direct_ms = direct[name] / 1e6 if name in direct else None
        stretch = delay_ms / direct_ms if delay_ms is not None and direct_ms else None
        times = {"delay_ms": delay_ms, "direct_ms": direct_ms, "stretch": stretch}
        members.append({"name": name, **place, **times})
    return members


def _killed(run: Run, end: int) -> frozenset[str]:
    """The nodes that are down at the end."""
    down: set[str] = set()
    for event in run.of_kind("crashed", "ready"):
        if event["t"] <= end:
            (down.add if event["kind"] == "crashed" else down.discard)(event["node"])
    return frozenset(down)


def _joins(run: Run, places: list[Event]) -> list[dict[str, Any]]:
    """Of each search for a place: when it began, how long until the place, and how many tries."""
    joins: list[dict[str, Any]] = []
    open_: dict[str, dict[str, Any]] = {}
    for event in places:
        node, phase = event["node"], event["phase"]
        if phase == "searching" and node not in open_:
            open_[node] = {"client": node, "at_s": run.seconds(event["t"]), "took_ms": None,
                           "tries": 0}  # fmt: skip
            joins.append(open_[node])
        elif phase == "inserting" and node in open_:
            open_[node]["tries"] += 1
        elif phase == "out":
            open_.pop(node, None)
        elif phase == _IN_TREE and node in open_:
            join = open_.pop(node)
            join["took_ms"] = 1000 * (run.seconds(event["t"]) - join["at_s"])
    return joins


def _states(run: Run, key: str) -> dict[str, dict[str, Any]]:
    return {e["node"]: e[key] for e in run.of_kind("state") if key in e}


def _client(state: dict[str, Any]) -> dict[str, Any]:
    recovery = {key: value for key, value in state["recovery"].items() if key != "waits"}
    return {
        "queries": state["counters"].get("queries", 0),
        "replies": state["counters"].get("replies", 0),
        "refused": state["refused"],
        "recovery": {**recovery, "waits_ms": [wait / 1e6 for wait in state["recovery"]["waits"]]},
        "sent": state["sent"],
    }


def _server(state: dict[str, Any]) -> dict[str, Any]:
    kept = {key: state[key] for key in ("arrived", "passed_on", "refused", "sent")}
    return {"triggers": len(state["triggers"]), **kept}


def _sums(states: list[dict[str, Any]]) -> dict[str, int]:
    sums: dict[str, int] = {}
    for state in states:
        for kind, number in state["sent"].items():
            sums[kind] = sums.get(kind, 0) + number
    return dict(sorted(sums.items()))
