"""A mobile node and its home agents, with the fate of every message chosen by hypothesis.

In whatever way messages were lost, delayed, doubled and overtaken: when the node stays where it is
and nothing is lost any more, each home agent knows where it is.
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from hypothesis import given
from hypothesis import strategies as st

from agents.core import MILLISECOND, SECOND, Action
from agents.mipv6.actions import Bind, GiveUp, LeaveHome, ReturnHome, Send, Unbind, UseTunnel
from agents.mipv6.config import HomeAgentConfig, MobileNodeConfig
from agents.mipv6.home_agent import HomeAgentCore
from agents.mipv6.mobile_node import MobileNodeCore
from agents.mipv6.packets import Packet
from agents.mipv6.update_list import Phase
from agents.wire.mobility import BindingUpdate

ROUTERS = (1, 2, 3)
LIFETIME = 40
T0 = 1000 * SECOND


def agent_of(router: int) -> IPv6Address:
    return IPv6Address(f"2001:db8:ffff::{router}")


def address_at(router: int) -> IPv6Address:
    return IPv6Address(f"2001:db8:{router}:1::7")


class Domain:
    """The cores, and the messages that are under way."""

    def __init__(self) -> None:
        self.now = T0
        self.node = MobileNodeCore(MobileNodeConfig("mn1", LIFETIME))
        self.agents = {
            agent_of(router): HomeAgentCore(
                HomeAgentConfig(agent_of(router), IPv6Network(f"2001:db8:{router}::/48"), LIFETIME)
            )
            for router in ROUTERS
        }
        self.at: int | None = None
        self.under_way: list[Packet] = []
        self.tunnelled: set[IPv6Address] = set()
        self.bound: dict[IPv6Address, IPv6Address] = {}

    def move(self, router: int | None) -> None:
        self.at = router
        if router is None:
            self.carry_out(self.node.moved(None, self.now))
        else:
            self.carry_out(self.node.moved(address_at(router), self.now, agent_of(router)))

    def deliver(self, index: int, *, keep: bool) -> None:
        packet = self.under_way[index] if keep else self.under_way.pop(index)
        if isinstance(packet.message, BindingUpdate):
            self.carry_out(self.agents[packet.destination].receive(packet, self.now))
        elif self.at is not None and packet.destination == address_at(self.at):
            self.carry_out(self.node.receive(packet, self.now))

    def wait(self, ns: int) -> None:
        self.now += ns
        for core in (self.node, *self.agents.values()):
            self.carry_out(core.timer(self.now))

    def settle(self) -> None:
        """Lose nothing for more than a lifetime and the longest timeout."""
        self.under_way.clear()
        for _ in range(2 * (LIFETIME + 32)):
            self.wait(SECOND)
            while self.under_way:
                self.deliver(0, keep=False)

    def carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                self.under_way.append(action.packet)
            elif isinstance(action, UseTunnel):
                self.tunnelled.add(action.home_address)
            elif isinstance(action, (LeaveHome, ReturnHome, GiveUp)):
                self.tunnelled.discard(action.home_address)
            elif isinstance(action, Bind):
                self.bound[action.home_address] = action.care_of
            elif isinstance(action, Unbind):
                del self.bound[action.home_address]  # one that is not there would be an error


moves = st.tuples(st.just("move"), st.sampled_from((*ROUTERS, None)))
deliveries = st.tuples(st.just("deliver"), st.integers(0, 9), st.booleans())
losses = st.tuples(st.just("lose"), st.integers(0, 9))
waits = st.tuples(st.just("wait"), st.sampled_from((MILLISECOND, SECOND, 20 * SECOND)))
releases = st.tuples(st.just("release"), st.sampled_from(ROUTERS))


@given(
    st.lists(st.one_of(moves, deliveries, losses, waits, releases), max_size=40),
    st.sampled_from(ROUTERS),
)
def test_in_the_end_every_home_agent_knows(steps, last):
    domain = Domain()
    domain.move(1)
    for kind, *arguments in steps:
        if kind == "move":
            domain.move(arguments[0])
        elif kind == "wait":
            domain.wait(arguments[0])
        elif kind == "release":
            domain.carry_out(domain.node.release(address_at(arguments[0]), domain.now))
        elif domain.under_way:
            index = arguments[0] % len(domain.under_way)
            if kind == "deliver":
                domain.deliver(index, keep=arguments[1])
            else:
                domain.under_way.pop(index)
    domain.move(last)
    domain.settle()

    here, homes = address_at(last), domain.node.bindings()
    away = {home for home in homes if home != here}
    assert homes[here].phase is Phase.HOME
    assert {homes[home].phase for home in away} <= {Phase.BOUND}
    assert domain.bound == dict.fromkeys(away, here)
    assert domain.tunnelled == away
    known = {h: c for agent in domain.agents.values() for h, c in agent.bindings().items()}
    assert known == domain.bound
