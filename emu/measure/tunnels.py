"""When each tunnel existed, who needed it, from the ``tunnel_*`` events, and what it carried."""

from __future__ import annotations

import math
from typing import Any

from emu.measure.carrying import Carrying
from emu.measure.run import Run


def lives(run: Run, carrying: Carrying) -> list[dict[str, Any]]:
    """An entry a life of a tunnel: router, peer, created_s, removed_s (None: never), held_by.

    ``tunnel_bytes`` and ``tunnel_overhead_bytes`` are what this router sent into it.
    """
    entries = _lives(run)
    start = run.meta["t0_ns"]
    for life in entries:
        since = start + life["created_s"] * 1e9
        until = math.inf if life["removed_s"] is None else start + life["removed_s"] * 1e9
        life |= carrying.of_tunnel((life["router"], life["peer"]), since, until)
    return entries


def _lives(run: Run) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = []
    open_now: dict[tuple[str, str], dict[str, Any]] = {}
    for event in run.of_kind("tunnel_created", "tunnel_held", "tunnel_removed", "restarted"):
        at = run.seconds(event["t"])
        if event["kind"] == "restarted":  # it begins with none
            for pair in [pair for pair in open_now if pair[0] == event["node"]]:
                open_now.pop(pair)["removed_s"] = at
            continue
        router, peer = event["node"], run.node_of(event["peer"])
        if event["kind"] == "tunnel_removed":
            life = open_now.pop((router, peer), None)
            if life is not None:
                life["removed_s"] = at
            continue
        life = open_now.get((router, peer))
        if life is None:
            life = {
                "router": router,
                "peer": peer,
                "created_s": at,
                "removed_s": None,
                "held_by": [],
            }
            open_now[router, peer] = life
            entries.append(life)
        holder = _holder(event.get("holder"))
        if holder and holder not in life["held_by"]:
            life["held_by"].append(holder)
    return entries


def _holder(holder: str | None) -> str | None:
    """Multicast, or unicast for whatever a mobility core names its holders."""
    if holder is None:
        return None
    return "multicast" if holder.startswith("multicast") else "unicast"
