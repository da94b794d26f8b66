"""Who is attached where, and what changes when: attach, move, detach.

Each of these is a generator of the events that happen on the way, ``{"event": "l2_up" | "l2_down",
"mn", "mar", "time", "delivered"}``: ``time`` (CLOCK_MONOTONIC, ns) is when the switch had confirmed
the change, ``delivered`` whether the MAR's agent was there to take the trigger.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emu.radio.flows import Flows
from emu.radio.framework import hub

Events = Iterator[dict[str, Any]]


@dataclass
class MobileNode:
    """A mobile node's switch port, and where the node is attached."""

    port: Any
    link_layer_address: str
    mar: str | None = None
    moving: bool = False


@dataclass
class AccessPoint:
    """A MAR's switch port, and the ports of the mobile nodes attached there."""

    port: Any
    members: set[int] = field(default_factory=set)


class AccessNetwork:
    """The access points and mobile nodes of one switch."""

    def __init__(
        self,
        flows: Flows,
        carry_out: Callable[[list[Any]], int],
        mobile_nodes: dict[str, MobileNode],
        access_points: dict[str, AccessPoint],
        directory: Path,
    ) -> None:
        """``carry_out`` sends messages to the switch and returns when they had been obeyed.

        ``directory`` is where the agents of the MARs listen for triggers, on ``<mar>.trigger``.
        """
        self._flows = flows
        self._carry_out = carry_out
        self._mobile_nodes = mobile_nodes
        self._access_points = access_points
        self._directory = directory
        self._triggers = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._triggers.setblocking(False)
        self._carry_out(
            [
                message
                for access_point in access_points.values()
                for message in flows.access_point(access_point.port.port_no)
            ]
        )

    def attach(self, mn: str, mar: str) -> Events:
        """Attach a mobile node that is not attached anywhere."""
        node = self._settled(mn)
        if node.mar is not None:
            raise ValueError(f"{mn} is attached to {node.mar} already")
        yield self._arrive(mn, self._known(mar), carrier=True)

    def detach(self, mn: str) -> Events:
        """Take a mobile node out of coverage."""
        if self._settled(mn).mar is None:
            raise ValueError(f"{mn} is not attached")
        yield self._leave(mn, carrier=True)

    def move(self, mn: str, to: str, gap_ns: int, carrier: str) -> Events:
        """Hand over: ``carrier`` is ``drop`` (a new network) or ``keep`` (roaming inside one)."""
        node = self._settled(mn)
        if node.mar is None or node.mar == self._known(to):
            raise ValueError(f"{mn} cannot move to {to} from {node.mar or 'nowhere'}")
        node.moving = True
        down = self._leave(mn, carrier=carrier == "drop")
        yield down
        hub.sleep(max(0, down["time"] + gap_ns - time.monotonic_ns()) / 1e9)
        node.moving = False
        yield self._arrive(mn, to, carrier=carrier == "drop")

    def _settled(self, mn: str) -> MobileNode:
        if mn not in self._mobile_nodes:
            raise ValueError(f"there is no mobile node {mn}")
        if self._mobile_nodes[mn].moving:
            raise ValueError(f"{mn} is moving")
        return self._mobile_nodes[mn]

    def _known(self, mar: str) -> str:
        if mar not in self._access_points:
            raise ValueError(f"there is no access point of {mar}")
        return mar

    def _arrive(self, mn: str, mar: str, *, carrier: bool) -> dict[str, Any]:
        """Flows first, carrier last: what the node sends when it sees that must get through."""
        node, access_point = self._mobile_nodes[mn], self._access_points[mar]
        node.mar = mar
        port, at = node.port.port_no, access_point.port.port_no
        access_point.members.add(port)
        messages = self._flows.associate(port, node.link_layer_address, at)
        messages.append(self._flows.members(at, access_point.members))
        if carrier:
            messages.append(self._flows.carrier(node.port, up=True))
        return self._changed("l2_up", mn, mar, messages)

    def _leave(self, mn: str, *, carrier: bool) -> dict[str, Any]:
        node = self._mobile_nodes[mn]
        mar, node.mar = str(node.mar), None
        access_point = self._access_points[mar]
        port, at = node.port.port_no, access_point.port.port_no
        access_point.members.discard(port)
        messages = [self._flows.carrier(node.port, up=False)] if carrier else []
        messages += [self._flows.dissociate(port), self._flows.members(at, access_point.members)]
        return self._changed("l2_down", mn, mar, messages)

    def _changed(self, event: str, mn: str, mar: str, messages: list[Any]) -> dict[str, Any]:
        now = self._carry_out(messages)
        delivered = self._trigger("link" + event.removeprefix("l2"), mn, mar)
        return {"event": event, "mn": mn, "mar": mar, "time": now, "delivered": delivered}

    def _trigger(self, trigger: str, mn: str, mar: str) -> bool:
        """Tell the MAR's agent, if it runs; whether it could take the trigger."""
        address = self._mobile_nodes[mn].link_layer_address
        message = {"trigger": trigger, "mn": mn, "link_layer_address": address}
        try:
            self._triggers.sendto(
                json.dumps(message).encode(), str(self._directory / f"{mar}.trigger")
            )
        except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
            return False
        return True
