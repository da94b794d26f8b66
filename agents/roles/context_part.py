"""Context transfer by CXTP in a MAR: its core on SCTP associations with the other MARs."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from ipaddress import IPv6Address
from pathlib import Path

from agents.core import Action
from agents.cxtp.actions import ContextArrived, SendContext
from agents.cxtp.transfer import ContextTransfer, Records
from agents.kernel.sockets import ProtocolSocket
from agents.mobility.actions import ServingStarted
from agents.mobility.mar import MarCore
from agents.roles.daemon import BUDGET, Daemon
from agents.sctp.actions import Deliver, SendPacket
from agents.sctp.endpoint import Endpoint, EndpointConfig
from agents.wire import cxtp, ipv6, sctp
from agents.wire.errors import MalformedPacket

_KERNELS_OWN = Path("/proc/sys/net/sctp")
"""There if the kernel speaks SCTP itself: it would abort what it knows nothing of."""


class ContextPart:
    """Joins ``ContextTransfer`` to an SCTP endpoint, and that to a raw socket.

    The ``core`` is asked what a node listens to that was here, ``arrived`` told of one that came.
    The associations are made at the start, by whichever end is first; what comes in from
    ``untrusted`` is dropped. With a ``key`` every message is authenticated (RFC 4895).
    """

    def __init__(
        self,
        daemon: Daemon,
        address: IPv6Address,
        peers: frozenset[IPv6Address],
        untrusted: int,
        core: MarCore,
        arrived: Callable[[str, Records], None],
        key: str | None = None,
    ) -> None:
        if _KERNELS_OWN.exists():
            raise RuntimeError(
                "the kernel speaks SCTP itself: unload its module (modprobe -r sctp)"
            )
        self._daemon = daemon
        self._untrusted = untrusted
        self._core = core
        self._transfer = ContextTransfer(peers, core.context)
        shared = key.encode() if key else None
        config = EndpointConfig(cxtp.PORT, peers, os.urandom(32), shared)
        self._endpoint = Endpoint(config, random.SystemRandom())
        self._socket = ProtocolSocket(address, sctp.PROTOCOL)
        daemon.on(SendPacket, self._send_packet)
        daemon.on(Deliver, self._deliver)
        daemon.on(SendContext, self._send)
        daemon.on(ServingStarted, self._came)
        daemon.on(ContextArrived, lambda action: arrived(action.identifier, action.records))
        daemon.watch(self._socket.fileno(), self._readable)
        for peer in peers:
            self._associate(self._endpoint.connect(peer, time.monotonic_ns()))

    def _came(self, action: ServingStarted) -> None:
        """A node is served here, perhaps since it was at another MAR."""
        if action.previous is None:
            return
        # It had an address of the prefix there, with the identifier of its link-layer address.
        mobile_node, now = action.mobile_node, time.monotonic_ns()
        left = self._core.anchors(mobile_node.identifier)[-1]
        address = ipv6.of_interface(left.prefix, mobile_node.link_layer_address)
        request = self._transfer.request(mobile_node.identifier, address, action.previous, now)
        self._carry_out(request)

    def close(self) -> None:
        """End the associations."""
        self._associate(self._endpoint.shutdown(time.monotonic_ns()))

    def last_words(self) -> dict[str, int]:
        """What was dropped."""
        endpoint = self._endpoint
        return {
            "packets": endpoint.dropped,
            "unauthentic": endpoint.unauthentic,
            "messages": self._transfer.dropped,
        }

    def _carry_out(self, answer: list[Action]) -> None:
        self._daemon.carry_out(self._transfer, answer)

    def _associate(self, answer: list[Action]) -> None:
        self._daemon.carry_out(self._endpoint, answer)

    def _readable(self) -> None:
        for _ in range(BUDGET):
            received = self._socket.receive()
            if received is None:
                return
            if received.interface == self._untrusted:
                self._endpoint.dropped += 1
                continue
            try:
                packet = sctp.decode(received.message)
            except MalformedPacket:
                self._daemon.count_malformed()
                continue
            now = time.monotonic_ns()
            self._associate(self._endpoint.receive(packet, received.source, now))

    def _send_packet(self, action: SendPacket) -> None:
        self._socket.send(sctp.encode(action.packet), action.destination)

    def _send(self, action: SendContext) -> None:
        message = cxtp.encode(action.message)
        self._associate(self._endpoint.send(action.peer, message, time.monotonic_ns()))

    def _deliver(self, action: Deliver) -> None:
        try:
            message = cxtp.decode(action.message)
        except MalformedPacket:
            self._daemon.count_malformed()
            return
        self._carry_out(self._transfer.receive(message, action.peer, time.monotonic_ns()))
