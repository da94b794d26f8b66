"""The client is idle where the network does it, and does it itself elsewhere; what it proves."""

from __future__ import annotations

import itertools
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network
from random import Random

import pytest

from agents.core import SECOND
from agents.mipv6 import cga
from agents.mipv6.actions import GiveUp, LeaveHome, ReturnHome, Send, UseTunnel
from agents.mipv6.authorizer import Authorizer
from agents.mipv6.config import HomeAgentConfig, MobileNodeConfig
from agents.mipv6.home_agent import HomeAgentCore
from agents.mipv6.keys import KeyPair
from agents.mipv6.mobile_node import MobileNodeCore
from agents.mipv6.security import Security
from agents.mipv6.update_list import Phase
from agents.mipv6.verifier import Verifier
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingUpdate,
    CareOfTestInit,
    HomeTestInit,
    Status,
)

AGENTS = [IPv6Address(f"2001:db8:ffff::1:{n}") for n in (1, 2)]
POOLS = [IPv6Network(f"2001:db8:{n}::/48") for n in (1, 2)]
KEYS = KeyPair.generate()
GENERATED = [
    cga.generate(KEYS.public_key, IPv6Network(f"2001:db8:{n}:1::/64"), bytes(16), 0) for n in (1, 2)
]
HOMES = [address for address, _ in GENERATED]
ABROAD = IPv6Address("2001:db8:3:1::9")


def node(*, only_last: bool = False) -> MobileNodeCore:
    """A mobile node that was at both routers of its home domain, in their order."""
    core = MobileNodeCore(MobileNodeConfig("mn1", only_last=only_last))
    for home, agent in zip(HOMES, AGENTS, strict=True):
        assert core.served(home, agent, 0) == []
    return core


def updates(actions) -> list[tuple[IPv6Address, IPv6Address, int]]:
    """The home address, the home agent and the lifetime of each Binding Update."""
    packets = [action.packet for action in actions if isinstance(action, Send)]
    return [
        (packet.sender, packet.destination, packet.message.lifetime)
        for packet in packets
        if isinstance(packet.message, BindingUpdate)
    ]


def acknowledge(core: MobileNodeCore, actions, now: int) -> list:
    answers = []
    for action in actions:
        if isinstance(action, Send) and isinstance(action.packet.message, BindingUpdate):
            packet, update = action.packet, action.packet.message
            answer = BindingAcknowledgement(0, update.sequence, update.lifetime, 0)
            back = replace(
                packet,
                message=answer,
                source=packet.destination,
                destination=packet.source,
                home_address=None,
                routed_to=packet.home_address,
            )
            answers += core.receive(back, now)
    return answers


@pytest.mark.parametrize(("only_last", "agents"), [(False, AGENTS), (True, AGENTS[1:] * 2)])
def test_abroad_it_tells_each_previous_router_or_the_last(only_last, agents):
    core = node(only_last=only_last)
    actions = core.moved(ABROAD, SECOND)
    assert updates(actions) == [(h, a, 300) for h, a in zip(HOMES, agents, strict=True)]
    assert {a.home_address for a in actions if isinstance(a, LeaveHome)} == set(HOMES)
    bound = acknowledge(core, actions, SECOND)
    assert [a.home_address for a in bound if isinstance(a, UseTunnel)] == HOMES


def test_back_in_the_home_domain_it_takes_everything_back():
    core = node()
    acknowledge(core, core.moved(ABROAD, SECOND), SECOND)
    actions = core.served(HOMES[1], AGENTS[1], 2 * SECOND)
    assert [a.home_address for a in actions if isinstance(a, ReturnHome)] == HOMES
    assert updates(actions) == [(h, a, 0) for h, a in zip(HOMES, AGENTS, strict=True)]
    acknowledge(core, actions, 2 * SECOND)
    assert {b.phase for b in core.bindings().values()} == {Phase.HOME}
    assert core.served(HOMES[1], AGENTS[1], 3 * SECOND) == []


def test_each_stay_abroad_says_once_that_the_binding_is_complete_at_the_same_address_too():
    core, said = node(), []
    for stay in range(3):
        now = (2 * stay + 1) * SECOND
        said.append(acknowledge(core, core.moved(ABROAD, now), now)[-1])
        now += SECOND
        acknowledge(core, core.served(HOMES[1], AGENTS[1], now), now)
    assert [(s.kind, s.fields["care_of"]) for s in said] == [("binding_complete", ABROAD)] * 3


def test_the_last_router_is_the_last_again_after_a_journey():
    core = node(only_last=True)
    acknowledge(core, core.moved(ABROAD, SECOND), SECOND)
    acknowledge(core, core.served(HOMES[0], AGENTS[0], 2 * SECOND), 2 * SECOND)
    actions = core.moved(ABROAD, 3 * SECOND)
    assert [agent for _, agent, _ in updates(actions)] == [AGENTS[0]] * 2


class Secured:
    """A client and its DARs, with everything switched on, and a wire between them."""

    def __init__(self, *, only_last: bool = False) -> None:
        security = Security(cga=True, return_routability=True, permanent_keygen_token=True)
        authorizer = Authorizer(security, KEYS, Random(1))
        for home, parameters in GENERATED:
            authorizer.own(home, parameters)
        self.node = MobileNodeCore(MobileNodeConfig("mn1", only_last=only_last), authorizer)
        self.agents = {
            agent: HomeAgentCore(
                HomeAgentConfig(agent, pool),
                Verifier(security, agent, agent.packed + b"salt"),
                lambda home: only_last,
            )
            for agent, pool in zip(AGENTS, POOLS, strict=True)
        }
        self.agent = self.agents[AGENTS[0]]

    def run(self, actions, now: int) -> tuple[list[type], list]:
        """Carry messages to and fro; the node's kinds of messages, and its other actions."""
        kinds, others = [], []
        while actions:
            following = []
            for action in actions:
                if not isinstance(action, Send):
                    others.append(action)
                    continue
                kinds.append(type(action.packet.message))
                for answer in self.agents[action.packet.destination].receive(action.packet, now):
                    if isinstance(answer, Send):
                        following += self.node.receive(answer.packet, now)
            actions = following
        return kinds, others


def test_a_client_tests_then_updates_and_releases():
    pair = Secured()
    pair.node.moved(HOMES[0], 0, AGENTS[0])
    assert pair.run(pair.node.timer(0), 0)[0] == [HomeTestInit]
    kinds, others = pair.run(pair.node.moved(ABROAD, SECOND), SECOND)
    assert kinds == [CareOfTestInit, BindingUpdate]
    assert [a.home_address for a in others if isinstance(a, UseTunnel)] == [HOMES[0]]
    assert pair.agent.bindings() == {HOMES[0]: ABROAD}
    kinds, others = pair.run(pair.node.release(HOMES[0], 2 * SECOND), 2 * SECOND)
    assert kinds == [BindingUpdate]
    assert [a.home_address for a in others if isinstance(a, GiveUp)] == [HOMES[0]]
    assert pair.agent.bindings() == {}


def test_at_home_the_token_is_renewed_before_it_expires():
    pair = Secured()
    pair.node.moved(HOMES[0], 0, AGENTS[0])
    asked = []
    while (now := pair.node.next_deadline()) < 1000 * SECOND:
        kinds, _ = pair.run(pair.node.timer(now), now)
        asked += [now] * len(kinds)
    assert all(b - a < 210 * SECOND for a, b in itertools.pairwise(asked))
    assert len(asked) < 10
    kinds, _ = pair.run(pair.node.moved(ABROAD, 1000 * SECOND), 1000 * SECOND)
    assert kinds == [CareOfTestInit, BindingUpdate]
    assert pair.agent.bindings() == {HOMES[0]: ABROAD}


def test_a_dar_that_forgot_the_token_gets_a_signature():
    pair = Secured()
    pair.node.moved(HOMES[0], 0, AGENTS[0])
    pair.run(pair.node.timer(0), 0)
    pair.run(pair.node.moved(ABROAD, SECOND), SECOND)
    refusal = Status.EXPIRED_CARE_OF_NONCE_INDEX
    later = 400 * SECOND
    other = IPv6Address("2001:db8:4:1::9")
    (first,) = [a for a in pair.node.moved(other, later) if isinstance(a, Send)]
    assert isinstance(first.packet.message, CareOfTestInit)
    (answer,) = pair.agent.receive(first.packet, later)
    (update,) = [a.packet for a in pair.node.receive(answer.packet, later) if isinstance(a, Send)]
    sequence = update.message.sequence
    refused = replace(
        update,
        message=BindingAcknowledgement(refusal, sequence, 0, 0),
        source=AGENTS[0],
        destination=other,
        home_address=None,
        routed_to=HOMES[0],
    )
    kinds, _ = pair.run(pair.node.receive(refused, later), later)
    assert kinds == [CareOfTestInit, BindingUpdate]


def test_at_home_the_address_is_tested_with_whom_the_client_would_tell():
    """The last router, unless it gave a permanent token before; that is nothing to another one."""
    pair, tests = Secured(only_last=True), [1, 2, 1, 0]
    for journey, (home, agent) in enumerate(zip(HOMES * 2, AGENTS * 2, strict=True), start=1):
        now = journey * SECOND
        pair.run(pair.node.served(home, agent, now), now)
        known = HOMES[:journey]
        kinds, _ = pair.run(pair.node.timer(now), now)
        assert kinds == [HomeTestInit] * tests[journey - 1]
        later = now + SECOND // 2
        kinds, others = pair.run(pair.node.moved(ABROAD, later), later)
        assert HomeTestInit not in kinds
        assert [a.home_address for a in others if isinstance(a, UseTunnel)] == known
        assert pair.agents[agent].bindings() == dict.fromkeys(known, ABROAD)
