"""Handovers of many mobile nodes as a CMD core meets them, timed without those who cause them.

Each mobile node goes round ``previous + 1`` MARs, so it has that many previous MARs, once it has
been at all of them. MARs answer at once; messages are made before, and read after, the clock runs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from random import Random

from agents.core import SECOND
from agents.mobility.actions import MobileNode, Send, Store
from agents.mobility.anchors import Anchor
from agents.mobility.cmd import CmdCore
from agents.mobility.config import CmdConfig, Variant
from agents.mobility.messages import acknowledgement, registration
from agents.wire.addresses import shared_address
from agents.wire.mobility import BindingUpdate, Message, Status, decode, encode

CMD = IPv6Address("2001:db8:ffff::c")
LIFETIME_S = 3600
_MARS = int(IPv6Address("2001:db8:ffff::1:0"))
_POOLS = int(IPv6Address("2001:d00::"))
_LINK_LOCALS = int(IPv6Address("fe80::5213:0"))
_MAC = bytes.fromhex("00005e005213")
_BATCH = 16
"""Handovers under way at a time."""

Packet = tuple[Message | bytes, IPv6Address]
"""A message, and where it comes from, or goes to."""


@dataclass
class Spent:
    """What a number of handovers took."""

    handovers: int = 0
    seconds: float = 0.0
    messages: int = 0
    """In and out."""

    @property
    def rate(self) -> float:
        """Handovers a second."""
        return self.handovers / self.seconds


class Load:
    """A CMD core and all who talk to it. With ``octets`` messages go in and out as on the wire."""

    def __init__(
        self,
        nodes: int,
        mars: int,
        previous: int,
        *,
        variant: Variant = Variant.PROXY,
        octets: bool = False,
    ) -> None:
        mar_addresses = (IPv6Address(_MARS + number) for number in range(mars))
        self._addresses = [shared_address(address.packed) for address in mar_addresses]
        mars_known = frozenset(self._addresses)
        self.core = CmdCore(CmdConfig(CMD, LIFETIME_S, mars=mars_known, variant=variant))
        self._stops = previous + 1
        self._stays = bytearray(nodes)
        """At which of its MARs each mobile node is."""
        self.octets = octets
        self.store: Callable[[Store], None] = lambda action: None
        """Carries out the core's Store."""
        self._random = Random(1)
        self._now = SECOND
        self._sequence = 0

    def attach_all(self) -> Spent:
        """Every mobile node comes up somewhere, or goes to its next MAR."""
        return self._run(range(len(self._stays)))

    def hand_over(self, count: int) -> Spent:
        """So many times some mobile node goes to its next MAR."""
        nodes = len(self._stays)
        return self._run(self._random.randrange(nodes) for _ in range(count))

    def _run(self, nodes: Iterable[int]) -> Spent:
        spent = Spent()
        batch: list[Packet] = []
        for node in nodes:
            batch.append(self._update(node))
            if len(batch) == _BATCH:
                self._exchange(batch, spent)
                batch = []
        self._exchange(batch, spent)
        return spent

    def _exchange(self, updates: list[Packet], spent: Spent) -> None:
        """PBUs in, PBAs and PBUs out; PBAs in."""
        spent.handovers += len(updates)
        answers = []
        for data, mar in self._timed(updates, spent):
            message = decode(data, CMD, mar) if isinstance(data, bytes) else data
            if isinstance(message, BindingUpdate):
                answer = acknowledgement(message, Status.ACCEPTED, message.lifetime)
                answers.append(self._packet(answer, mar))
        self._timed(answers, spent)

    def _timed(self, arrivals: list[Packet], spent: Spent) -> list[Packet]:
        """Have the core get them all; what it sends."""
        core, store, octets, now = self.core, self.store, self.octets, self._now
        departures: list[Packet] = []
        began = time.process_time()
        for data, source in arrivals:
            message = decode(data, source, CMD) if isinstance(data, bytes) else data
            for action in core.receive(message, source, now):
                if isinstance(action, Send):
                    out: Message | bytes = action.message
                    if octets:
                        out = encode(action.message, CMD, action.destination)
                    departures.append((out, action.destination))
                elif isinstance(action, Store):
                    store(action)
        spent.seconds += time.process_time() - began
        spent.messages += len(arrivals) + len(departures)
        return departures

    def _update(self, node: int) -> Packet:
        """The PBU about a mobile node's next attachment."""
        stop = self._stays[node] = (self._stays[node] + 1) % self._stops
        mar = (node * 7919 + stop) % len(self._addresses)
        mobile_node = MobileNode(f"mn{node}@example.net", b"\x02" + node.to_bytes(5, "big"))
        anchor = Anchor(
            self._addresses[mar],
            IPv6Network((_POOLS + (mar << 88) + (node << 64), 64)),
            IPv6Address(_LINK_LOCALS + mar),
            _MAC,
        )
        self._now += SECOND // 20_000
        self._sequence = (self._sequence + 1) % (1 << 16)
        message = registration(
            mobile_node, anchor, self._sequence, LIFETIME_S, self._now, again=False
        )
        return self._packet(message, anchor.address)

    def _packet(self, message: Message, source: IPv6Address) -> Packet:
        return (encode(message, source, CMD) if self.octets else message), source
