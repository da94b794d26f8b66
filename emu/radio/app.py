"""The radio: an OpenFlow application that alone decides which mobile node is at which access point.

Access routers learn of it by Link_Going_Down, Link_Down and Link_Up triggers, as IEEE 802.21 would
give them. The conductor asks for it: JSON over a socket, an object a line. A request is ``{"id",
"request": "configure" | "attach" | "announce" | "move" | "detach" | "report" | "refused", …}``;
answers are ``{"id", "event": {…}}`` as they happen and, last, ``{"id", "done"}`` or ``{"id",
"error"}``. To "refused" ``done`` is how many packets the source guard has dropped, by
``node.reason``.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Network
from pathlib import Path
from typing import Any

from emu.radio import flow_cache
from emu.radio.access import AccessNetwork, AccessPoint, Events, MobileNode
from emu.radio.flows import REASONS, Flows
from emu.radio.framework import App, handler, hub, ofp_event, ofproto

_TCP_LISTEN = "0A"
"""The state of a listening socket in /proc/net/tcp."""
_POLL_S = 0.005


class Radio(App):  # type: ignore[misc]
    """Drives one switch as the conductor asks."""

    OFP_VERSIONS = [ofproto.OFP_VERSION]

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._conductor: socket.socket
        self._speaking = hub.Semaphore(1)
        self._access: AccessNetwork
        self._ports: dict[str, Any] = {}
        self._connected = hub.Queue()
        self._barriers: dict[int, Any] = {}
        self._counts = hub.Queue()
        self._refused: Counter[str] = Counter()

    @handler.set_ev_cls(ofp_event.EventOFPPortDescStatsReply, handler.CONFIG_DISPATCHER)  # type: ignore[untyped-decorator]
    def _on_ports(self, event: Any) -> None:
        """The switch has connected and describes its ports."""
        self._ports.update({port.name.decode(): port for port in event.msg.body})
        if not event.msg.flags & ofproto.OFPMPF_REPLY_MORE:
            self._connected.put(event.msg.datapath)

    @handler.set_ev_cls(ofp_event.EventOFPBarrierReply, handler.MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _on_barrier(self, event: Any) -> None:
        self._barriers.pop(event.msg.xid).put(time.monotonic_ns())

    @handler.set_ev_cls(ofp_event.EventOFPFlowRemoved, handler.MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _on_removed(self, event: Any) -> None:
        """A flow of the source guard has gone, with the node's attachment."""
        self._count(self._refused, event.msg)

    @handler.set_ev_cls(ofp_event.EventOFPFlowStatsReply, handler.MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _on_counts(self, event: Any) -> None:
        self._counts.put(event.msg)

    @handler.set_ev_cls(ofp_event.EventOFPErrorMsg, handler.MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _on_error(self, event: Any) -> None:
        message = event.msg
        self._tell({"failure": f"the switch refused: error {message.type}.{message.code}"})

    def _send(self, messages: list[Any]) -> Any:
        """Send the messages; the queue returned gets the time (ns) when the switch had obeyed."""
        barrier = self._datapath.ofproto_parser.OFPBarrierRequest(self._datapath)
        self._datapath.set_xid(barrier)
        obeyed = self._barriers[barrier.xid] = hub.Queue()
        for message in [*messages, barrier]:
            self._datapath.send_msg(message)
        return obeyed

    def serve(self, descriptor: int, port: int) -> None:
        """Serve the conductor on this socket; its end is this process's end."""
        self._conductor = socket.socket(fileno=descriptor)
        hub.spawn(self._announce, port)
        hub.spawn(self._serve)

    def _announce(self, port: int) -> None:
        """Say when a switch may connect: one that came too early would lose a second."""
        while not _listening(port):
            hub.sleep(_POLL_S)
        self._tell({"listening": port})

    def _serve(self) -> None:
        with self._conductor.makefile(encoding="utf-8") as lines:
            for line in lines:
                hub.spawn(self._answer, json.loads(line))
        os._exit(0)

    def _answer(self, request: dict[str, Any]) -> None:
        number = request.pop("id")
        try:
            if request["request"] == "refused":
                self._tell({"id": number, "done": self._ask_refused()})
                return
            for event in self._events(request.pop("request"), request):
                self._tell({"id": number, "event": event})
        except ValueError as error:
            self._tell({"id": number, "error": str(error)})
        else:
            self._tell({"id": number, "done": True})

    def _events(self, request: str, arguments: dict[str, Any]) -> Events:
        if request == "configure":
            return self._configure(**arguments)
        actions: dict[str, Callable[..., Events]] = {
            "attach": self._access.attach,
            "announce": self._access.announce,
            "move": self._access.move,
            "detach": self._access.detach,
            "report": self._access.report,
        }
        return actions[request](**arguments)

    def _configure(
        self,
        directory: str,
        mobile_nodes: dict[str, list[str]],
        access_points: dict[str, str],
        authentication_ns: int,
        routers: list[str] | None,
    ) -> Events:
        """Wait for the switch, and find the named ports on it; nobody reaches anybody yet.

        ``routers``: the prefixes of the routers' addresses; None: there is no source guard.
        """
        self._datapath: Any = self._connected.get()
        nodes = {
            name: MobileNode(self._ports[port], address)
            for name, (port, address) in mobile_nodes.items()
        }
        points = {name: AccessPoint(self._ports[port]) for name, port in access_points.items()}
        self._names = {node.port.port_no: name for name, node in nodes.items()}
        guarded = None if routers is None else [IPv6Network(prefix) for prefix in routers]
        self._flows = flows = Flows(self._datapath, guarded)
        self._access = AccessNetwork(
            flows, self._send, nodes, points, Path(directory), authentication_ns
        )
        yield from ()

    def _ask_refused(self) -> dict[str, int]:
        """What the source guard has dropped so far."""
        flow_cache.purge()  # which brings the flows' counts up to date
        self._datapath.send_msg(self._flows.counts())
        refused, more = self._refused.copy(), True
        while more:
            message = self._counts.get()
            more = message.flags & ofproto.OFPMPF_REPLY_MORE
            for flow in message.body:
                self._count(refused, flow)
        return dict(refused)

    def _count(self, refused: Counter[str], flow: Any) -> None:
        if flow.priority in REASONS and flow.packet_count:
            refused[f"{self._names[flow.cookie]}.{REASONS[flow.priority]}"] += flow.packet_count

    def _tell(self, message: dict[str, Any]) -> None:
        with self._speaking:
            self._conductor.sendall(json.dumps(message).encode() + b"\n")


def _listening(port: int) -> bool:
    """Whether a socket of this network namespace listens on the TCP port."""
    sockets = Path("/proc/self/net/tcp").read_text(encoding="utf-8").splitlines()[1:]
    fields = (line.split() for line in sockets)
    return any(
        local.endswith(f":{port:04X}") and state == _TCP_LISTEN for _, local, _, state, *_ in fields
    )
