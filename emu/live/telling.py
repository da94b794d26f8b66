"""Events in the words of the page: who is behind an address, what happens, what a run is."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from emu.events import Event
from emu.narrative import tell

_ADDRESSES = ("client", "destination", "host", "local", "peer", "previous", "remote", "source")
"""The fields of events that have a node's address."""
_ENDS = {
    "address": ("address",),
    "call_started": ("address",),
    "flow_started": ("local", "remote"),
    "http_request": ("client",),
}
"""The addresses in kinds of event that may be a mobile node's, and so anchored somewhere."""
_UNTOLD = frozenset({"state"})
"""Kinds of event that the page has no use for."""
_DESCRIPTION = ("seed", "t0_ns", "nodes", "links", "flows")
_OF_SCENARIO = ("name", "duration", "topology", "mobility", "multicast", "channels", "services")


def describe(number: int, meta: dict[str, Any]) -> dict[str, Any]:
    """What the page must know of a run before its events, from its ``meta.json`` or its plan."""
    scenario = {key: meta["scenario"].get(key) for key in _OF_SCENARIO}
    return {"run": number, "scenario": scenario, **{key: meta[key] for key in _DESCRIPTION}}


class Teller:
    """Adds to events what they mean, with the names of the nodes of one run.

    ``<field>_node`` is who has the address in a field, ``anchor`` whose prefix an address is of,
    ``text`` the line that the terminal has.
    """

    def __init__(self, nodes: dict[str, dict[str, Any]]) -> None:
        self._names = {
            str(address).partition("/")[0]: name
            for name, node in nodes.items()
            for address in (node.get("address"), *node.get("addresses", ()))
            if address
        }
        self._pools = {
            IPv6Network(node["pool"]): name for name, node in nodes.items() if node.get("pool")
        }

    def tell(self, events: Iterable[Event]) -> list[Event]:
        """The events that the page needs, each with what was added."""
        return [self._tell(event) for event in events if event["kind"] not in _UNTOLD]

    def _tell(self, event: Event) -> Event:
        told = {key: value for key, value in event.items() if key != "run"}
        if event["kind"] == "address":
            self._names.setdefault(str(event["address"]).partition("/")[0], event["node"])
        for key in _ADDRESSES:
            if isinstance(event.get(key), str) and event[key] in self._names:
                told[f"{key}_node"] = self._names[event[key]]
        ends = [self._anchor(event[end]) for end in _ENDS.get(event["kind"], ()) if end in event]
        if ends:
            told["anchor"] = next((anchor for anchor in ends if anchor is not None), None)
        text = tell(event, self._names)
        return told if text is None else {**told, "text": text}

    def _anchor(self, address: str) -> str | None:
        try:
            ip = IPv6Address(address.partition("/")[0])
        except ValueError:  # a program's own word for where it is connected to
            return None
        return next((name for pool, name in self._pools.items() if ip in pool), None)
