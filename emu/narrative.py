"""What of a run's event log is told to the person who watches, in words."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping

from emu.events import Event


class Narration:
    """Tells events in order of time, in which logs do not quite come.

    ``say`` gets each event worth telling, and its line.
    """

    def __init__(self, say: Callable[[Event, str], None]) -> None:
        self._say = say
        self._untold: list[tuple[int, int, Event, str]] = []
        self._added = 0

    def add(self, event: Event, names: Mapping[str, str]) -> None:
        """An event is in the log; ``names`` are nodes' by address."""
        text = tell(event, names)
        if text is not None:
            self._added += 1  # events of one moment are told as they came
            heapq.heappush(self._untold, (event["t"], self._added, event, text))

    def tell_until(self, time_ns: int) -> None:
        """Tell what happened until then (CLOCK_MONOTONIC) and has not been told."""
        while self._untold and self._untold[0][0] <= time_ns:
            _, _, event, text = heapq.heappop(self._untold)
            self._say(event, text)


def tell(event: Event, names: Mapping[str, str]) -> str | None:
    """One line for an event; None for what is not worth one. ``names`` are nodes' by address."""
    teller = _TELLERS.get(event["kind"])
    if teller is None:
        return None
    return teller({key: names.get(value, value) if isinstance(value, str) else value
                   for key, value in event.items()})  # fmt: skip


ALARMS = frozenset(
    {
        "home_untested",
        "unknown_host",
        "link_layer_changed",
        "binding_refused",
        "pool_exhausted",
        "no_prefix",
    }
)
"""The kinds of event that say why a mobile node is not served as it ought to be."""

_TELLERS: dict[str, Callable[[Event], str | None]] = {
    "link_going_down": lambda e: f"{e['mn']} is about to leave {e['mar']} for {e['to']}",
    "expected": lambda e: (
        f"{e['node']} expects {e['mn']} from {e['previous']}" if "previous" in e else None
    ),
    "kept_delivered": lambda e: f"{e['node']} sends on {e['packets']} packets kept for {e['mn']}",
    "l2_down": lambda e: f"{e['mn']} leaves {e['mar']}",
    "associated": lambda e: f"{e['mn']} is being authenticated for {e['mar']}",
    "l2_up": lambda e: f"{e['mn']} is at the access point of {e['mar']}",
    "crashed": lambda e: f"{e['node']} is killed",
    "restarted": lambda e: f"{e['node']} is started again",
    "partitioned": lambda e: f"{', '.join(e['hosts'])} are cut off from all other hosts",
    "healed": lambda e: f"{', '.join(e['hosts'])} are cut off no more",
    "server_killed": lambda e: f"{e['service']} at {e['node']} is killed",
    "disk_full": lambda e: f"{e['service']} at {e['node']} has a full disk, and ends",
    "server_restarted": lambda e: f"{e['service']} at {e['node']} is started again",
    "restored": lambda e: f"{e['node']} has {e['bindings']} bindings" if e["bindings"] else None,
    "peer_lost": lambda e: f"{e['node']} goes on without the other CMD",
    "peer_found": lambda e: f"{e['node']} has found the other CMD",
    "serving": lambda e: f"{e['node']} serves {e['mn']}",
    "tunnel_created": lambda e: f"{e['node']} opens a tunnel to {e['peer']}",
    "tunnel_removed": lambda e: f"{e['node']} closes its tunnel to {e['peer']}",
    "join": lambda e: f"{e['node']} has a listener of {e['group']} on {e['link']}",
    "leave": lambda e: f"{e['node']} has lost a listener of {e['group']} on {e['link']}",
    "channel_decision": lambda e: (
        f"{e['node']} gets {e['group']} {e['scope'].lower()} ({e['reason']})"
    ),
    "home_untested": lambda e: (
        f"{e['home_address']} stays unbound: {e['mn']} left before it was tested at home"
    ),
    "unknown_host": lambda e: (
        f"{e['node']} hears a host {e['link_layer_address']} on {e['link']} that no access point "
        "has told of, and serves it not: has a mobile node's MAC address been changed?"
    ),
    "link_layer_changed": lambda e: (
        f"{e['node']} has the MAC address {e['link_layer_address']} again"
        if e["back"]
        else f"{e['node']} has another MAC address now, {e['link_layer_address']}: no access point "
        "knows it, and nothing gets to it any more"
    ),
    "binding_refused": lambda e: f"{e['node']} is refused a binding: status {e['status']}",
    "pool_exhausted": lambda e: f"{e['node']} has no prefix left for {e['mn']}",
    "no_prefix": lambda e: f"{e['node']} has no prefix left for {e['mn']}",
    "flow_failed": lambda e: f"{e['flow']} failed: {e['reason']}",
}
