"""Hierarchical Mobile IPv6 (RFC 5380): a node, its home agent, and MAPs between them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.core import Action, Log
from agents.mipv6.actions import (
    Bind,
    LeaveHome,
    OpenTunnel,
    Send,
    TakeRegional,
)
from agents.mipv6.config import HomeAgentConfig, MobileNodeConfig
from agents.mipv6.hmipv6.anchor_point import AnchorPointCore
from agents.mipv6.hmipv6.node import HierarchicalNode
from agents.mipv6.hmipv6.selection import regional_address, select
from agents.mipv6.home_agent import HomeAgentCore
from agents.mipv6.packets import Packet
from agents.mipv6.update_list import Phase
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingUpdate,
    BindingUpdateFlag,
    Status,
)
from agents.wire.mobility_options import AlternateCareOfAddress
from agents.wire.ndp import MapOption
from tests.unit.mipv6_world import LIFETIME, LONGEST_TIMEOUT, T0, World, deliveries, losses, waits

AGENT = IPv6Address("2001:db8:ffff::8:1")
HOME = IPv6Address("2001:db8:a000::7")
MAPS = {name: IPv6Address(f"2001:db8:b{number}::1") for number, name in enumerate("pq", 1)}
AT = {1: "p", 2: "p", 3: "q", 4: "q", 5: None}
"""The MAP that each access router advertises."""
LINKS = [IPv6Network(f"2001:db8:{router}:1::/64") for router in AT]


def on_link(router: int) -> IPv6Address:
    return IPv6Address(f"2001:db8:{router}:1::7")


def option(name: str, **changes) -> MapOption:
    return replace(MapOption(MAPS[name], 7200, 2, 9), **changes)


def regional(name: str) -> IPv6Address:
    return IPv6Address(int(MAPS[name]) + 6)


def pool(name: str) -> IPv6Network:
    return IPv6Network((MAPS[name], 64), strict=False)


def local_update(flags: BindingUpdateFlag, router: int = 1) -> Packet:
    return Packet(BindingUpdate(1, LIFETIME, flags), on_link(router), MAPS["p"], regional("p"))


class Domain(World):
    """With one home agent, and the MAPs."""

    def __init__(self, map_lifetime: int = LIFETIME) -> None:
        agents: dict[IPv6Address, HomeAgentCore] = {
            AGENT: HomeAgentCore(
                HomeAgentConfig(AGENT, IPv6Network("2001:db8:a000::/48"), LIFETIME)
            )
        }
        for name, address in MAPS.items():
            config = HomeAgentConfig(address, pool(name), map_lifetime)
            agents[address] = AnchorPointCore(config, links=LINKS)
        super().__init__(HierarchicalNode(MobileNodeConfig("mn1", LIFETIME)), agents)
        self.logs: list[Log] = []
        """That a binding is complete."""
        self.carry_out(self.node.add_home(HOME, AGENT, self.now))

    def move(self, router: int | None, **changes) -> None:
        self.at = router
        name = AT.get(router) if router else None
        maps = (option(name, **changes),) if name else ()
        care_of = on_link(router) if router else None
        self.carry_out(self.node.moved(care_of, maps, self.now))

    @property
    def complete(self) -> int:
        """How often the node has said that its binding is."""
        return len(self.logs)

    def end_of(self, address: IPv6Address) -> IPv6Address:
        """Where a packet to an address ends, as home agent and MAPs have it."""
        for _ in self.agents:
            address = self.bound.get(address, address)
        return address

    def leads_to_node(self, destination: IPv6Address) -> bool:
        return self.end_of(destination) == on_link(self.at)

    def settle(self, seconds: int = 4 * (LIFETIME + LONGEST_TIMEOUT)) -> None:
        """Lose nothing for more than two lifetimes and timeouts."""
        super().settle(seconds)

    def carry_out(self, actions: list[Action]) -> None:
        logs = (action for action in actions if isinstance(action, Log))
        self.logs += [log for log in logs if log.kind == "binding_complete"]
        super().carry_out(actions)


def updates(packets: list[Packet]) -> list[tuple[IPv6Address, IPv6Address, IPv6Address]]:
    """Of each Binding Update: to whom, about which address, and from where."""
    return [
        (p.destination, p.sender, p.source) for p in packets if isinstance(p.message, BindingUpdate)
    ]


class TestTheMobilityAnchorPoint:
    def answer(self, packet: Packet, links=None) -> tuple[Packet, list[Action]]:
        core = AnchorPointCore(HomeAgentConfig(MAPS["p"], pool("p"), LIFETIME), links=links)
        actions = core.receive(packet, T0)
        (send,) = (a for a in actions if isinstance(a, Send)) if actions else (None,)
        return send.packet if send else None, actions

    def test_binds_the_regional_to_the_on_link_address(self):
        """Section 6.2: the acknowledgement MUST have a type 2 routing header with the RCoA."""
        packet, actions = self.answer(local_update(BindingUpdateFlag.A | BindingUpdateFlag.M))
        assert isinstance(packet.message, BindingAcknowledgement)
        assert (packet.message.status, packet.message.lifetime) == (Status.ACCEPTED, LIFETIME)
        assert (packet.destination, packet.routed_to) == (on_link(1), regional("p"))
        assert Bind(regional("p"), on_link(1)) in actions

    def test_has_its_tunnel_before_it_answers(self):
        """What the node sends by it next is its home agent's Binding Update."""
        _, actions = self.answer(local_update(BindingUpdateFlag.A | BindingUpdateFlag.M))
        kinds = [type(action) for action in actions]
        assert kinds.index(Bind) < kinds.index(Send)

    @pytest.mark.parametrize(
        "flags",
        [
            BindingUpdateFlag.M,
            BindingUpdateFlag.A | BindingUpdateFlag.H,
            BindingUpdateFlag.A | BindingUpdateFlag.H | BindingUpdateFlag.M,
        ],
    )
    def test_takes_local_binding_updates_only(self, flags):
        """Section 4: the M and A flags MUST be set."""
        assert self.answer(local_update(flags)) == (None, [])

    def test_may_know_where_its_nodes_can_be(self):
        """Section 6.2: a list of valid on-link prefixes, and status 129."""
        flags = BindingUpdateFlag.A | BindingUpdateFlag.M
        packet, actions = self.answer(local_update(flags, 9), LINKS)
        assert packet.message.status == Status.ADMINISTRATIVELY_PROHIBITED
        assert not any(isinstance(action, Bind) for action in actions)

    def test_is_the_agent_of_regional_addresses_of_its_own_only(self):
        flags = BindingUpdateFlag.A | BindingUpdateFlag.M
        for address in (HOME, MAPS["p"]):
            wrong = replace(local_update(flags), home_address=address)
            packet, actions = self.answer(wrong)
            assert packet.message.status == Status.NOT_HOME_SUBNET
            assert not any(isinstance(action, Bind) for action in actions)


class TestTheSelection:
    """Section 9.1: the most distant one whose preference and lifetime are not zero."""

    near, far = option("p", distance=1), option("q", distance=3, preference=1)

    def test_takes_the_most_distant(self):
        assert select((self.near, self.far), None, ()) == self.far

    def test_takes_the_preferred_one_of_equals(self):
        """Section 5."""
        equal = replace(self.near, distance=3)
        assert select((self.far, equal), None, ()) == equal

    @pytest.mark.parametrize("change", [{"preference": 0}, {"valid_lifetime": 0}])
    def test_takes_none_that_is_not_to_be_had(self, change):
        assert select((self.near, replace(self.far, **change)), None, ()) == self.near
        assert select((replace(self.far, **change),), None, ()) is None

    def test_stays_with_one_that_takes_no_new_ones(self):
        """Section 7.1: it can refresh existing bindings."""
        full = replace(self.far, preference=0)
        assert select((self.near, full), full.address, ()) == full

    def test_makes_the_address_of_prefix_and_interface_identifier(self):
        """Section 6."""
        assert regional_address(self.near, on_link(3)) == regional("p")


class TestTheMobileNode:
    def arrived(self, **lifetimes) -> Domain:
        domain = Domain(**lifetimes)
        domain.move(1)
        domain.exchange()
        return domain

    def test_registers_with_the_map_and_then_with_its_home_agent(self):
        """Section 6.1: it waits for the MAP's acknowledgement."""
        domain = Domain()
        domain.move(1)
        assert updates(domain.under_way) == [(MAPS["p"], regional("p"), on_link(1))]
        domain.exchange()
        assert updates(domain.sent)[1:] == [(AGENT, HOME, regional("p"))]
        assert domain.bound == {regional("p"): on_link(1), HOME: regional("p")}
        assert domain.tunnelled == {regional("p"), HOME}
        assert domain.end_of(HOME) == on_link(1)

    def test_has_no_regional_address_when_it_was_nowhere_for_a_lifetime(self):
        domain = self.arrived()
        domain.move(None)
        domain.settle()
        assert {home: b.phase for home, b in domain.node.bindings().items()} == {HOME: Phase.AWAY}
        domain.move(1)
        domain.exchange()
        assert domain.bound == {regional("p"): on_link(1), HOME: regional("p")}

    def test_sends_to_both_maps_before_it_makes_tunnels(self):
        domain = self.arrived()
        maps = (option("q"),)
        kinds = [type(action) for action in domain.node.moved(on_link(3), maps, domain.now)]
        assert kinds.count(Send) == 2
        assert OpenTunnel not in kinds[: len(kinds) - 1 - kinds[::-1].index(Send)]

    def test_is_bound_when_all_know_who_have_to(self):
        """It says so once a move: the MAP, and the home agent, if that is to be told."""
        domain = Domain()
        for router, agents in ((1, [MAPS["p"], AGENT]), (2, [MAPS["p"]]), (5, [AGENT])):
            domain.logs.clear()
            domain.move(router)
            while domain.under_way and domain.complete == 0:
                last = domain.under_way[0]
                domain.deliver(0, keep=False)
            assert domain.complete == 1
            assert last.source == agents[-1]
            domain.exchange()
            assert domain.complete == 1
            assert domain.logs[-1].fields["care_of"] == on_link(router)

    def test_has_its_regional_address_before_it_is_said(self):
        domain = Domain()
        actions = domain.node.moved(on_link(1), (option("p"),), domain.now)
        taken = actions.index(TakeRegional(regional("p")))
        assert taken < actions.index(LeaveHome(regional("p")))
        assert not any(isinstance(action, Send) for action in actions[:taken])

    def test_says_to_the_map_what_a_local_binding_update_says(self):
        """Sections 4 and 6.1: flags A and M, the RCoA as home address, no alternate CoA."""
        domain = Domain()
        domain.move(1)
        (packet,) = domain.under_way
        assert packet.message.flags == BindingUpdateFlag.A | BindingUpdateFlag.M
        assert packet.home_address == regional("p")
        assert packet.message.option(AlternateCareOfAddress) is None

    def test_tells_its_home_agent_nothing_of_a_move_within_the_domain(self):
        domain = self.arrived()
        before = len(domain.sent)
        domain.move(2)
        domain.exchange()
        assert updates(domain.sent[before:]) == [(MAPS["p"], regional("p"), on_link(2))]
        assert domain.end_of(HOME) == on_link(2)

    def test_tells_the_previous_map_where_it_is_when_it_changes_maps(self):
        """Sections 6.1 and 8; until its home agent knows the new one."""
        domain = self.arrived()
        before = len(domain.sent)
        domain.move(3)
        first = updates(domain.under_way)
        assert set(first) == {
            (MAPS["p"], regional("p"), on_link(3)),
            (MAPS["q"], regional("q"), on_link(3)),
        }
        domain.deliver(next(i for i, u in enumerate(first) if u[0] == MAPS["p"]), keep=False)
        assert domain.end_of(HOME) == on_link(3)
        domain.exchange()
        assert domain.bound == {regional("q"): on_link(3), HOME: regional("q")}
        to_agent = [u for u in updates(domain.sent[before:]) if u[0] == AGENT]
        assert to_agent == [(AGENT, HOME, regional("q"))]

    def test_comes_back_to_a_map_that_it_has_left_and_not_told(self):
        domain = self.arrived()
        domain.move(3)
        while domain.bound[HOME] != regional("q"):
            domain.deliver(0, keep=False)
        answer = next(i for i, p in enumerate(domain.under_way) if p.source == AGENT)
        domain.deliver(answer, keep=False)
        assert domain.node.bindings()[regional("p")].phase is Phase.RELEASING
        domain.under_way.clear()
        domain.move(1)
        domain.exchange()
        assert domain.bound == {regional("p"): on_link(1), HOME: regional("p")}

    def test_asks_for_no_longer_than_the_map_grants(self):
        """Section 6.1: the lifetime MUST NOT be larger than that of the MAP's binding."""
        domain = self.arrived(map_lifetime=12)
        lifetimes = {
            p.destination: p.message.lifetime
            for p in domain.sent
            if isinstance(p.message, BindingUpdate)
        }
        assert lifetimes == {MAPS["p"]: LIFETIME, AGENT: 12}

    def test_ignores_an_acknowledgement_without_its_regional_address(self):
        """Section 6.1: without the type 2 routing header it MUST be ignored."""
        domain = Domain()
        domain.move(1)
        (packet,) = domain.under_way
        (send,) = (a for a in domain.agents[MAPS["p"]].receive(packet, T0) if isinstance(a, Send))
        bare = replace(send.packet, routed_to=None)
        assert domain.node.receive(bare, T0) == []
        assert domain.node.bindings()[regional("p")].phase is Phase.UPDATING

    def test_is_a_mobile_ipv6_node_where_there_is_no_map(self):
        domain = self.arrived()
        domain.move(5)
        domain.settle()
        assert domain.bound == {HOME: on_link(5)}

    def test_does_without_a_map_that_has_failed(self):
        """Section 7.1: a valid lifetime of zero; its bindings can be assumed to be lost."""
        domain = self.arrived()
        before = len(domain.sent)
        domain.move(1, valid_lifetime=0)
        assert updates(domain.sent[before:]) == [(AGENT, HOME, on_link(1))]
        domain.exchange()
        assert domain.bound[HOME] == on_link(1)

    def test_does_without_a_map_that_refuses(self):
        domain = Domain()
        domain.agents[MAPS["p"]] = AnchorPointCore(
            HomeAgentConfig(MAPS["p"], pool("p"), LIFETIME), links=()
        )
        domain.move(1)
        domain.exchange()
        assert domain.bound == {HOME: on_link(1)}
        domain.settle()
        assert domain.bound == {HOME: on_link(1)}


moves = st.tuples(st.just("move"), st.sampled_from((*AT, None)))


@given(st.lists(st.one_of(moves, deliveries, losses, waits), max_size=40), st.sampled_from([*AT]))
def test_whatever_is_lost_packets_find_the_node_in_the_end(steps, last):
    """Lost, delayed, doubled, overtaken: then it stays, and nothing is lost any more."""
    domain = Domain()
    for step in steps:
        domain.do(*step)
    domain.move(last)
    domain.settle()
    name = AT[last]
    if name is None:
        expected = {HOME: on_link(last)}
    else:
        expected = {HOME: regional(name), regional(name): on_link(last)}
    assert domain.bound == expected
    assert domain.tunnelled == set(expected)
    assert {home: b.phase for home, b in domain.node.bindings().items()} == dict.fromkeys(
        expected, Phase.BOUND
    )
