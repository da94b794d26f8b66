"""The binding cache, call by call (RFC 6275 sections 9.5 and 10.3)."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network
from random import Random

import pytest

from agents.core import SECOND, Action
from agents.mipv6.actions import Bind, Send, Unbind
from agents.mipv6.authorizer import Authorizer
from agents.mipv6.config import HomeAgentConfig
from agents.mipv6.home_agent import HomeAgentCore
from agents.mipv6.packets import Packet
from agents.mipv6.return_routability import MAX_NONCE_LIFETIME
from agents.mipv6.security import Security
from agents.mipv6.verifier import Verifier
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingUpdate,
    BindingUpdateFlag,
    Status,
)
from agents.wire.mobility_options import AlternateCareOfAddress

AGENT = IPv6Address("2001:db8:ffff::1")
HOME = IPv6Address("2001:db8:1:1::7")
CARE_OF, OTHER = IPv6Address("2001:db8:2:1::7"), IPv6Address("2001:db8:3:1::7")
FLAGS = BindingUpdateFlag.A | BindingUpdateFlag.H
T0 = 1000 * SECOND


def agent() -> HomeAgentCore:
    return HomeAgentCore(HomeAgentConfig(AGENT, IPv6Network("2001:db8:1::/48"), 60))


def update(sequence: int, care_of: IPv6Address = CARE_OF, lifetime: int = 300, **changes) -> Packet:
    home = changes.get("home", HOME)
    message = BindingUpdate(
        sequence, lifetime, changes.get("flags", FLAGS), (AlternateCareOfAddress(care_of),)
    )
    return Packet(message, care_of, AGENT, None if care_of == home else home)


def answered(actions: list[Action]) -> tuple[Packet, BindingAcknowledgement]:
    (packet,) = (action.packet for action in actions if isinstance(action, Send))
    assert isinstance(packet.message, BindingAcknowledgement)
    return packet, packet.message


def test_a_binding_is_made_and_acknowledged_at_the_care_of_address():
    core = agent()
    actions = core.receive(update(1), T0)
    packet, answer = answered(actions)
    assert (packet.source, packet.destination, packet.routed_to) == (AGENT, CARE_OF, HOME)
    assert (answer.status, answer.sequence, answer.lifetime) == (Status.ACCEPTED, 1, 60)
    assert Bind(HOME, CARE_OF) in actions
    assert core.bindings() == {HOME: CARE_OF}


def test_the_care_of_address_may_change_and_a_refresh_changes_nothing():
    core = agent()
    core.receive(update(1), T0)
    assert Bind(HOME, OTHER) in core.receive(update(2, OTHER), T0)
    refreshed = core.receive(update(3, OTHER), T0)
    assert not any(isinstance(action, Bind) for action in refreshed)


def test_a_duplicate_is_acknowledged_once_more_and_an_older_update_refused():
    core = agent()
    core.receive(update(5), T0)
    assert answered(core.receive(update(5), T0))[1].status == Status.ACCEPTED
    _, answer = answered(core.receive(update(4, OTHER), T0))
    assert (answer.status, answer.sequence) == (Status.SEQUENCE_NUMBER_OUT_OF_WINDOW, 5)
    assert core.bindings() == {HOME: CARE_OF}


def test_from_home_the_binding_is_removed_and_acknowledged_at_home():
    core = agent()
    core.receive(update(1), T0)
    actions = core.receive(update(2, HOME, 0), T0)
    packet, answer = answered(actions)
    assert (packet.destination, packet.routed_to, answer.lifetime) == (HOME, None, 0)
    assert actions.index(Unbind(HOME)) < actions.index(Send(packet))  # or the tunnel would take it
    assert core.bindings() == {}


def test_what_is_over_does_not_come_back_by_a_late_update():
    core = agent()
    core.receive(update(1), T0)
    core.receive(update(3, lifetime=0), T0)
    assert answered(core.receive(update(2), T0))[1].status == Status.SEQUENCE_NUMBER_OUT_OF_WINDOW
    assert core.bindings() == {}


def test_no_update_can_be_replayed_once_the_binding_is_over_while_its_nonces_are_good():
    security = Security(return_routability=True)
    verifier, node = Verifier(security, AGENT, b"s" * 20), Authorizer(security, None, Random(1))
    core = HomeAgentCore(HomeAgentConfig(AGENT, IPv6Network("2001:db8:1::/48"), 60), verifier)
    for test, source in node.tests(HOME, CARE_OF, AGENT, T0):
        assert node.receive(verifier.answer(test, source, T0), AGENT, source, T0)

    def proven(packet: Packet) -> Packet:
        assert isinstance(packet.message, BindingUpdate)
        message = node.authorize(packet.message, HOME, CARE_OF, AGENT, T0)
        return replace(packet, message=message)

    recorded = proven(update(1))
    assert Bind(HOME, CARE_OF) in core.receive(recorded, T0)
    assert Unbind(HOME) in core.receive(proven(update(2, lifetime=0)), T0)

    statuses = []
    for later in range(T0, T0 + 2 * MAX_NONCE_LIFETIME, SECOND):
        core.timer(later)
        statuses.append(answered(core.receive(recorded, later))[1].status)
        assert core.bindings() == {}
    assert set(statuses) == {Status.SEQUENCE_NUMBER_OUT_OF_WINDOW, Status.EXPIRED_NONCES}
    assert core.next_deadline() is None  # and nothing is remembered without end


def test_a_binding_ends_with_its_lifetime():
    core = agent()
    core.receive(update(1), T0)
    due = core.next_deadline()
    assert due == T0 + 60 * SECOND
    assert core.timer(due) == [Unbind(HOME)]
    core.timer(due + MAX_NONCE_LIFETIME)
    assert core.next_deadline() is None


def test_another_subnet_is_not_served():
    _, answer = answered(agent().receive(update(1, home=IPv6Address("2001:db8:9::7")), T0))
    assert answer.status == Status.NOT_HOME_SUBNET


@pytest.mark.parametrize("address", ["ff0e::1", "fe80::1", "::", "::1"])
def test_an_address_that_cannot_be_is_malformed(address: str):
    core = agent()
    assert core.receive(update(1, IPv6Address(address)), T0) == []
    assert core.counters.malformed == 1


@pytest.mark.parametrize("flags", [BindingUpdateFlag.A, FLAGS | BindingUpdateFlag.P])
def test_other_registrations_are_others_business(flags: BindingUpdateFlag):
    core = agent()
    assert core.receive(update(1, flags=flags), T0) == []
    assert core.counters.ignored == 1
