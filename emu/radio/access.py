"""Who is attached where, and what changes when: attach, move, detach, and what is announced.

Each of these is a generator of the events that happen on the way, ``{"event": "associated" |
"l2_up" | "l2_down" | "link_going_down", "mn", "mar", "time", "delivered"}``: ``time``
(CLOCK_MONOTONIC, ns) is when the switch had confirmed the change, ``delivered`` whether the MAR's
agent was there to take the trigger. ``link_going_down`` has ``"to"`` as well. Where the network
authenticates its nodes, a node is ``associated`` first: it has found its access point, and nothing
of it goes through until it is ``l2_up`` (as with IEEE 802.1X).
"""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emu.radio import flow_cache
from emu.radio.flows import Flows
from emu.radio.framework import hub

Events = Iterator[dict[str, Any]]


@dataclass
class MobileNode:
    """A mobile node's switch port, and where the node is attached."""

    port: Any
    link_layer_address: str
    mar: str | None = None
    previous: str | None = None
    """Where it was before."""
    idle: Any = field(default_factory=lambda: hub.Semaphore(1))


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
        send: Callable[[list[Any]], Any],
        mobile_nodes: dict[str, MobileNode],
        access_points: dict[str, AccessPoint],
        directory: Path,
        authentication_ns: int = 0,
    ) -> None:
        """``send`` sends messages to the switch; the queue it returns gets the time when it obeyed.

        ``directory`` is where agents listen for triggers, on ``<mar>.trigger`` or ``<mn>.trigger``.
        ``authentication_ns`` is how long a node is authenticated wherever it attaches.
        """
        self._authentication_ns = authentication_ns
        self._flows = flows
        self._send = send
        self._changing = hub.Semaphore(1)  # groups must reach the switch in the order of changes
        self._mobile_nodes = mobile_nodes
        self._access_points = access_points
        self._directory = directory
        self._triggers = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._triggers.setblocking(False)
        for access_point in access_points.values():
            self._send(flows.access_point(access_point.port.port_no)).get()

    def attach(self, mn: str, mar: str) -> Events:
        """Attach a mobile node that is not attached anywhere."""
        with self._claimed(mn) as node:
            if node.mar is not None:
                raise ValueError(f"{mn} is attached to {node.mar} already")
            yield from self._authenticate(mn, self._known(mar))
            up = self._arrive(mn, self._known(mar), carrier=True)
        yield up

    def detach(self, mn: str) -> Events:
        """Take a mobile node out of coverage."""
        with self._claimed(mn) as node:
            if node.mar is None:
                raise ValueError(f"{mn} is not attached")
            down = self._leave(mn, carrier=True)
        yield down

    def move(self, mn: str, to: str, gap_ns: int, carrier: str) -> Events:
        """Hand over: ``carrier`` is ``drop`` (a new network) or ``keep`` (roaming inside one)."""
        with self._claimed(mn) as node:
            if node.mar is None or node.mar == self._known(to):
                raise ValueError(f"{mn} cannot move to {to} from {node.mar or 'nowhere'}")
            down = self._leave(mn, carrier=carrier == "drop")
            yield down
            _sleep_until(down["time"] + gap_ns)
            yield from self._authenticate(mn, to)
            up = self._arrive(mn, to, carrier=carrier == "drop")
        yield up

    def announce(self, mn: str, to: str) -> Events:
        """Say where a mobile node is going to be handed over; nothing changes yet."""
        with self._claimed(mn) as node:
            if node.mar is None or node.mar == self._known(to):
                raise ValueError(f"{mn} cannot move to {to} from {node.mar or 'nowhere'}")
            delivered = self._trigger("link_going_down", mn, node.mar, to=to)
            yield {
                "event": "link_going_down",
                "mn": mn,
                "mar": node.mar,
                "to": to,
                "time": time.monotonic_ns(),
                "delivered": delivered,
            }

    def report(self, mar: str) -> Events:
        """Give a MAR that has just come up a Link_Up trigger for each node that is there."""
        for mn, node in self._mobile_nodes.items():
            if node.mar == self._known(mar):
                self._trigger("link_up", mn, mar)
        yield from ()

    @contextlib.contextmanager
    def _claimed(self, mn: str) -> Iterator[MobileNode]:
        """The mobile node, to which nothing else happens meanwhile."""
        if mn not in self._mobile_nodes:
            raise ValueError(f"there is no mobile node {mn}")
        node = self._mobile_nodes[mn]
        if not node.idle.acquire(blocking=False):
            raise ValueError(f"{mn} is moving")
        try:
            yield node
        finally:
            node.idle.release()

    def _known(self, mar: str) -> str:
        if mar not in self._access_points:
            raise ValueError(f"there is no access point of {mar}")
        return mar

    def _authenticate(self, mn: str, mar: str) -> Events:
        """The time between a node's association and the use of its link, if there is one."""
        if self._authentication_ns:
            now = time.monotonic_ns()
            yield {"event": "associated", "mn": mn, "mar": mar, "time": now, "delivered": False}
            _sleep_until(now + self._authentication_ns)

    def _arrive(self, mn: str, mar: str, *, carrier: bool) -> dict[str, Any]:
        """Flows first, carrier last: what the node sends when it sees that must get through."""
        node, access_point = self._mobile_nodes[mn], self._access_points[mar]
        port, at = node.port.port_no, access_point.port.port_no
        node.mar = mar
        with self._changing:
            access_point.members.add(port)
            messages = self._flows.associate(port, node.link_layer_address, at)
            messages.append(self._flows.members(at, access_point.members))
            obeyed = self._send(messages)
        return self._changed("l2_up", mn, mar, self._settle(node, obeyed, carrier))

    def _settle(self, node: MobileNode, obeyed: Any, carrier: bool) -> int:
        """Give the node carrier where everything is as the flows say; the time of that."""
        obeyed.get()
        flow_cache.purge()
        if carrier:
            return int(self._send([self._flows.carrier(node.port, up=True)]).get())
        return time.monotonic_ns()

    def _leave(self, mn: str, *, carrier: bool) -> dict[str, Any]:
        node = self._mobile_nodes[mn]
        mar, node.mar = str(node.mar), None
        node.previous = mar
        access_point = self._access_points[mar]
        port, at = node.port.port_no, access_point.port.port_no
        with self._changing:
            access_point.members.discard(port)
            messages = [self._flows.carrier(node.port, up=False)] if carrier else []
            messages.append(self._flows.dissociate(port))
            messages.append(self._flows.members(at, access_point.members))
            obeyed = self._send(messages)
        now = obeyed.get()
        if not carrier:
            flow_cache.purge()
            now = time.monotonic_ns()
        return self._changed("l2_down", mn, mar, now)

    def _changed(self, event: str, mn: str, mar: str, now: int) -> dict[str, Any]:
        previous = self._mobile_nodes[mn].previous
        more = {"previous": previous} if event == "l2_up" and previous else {}
        delivered = self._trigger("link" + event.removeprefix("l2"), mn, mar, **more)
        return {"event": event, "mn": mn, "mar": mar, "time": now, "delivered": delivered}

    def _trigger(self, trigger: str, mn: str, mar: str, **more: str) -> bool:
        """Tell the agents of both ends, if they run; whether the MAR's could take the trigger."""
        address = self._mobile_nodes[mn].link_layer_address
        message = {"trigger": trigger, "mn": mn, "mar": mar, "link_layer_address": address, **more}
        data = json.dumps(message).encode()
        delivered = self._tell(mar, data)
        self._tell(mn, data)
        return delivered

    def _tell(self, node: str, data: bytes) -> bool:
        try:
            self._triggers.sendto(data, str(self._directory / f"{node}.trigger"))
        except (FileNotFoundError, ConnectionRefusedError, BlockingIOError):
            return False
        return True


def _sleep_until(deadline_ns: int) -> None:
    hub.sleep(max(0, deadline_ns - time.monotonic_ns()) / 1e9)
