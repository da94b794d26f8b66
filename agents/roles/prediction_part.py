"""Fast handovers in a MAR: their core on the signalling, the multicast part and a buffer."""

from __future__ import annotations

import time
from ipaddress import IPv6Address
from typing import Any

from agents.core import Action
from agents.fast_handover import actions
from agents.fast_handover.buffer import Buffers
from agents.fast_handover.handover import FastHandover, FastHandoverConfig
from agents.kernel.sink import Sink
from agents.mobility.actions import GoingDown, MobileNode, ServingEnded
from agents.roles.daemon import Daemon
from agents.roles.forwarding_part import ForwardingPart
from agents.roles.link_port import LinkPort
from agents.roles.multicast_part import MulticastPart
from agents.roles.signalling import Signalling
from agents.roles.upstream_changes import UpstreamChanges
from agents.wire import fast_handover

WAITING = "waiting"
"""The link on which nodes listen that have not come yet, unless they are sent what they miss."""
_WAITS = {"bicast": False, "on": True, "buffer": True}


class PredictionPart:
    """What is done about nodes that are announced to leave and to come.

    ``mode`` "bicast": what a node listens to goes out on the access link before it is there; "on":
    it is had already, but not sent; "buffer": neither, but it is kept, and not lost.
    """

    def __init__(
        self,
        daemon: Daemon,
        config: dict[str, Any],
        address: IPv6Address,
        peers: frozenset[IPv6Address],
        signalling: Signalling,
        forwarding: ForwardingPart,
        multicast: MulticastPart,
        port: LinkPort,
    ) -> None:
        self._daemon = daemon
        self._address = address
        self._signalling = signalling
        self._forwarding = forwarding
        self._multicast = multicast
        self._port = port
        self._lifetime: int = config["lifetime"]
        self._keeps = config["mode"] == "buffer"
        self._buffers = Buffers(config["buffer_size"])
        self._core = FastHandover(FastHandoverConfig(peers, self._lifetime, self._keeps))
        self._mobile_nodes: dict[str, MobileNode] = {}
        self._expected: dict[str, actions.Expect] = {}
        self._place = port.name
        if _WAITS[config["mode"]]:
            self._place = WAITING
            sink = Sink(WAITING)
            multicast.add_link(WAITING, upstream=False, downstream=True)
            self._changes = UpstreamChanges(
                daemon, multicast, sink, config["buffer_size"], self._buffers.put
            )
        for message_type in fast_handover.TYPES:
            signalling.on_type(message_type, self._receive)
        daemon.on(GoingDown, self._going_down)
        daemon.on(ServingEnded, self._gone)
        daemon.on(actions.SendHandover, self._send)
        daemon.on(actions.HoldTunnel, self._hold)
        daemon.on(actions.ReleaseTunnel, self._release)
        daemon.on(actions.Leaving, self._leave)
        daemon.on(actions.Staying, self._stay)
        daemon.on(actions.Expect, self._expect)
        daemon.on(actions.Arrived, self._arrived)
        daemon.on(actions.NotExpected, self._not_expected)

    def _going_down(self, action: GoingDown) -> None:
        """A mobile node that is here will be handed over to another MAR."""
        mobile_node, to = action.mobile_node, action.to
        self._mobile_nodes[mobile_node.identifier] = mobile_node
        records = self._multicast.listening(mobile_node.link_layer_address, self._port.name)
        self._carry_out(
            self._core.announce(
                mobile_node.identifier,
                mobile_node.link_layer_address,
                to,
                records,
                time.monotonic_ns(),
            )
        )

    def link_up(self, mobile_node: MobileNode) -> None:
        """A mobile node is on the access link, and the multicast part knows."""
        self._carry_out(self._core.arrived(mobile_node.identifier, time.monotonic_ns()))

    def _gone(self, action: ServingEnded) -> None:
        """A mobile node is served elsewhere, and the multicast part knows."""
        identifier = action.mobile_node.identifier
        self._carry_out(self._core.ended(identifier, time.monotonic_ns()))

    def last_words(self) -> dict[str, Any]:
        """What the state in the log says of fast handovers."""
        return {"counters": self._core.counters, "buffer_dropped": self._buffers.dropped}

    def _carry_out(self, answer: list[Action]) -> None:
        self._daemon.carry_out(self._core, answer)

    def _receive(self, data: bytes, source: IPv6Address, destination: IPv6Address) -> None:
        message = fast_handover.decode(data, source, destination)
        self._carry_out(self._core.receive(message, source, time.monotonic_ns()))

    def _send(self, action: actions.SendHandover) -> None:
        data = fast_handover.encode(action.message, self._address, action.destination)
        self._signalling.send(data, action.destination)

    def _hold(self, action: actions.HoldTunnel) -> None:
        self._forwarding.hold_tunnel(action.peer, _holder(action.identifier))

    def _release(self, action: actions.ReleaseTunnel) -> None:
        self._forwarding.release_tunnel(action.peer, _holder(action.identifier))

    def _leave(self, action: actions.Leaving) -> None:
        if self._keeps:
            tunnel = self._forwarding.tunnels[action.peer].name
            address = self._mobile_nodes[action.identifier].link_layer_address
            self._multicast.leaving(address, self._port.name, tunnel)

    def _stay(self, action: actions.Staying) -> None:
        address = self._mobile_nodes[action.identifier].link_layer_address
        self._multicast.staying(address, self._port.name)

    def _expect(self, action: actions.Expect) -> None:
        self._expected[action.identifier] = action
        if self._keeps:
            self._buffers.open(action.identifier, action.records)
        self._multicast.expected(
            action.link_layer_address,
            self._place,
            self._forwarding.tunnels[action.previous].name,
            action.records,
            self._lifetime,
        )

    def _arrived(self, action: actions.Arrived) -> None:
        """Give it what was kept, then let the kernel go on, then what came in between."""
        expected = self._expected.pop(action.identifier)
        if self._keeps:
            self._deliver(expected)
        self._multicast.arrived(
            expected.link_layer_address,
            self._place,
            self._port.name,
            self._forwarding.tunnels[expected.previous].name,
            expected.records,
        )
        if self._keeps:
            self._deliver(expected)
            self._buffers.close(action.identifier)

    def _deliver(self, expected: actions.Expect) -> None:
        """Send a node what was kept for it, in frames to it alone (RFC 6085)."""
        self._changes.drain()
        packets = self._buffers.take(expected.identifier)
        for packet in packets:
            self._port.send(packet, expected.link_layer_address)
        self._daemon.log.write("buffer_delivered", mn=expected.identifier, packets=len(packets))

    def _not_expected(self, action: actions.NotExpected) -> None:
        expected = self._expected.pop(action.identifier)
        self._buffers.close(action.identifier)
        self._multicast.not_expected(expected.link_layer_address, self._place)
        self._daemon.log.write("not_expected", mn=action.identifier)


def _holder(identifier: str) -> str:
    return f"handover:{identifier}"
