"""What came of a scenario in virtual time: a run of its record, named as one of the lab is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from agents.core import MILLISECOND, SECOND
from agents.i3.member import Phase
from agents.wire.i3 import Endpoint
from emu.simulator.i3_tree import Hop, hops, measure
from emu.simulator.population import Population, Receiver

MOST_LISTED = 4096
"""Receivers that are listed one by one; of more there are only the figures of the tree."""
SOURCE = "source"


def of_run(played: Population, number: int, seed: int) -> dict[str, Any]:
    """A run of the record; what a scenario in virtual time has not is empty."""
    overlay = _overlay(played)
    return {
        "run": number,
        "seed": seed,
        "handovers": [],
        "flows": [_flow(played)],
        "signalling": {},
        "membership": {},
        "membership_history": {},
        "tunnels": [],
        "leftovers": None,
        "refused": {},
        "torn_events": 0,
        "overlay": overlay,
        "services": [],
        "refusals": [],
    }


def _there(played: Population) -> list[Receiver]:
    return [one for one in played.receivers.values() if not one.gone]


def _in_tree(played: Population) -> list[Receiver]:
    return [one for one in _there(played) if one.member.phase is Phase.IN_TREE]


def _flow(played: Population) -> dict[str, Any]:
    """The group's stream to all receivers together."""
    everybody = played.receivers.values()
    sent = sum(played.expected(one) for one in everybody)
    received = sum(one.received for one in everybody)
    return {
        "flow": f"i3-{SOURCE}",
        "kind": "i3",
        "protocol": None,
        "from": SOURCE,
        "to": f"{played.group.receivers} receivers",
        "interval_ms": played.group.interval / MILLISECOND,
        "sent": sent,
        "received": received,
        "lost": sent - received,
        "duplicated": None,
        "reordered": None,
        "delay_ms": _spread(delay / MILLISECOND for delay in played.delays),
    }


def _overlay(played: Population) -> dict[str, Any]:
    session = played.session
    ways = {hop.end: hop for hop in hops(session.overlay, session.root, session.source[0].node)
            if hop.end}  # fmt: skip
    there = [one for one in _in_tree(played) if one.host.endpoint in ways]
    hosts = [one.host for one in there]
    tree = asdict(measure(session.overlay, session.root, session.source[0], hosts)) if hosts else {}
    return {
        "scheme": "i3",
        "tree": tree,
        "group": _group(played),
        "members": _members(played, there, ways) if len(there) <= MOST_LISTED else [],
        "joins": [_join(played, one) for one in played.receivers.values()],
        "clients": {},
        "servers": {},
        "sent": _sent(played),
    }


def _sent(played: Population) -> dict[str, int]:
    messages = played.session.overlay.messages
    return dict(sorted((kind.__name__, number) for kind, number in messages.items()))


def _group(played: Population) -> dict[str, float | None]:
    """Of all receivers together; times in ms, None where there is nothing to take them of."""
    everybody = list(played.receivers.values())
    members = [one.member for one in everybody]
    counters = [one.repairs.counters for one in members]
    founder = played.session.source[1]
    losses = sum(one.losses for one in counters)
    waits = [wait / MILLISECOND for one in counters for wait in one.waits]
    gaps = [played.gap(one) / MILLISECOND for one in everybody if one.first]
    sent = sum(played.expected(one) for one in everybody)
    received = sum(one.received for one in everybody)
    replies = sum(one.counters["replies"] for one in members)
    return {
        "joined": len(everybody),
        "in_tree": len(_in_tree(played)),
        "out_of_tree": len(_there(played)) - len(_in_tree(played)),
        "crashed": played.crashed,
        "left": played.left,
        "delivery_ratio": received / sent if sent else None,
        "longest_gap_ms": max(gaps, default=None),
        "longest_gap_ms_p99": float(np.percentile(gaps, 99)) if gaps else None,
        "replies_per_join": replies / len(everybody) if everybody else None,
        "queries_of_founder": founder.counters["queries"],
        "queries_max": max(one.counters["queries"] for one in (founder, *members)),
        "losses": losses,
        "given_up": sum(one.given_up for one in counters),
        "requests_per_loss": _share(sum(one.requests_sent for one in counters), losses),
        "duplicates_per_loss": _share(sum(one.duplicates for one in counters), losses),
        "repair_ms": float(np.mean(waits)) if waits else None,
        "repair_ms_p95": float(np.percentile(waits, 95)) if waits else None,
    }


def _members(
    played: Population, there: list[Receiver], ways: dict[Endpoint, Hop]
) -> list[dict[str, Any]]:
    """The tree, as the record of a lab has it; the source is at level 0."""
    session = played.session
    source = session.source[0]
    # Of two who had an identifier it is that of who is there, and has moved up.
    in_turn = [*played.receivers.values(), *there]
    owners = {one.member.identifier: one.name for one in in_turn}
    owners[session.root] = SOURCE
    members: list[dict[str, Any]] = [
        {"name": SOURCE, "parent": None, "level": 0, "joinable": session.source[1].joinable,
         "delay_ms": None, "direct_ms": None, "stretch": None}
    ]  # fmt: skip
    for one in there:
        delay = ways[one.host.endpoint].delay / MILLISECOND
        direct = session.overlay.internet.delay(source.node, one.host.node) / MILLISECOND
        members.append(
            {
                "name": one.name,
                "parent": owners.get(one.member.path[-1]),
                "level": len(one.member.path),
                "joinable": one.member.joinable,
                "delay_ms": delay,
                "direct_ms": direct,
                "stretch": delay / direct if direct else None,
            }
        )
    return members


def _join(played: Population, one: Receiver) -> dict[str, Any]:
    took = None if one.settled is None else (one.settled - one.began) / MILLISECOND
    at = (one.began - played.start) / SECOND
    tries = one.member.counters["tries"]
    return {"client": one.name, "at_s": at, "took_ms": took, "tries": tries}


def _spread(values: Iterable[float]) -> dict[str, float | None]:
    found = np.array(list(values))
    if not len(found):
        return dict.fromkeys(("min", "median", "p99", "max"))
    least, median, p99, most = (float(one) for one in np.percentile(found, [0, 50, 99, 100]))
    return {"min": least, "median": median, "p99": p99, "max": most}


def _share(number: int, of: int) -> float | None:
    return number / of if of else None
