"""What every domain has in virtual time: the clock, the network, the log, and who is where."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address
from random import Random

from agents.core import Action, Log
from agents.mobility.actions import MobileNode, Send
from agents.wire.mobility import Message, decode, encode
from emu.simulator.engine import Engine
from emu.simulator.network import Network, Quality


@dataclass(frozen=True)
class Event:
    """One line of the event log."""

    time: int
    node: str
    log: Log


class World:
    """Everything but the nodes of a domain.

    ``encoded`` says whether messages travel as octets; as objects they travel faster, in real time.
    """

    def __init__(self, seed: int, quality: Quality, *, encoded: bool) -> None:
        self.engine = Engine()
        self.network: Network[Message | bytes] = Network(self.engine, Random(seed), quality)
        self.events: list[Event] = []
        self.where: dict[str, int] = {}
        """Where each mobile node really is; one that is nowhere is not in it."""
        self._encoded = encoded
        self._nodes: dict[str, MobileNode] = {}

    def detach(self, mn: str) -> int | None:
        """The mobile node goes off; the number of the router where it was, which is not told."""
        return self.where.pop(mn, None)

    def change_quality(self, quality: Quality) -> None:
        """Have messages treated another way from now on."""
        self.network.change(quality)

    def logged(self, kind: str) -> list[Event]:
        """The lines of this kind in the event log."""
        return [event for event in self.events if event.log.kind == kind]

    def mobile_node(self, mn: str) -> MobileNode:
        """The mobile node of this name."""
        if mn not in self._nodes:
            self._nodes[mn] = MobileNode(mn, b"\x02" + len(self._nodes).to_bytes(5, "big"))
        return self._nodes[mn]

    def signal(self, action: Action, address: IPv6Address, node: str) -> bool:
        """Send or log, if that is what the action is."""
        if isinstance(action, Send):
            message = action.message
            data = encode(message, address, action.destination) if self._encoded else message
            self.network.send(data, address, action.destination)
        elif isinstance(action, Log):
            self.events.append(Event(self.engine.now, node, action))
        else:
            return False
        return True

    @staticmethod
    def unpack(data: Message | bytes, source: IPv6Address, destination: IPv6Address) -> Message:
        """A message as it was sent."""
        return decode(data, source, destination) if isinstance(data, bytes) else data
