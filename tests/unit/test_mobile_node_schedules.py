"""A mobile node and its home agents, with the fate of every message chosen by hypothesis.

In whatever way messages were lost, delayed, doubled and overtaken: when the node stays where it is
and nothing is lost any more, each home agent knows where it is.
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from hypothesis import given
from hypothesis import strategies as st

from agents.mipv6.config import HomeAgentConfig, MobileNodeConfig
from agents.mipv6.home_agent import HomeAgentCore
from agents.mipv6.mobile_node import MobileNodeCore
from agents.mipv6.update_list import Phase
from tests.unit.mipv6_world import LIFETIME, LONGEST_TIMEOUT, World, deliveries, losses, waits

ROUTERS = (1, 2, 3)


def agent_of(router: int) -> IPv6Address:
    return IPv6Address(f"2001:db8:ffff::{router}")


def address_at(router: int) -> IPv6Address:
    return IPv6Address(f"2001:db8:{router}:1::7")


class Domain(World):
    """With a home agent at each access router."""

    def __init__(self) -> None:
        agents = {
            agent_of(router): HomeAgentCore(
                HomeAgentConfig(agent_of(router), IPv6Network(f"2001:db8:{router}::/48"), LIFETIME)
            )
            for router in ROUTERS
        }
        super().__init__(MobileNodeCore(MobileNodeConfig("mn1", LIFETIME)), agents)

    def move(self, router: int | None) -> None:
        self.at = router
        if router is None:
            self.carry_out(self.node.moved(None, self.now))
        else:
            self.carry_out(self.node.moved(address_at(router), self.now, agent_of(router)))

    def leads_to_node(self, destination: IPv6Address) -> bool:
        return destination == address_at(self.at)


moves = st.tuples(st.just("move"), st.sampled_from((*ROUTERS, None)))
releases = st.tuples(st.just("release"), st.sampled_from(ROUTERS))


@given(
    st.lists(st.one_of(moves, deliveries, losses, waits, releases), max_size=40),
    st.sampled_from(ROUTERS),
)
def test_in_the_end_every_home_agent_knows(steps, last):
    domain = Domain()
    domain.move(1)
    for kind, *arguments in steps:
        if kind == "release":
            domain.carry_out(domain.node.release(address_at(arguments[0]), domain.now))
        else:
            domain.do(kind, *arguments)
    domain.move(last)
    domain.settle(2 * (LIFETIME + LONGEST_TIMEOUT))

    here, homes = address_at(last), domain.node.bindings()
    away = {home for home in homes if home != here}
    assert homes[here].phase is Phase.HOME
    assert {homes[home].phase for home in away} <= {Phase.BOUND}
    assert domain.bound == dict.fromkeys(away, here)
    assert domain.tunnelled == away
    known = {h: c for agent in domain.agents.values() for h, c in agent.bindings().items()}
    assert known == domain.bound
