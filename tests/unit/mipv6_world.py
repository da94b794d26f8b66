"""The cores of Mobile IPv6, and the messages under way between them, whose fate a test decides."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Any

from hypothesis import strategies as st

from agents.core import MILLISECOND, SECOND, Action
from agents.mipv6.actions import Bind, GiveUp, LeaveHome, ReturnHome, Send, Unbind, UseTunnel
from agents.mipv6.home_agent import HomeAgentCore
from agents.mipv6.mobile_node import MobileNodeCore
from agents.mipv6.packets import Packet
from agents.wire.mobility import BindingUpdate

LIFETIME = 40
"""Of the bindings, in seconds."""
LONGEST_TIMEOUT = 32
"""Between two repetitions of a Binding Update, in seconds (RFC 6275, MAX_BINDACK_TIMEOUT)."""
T0 = 1000 * SECOND

deliveries = st.tuples(st.just("deliver"), st.integers(0, 9), st.booleans())
losses = st.tuples(st.just("lose"), st.integers(0, 9))
waits = st.tuples(st.just("wait"), st.sampled_from((MILLISECOND, SECOND, 20 * SECOND)))


class World(ABC):
    """A mobile node and whom it may send Binding Updates to, by their addresses."""

    def __init__(self, node: MobileNodeCore, agents: Mapping[IPv6Address, HomeAgentCore]) -> None:
        self.now = T0
        self.node = node
        self.agents = dict(agents)
        self.at: int | None = None
        """The access router where the node is."""
        self.under_way: list[Packet] = []
        self.sent: list[Packet] = []
        self.bound: dict[IPv6Address, IPv6Address] = {}
        self.tunnelled: set[IPv6Address] = set()

    @abstractmethod
    def move(self, router: int | None) -> None:
        """Bring the node to an access router; None: to nowhere."""

    @abstractmethod
    def leads_to_node(self, destination: IPv6Address) -> bool:
        """Whether the node, which is somewhere, gets what is sent to an address."""

    def do(self, kind: str, *arguments: Any) -> None:
        """Do what hypothesis chose."""
        if kind == "move":
            self.move(*arguments)
        elif kind == "wait":
            self.wait(*arguments)
        elif self.under_way:
            index = arguments[0] % len(self.under_way)
            if kind == "deliver":
                self.deliver(index, keep=arguments[1])
            else:
                self.under_way.pop(index)

    def deliver(self, index: int, *, keep: bool) -> None:
        """Let a message arrive; ``keep``: it may do so again."""
        packet = self.under_way[index] if keep else self.under_way.pop(index)
        if isinstance(packet.message, BindingUpdate):
            self.carry_out(self.agents[packet.destination].receive(packet, self.now))
        elif self.at is not None and self.leads_to_node(packet.destination):
            self.carry_out(self.node.receive(packet, self.now))

    def exchange(self) -> None:
        """Let all arrive, and all that is answered."""
        while self.under_way:
            self.deliver(0, keep=False)

    def wait(self, ns: int) -> None:
        """Let time pass, in which nothing arrives."""
        self.now += ns
        for core in (self.node, *self.agents.values()):
            self.carry_out(core.timer(self.now))

    def settle(self, seconds: int) -> None:
        """What is under way is lost, and then nothing any more for so long."""
        self.under_way.clear()
        for _ in range(seconds):
            self.wait(SECOND)
            self.exchange()

    def carry_out(self, actions: list[Action]) -> None:
        """Do what a core has asked for."""
        for action in actions:
            if isinstance(action, Send):
                self.under_way.append(action.packet)
                self.sent.append(action.packet)
            elif isinstance(action, UseTunnel):
                self.tunnelled.add(action.home_address)
            elif isinstance(action, (LeaveHome, ReturnHome, GiveUp)):
                self.tunnelled.discard(action.home_address)
            elif isinstance(action, Bind):
                self.bound[action.home_address] = action.care_of
            elif isinstance(action, Unbind):
                del self.bound[action.home_address]  # one that is not there would be an error
