"""A binding cache has an end (RFC 6275 sections 9.5.2 to 9.5.4, 9.6): who is over it is told so."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network
from random import Random

import pytest

from agents.core import SECOND, Action, Log
from agents.mipv6.actions import Bind, Send
from agents.mipv6.authorizer import Authorizer
from agents.mipv6.binding_table import MOST_BINDINGS, MOST_OF_A_LINK
from agents.mipv6.config import HomeAgentConfig
from agents.mipv6.correspondent import CorrespondentCore
from agents.mipv6.home_agent import HomeAgentCore
from agents.mipv6.packets import Packet
from agents.mipv6.return_routability import MAX_NONCE_LIFETIME
from agents.mipv6.security import Security
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingUpdate,
    BindingUpdateFlag,
    Status,
)
from agents.wire.mobility_options import BindingAuthorizationData

SERVER, AGENT = IPv6Address("2001:db8:5e00:1::2"), IPv6Address("2001:db8:ffff::1")
POOL = IPv6Network("2001:db8:a000::/48")
T0 = 1000 * SECOND


class Peer:
    """A mobile node of one home address that proves what it says to a correspondent."""

    def __init__(self, number: int, link: int) -> None:
        self.home = POOL[number + 1]
        self.care_of = IPv6Network(f"2001:db8:{link + 1:x}:1::/64")[number + 1]
        self.sequence = 0
        self.authorizer = Authorizer(Security(return_routability=True), None, Random(number))

    def update(
        self, core: CorrespondentCore, now: int, *, lifetime: int = 60, acknowledge: bool = True
    ) -> Packet:
        """Its next Binding Update, after whatever test it needs."""
        place = self.care_of if lifetime else self.home
        tests = self.authorizer.tests(self.home, place, SERVER, now, deregistration=not lifetime)
        for test, source in tests:
            (answer,) = core.receive(Packet(test, source, SERVER), now)
            assert isinstance(answer, Send)
            assert self.authorizer.receive(answer.packet.message, SERVER, source, now)
        self.sequence += 1
        flags = BindingUpdateFlag.A if acknowledge else BindingUpdateFlag(0)
        update = BindingUpdate(self.sequence, lifetime, flags)
        update = self.authorizer.authorize(update, self.home, place, SERVER, now)
        return Packet(update, place, SERVER, self.home if lifetime else None)


def status(actions: list[Action]) -> int:
    (packet,) = (action.packet for action in actions if isinstance(action, Send))
    assert isinstance(packet.message, BindingAcknowledgement)
    return packet.message.status


def crowd(core: CorrespondentCore, number: int, *, links: int) -> list[Peer]:
    peers = [Peer(index, index % links) for index in range(number)]
    for peer in peers:
        assert status(core.receive(peer.update(core, T0), T0)) == Status.ACCEPTED
    return peers


def test_one_link_cannot_fill_a_correspondents_cache():
    core = CorrespondentCore(SERVER, b"s" * 20)
    crowd(core, MOST_OF_A_LINK, links=1)
    late = Peer(MOST_OF_A_LINK, 0)
    actions = core.receive(late.update(core, T0), T0)
    assert status(actions) == Status.INSUFFICIENT_RESOURCES
    assert not any(isinstance(action, Bind) for action in actions)
    assert late.home not in core.bindings()
    (told,) = (a for a in actions if isinstance(a, Log) and a.kind == "refused")
    assert (told.fields["whom"], told.fields["what"]) == (str(late.care_of), str(late.home))
    assert core.counters.full == 1
    elsewhere = Peer(MOST_OF_A_LINK + 1, 1)
    assert status(core.receive(elsewhere.update(core, T0), T0)) == Status.ACCEPTED


def test_a_cache_that_is_full_keeps_what_it_has_and_takes_no_more():
    core = CorrespondentCore(SERVER, b"s" * 20)
    peers = crowd(core, MOST_BINDINGS, links=64)
    late = Peer(MOST_BINDINGS, 80)
    assert status(core.receive(late.update(core, T0), T0)) == Status.INSUFFICIENT_RESOURCES
    assert len(core.bindings()) == MOST_BINDINGS
    assert status(core.receive(peers[3].update(core, T0), T0)) == Status.ACCEPTED
    peers[3].care_of += 1 << 64
    actions = core.receive(peers[3].update(core, T0), T0)
    assert Bind(peers[3].home, peers[3].care_of) in actions
    assert core.counters.full == 1


def test_there_is_room_again_once_a_binding_is_over_and_cannot_be_replayed():
    core = CorrespondentCore(SERVER, b"s" * 20)
    peers = crowd(core, MOST_OF_A_LINK, links=1)
    late = Peer(MOST_OF_A_LINK, 0)
    assert status(core.receive(peers[0].update(core, T0, lifetime=0), T0)) == Status.ACCEPTED
    refused = core.receive(late.update(core, T0), T0)
    assert status(refused) == Status.ACCEPTED  # it was bound from home, which is another link
    again = T0 + 60 * SECOND
    core.timer(again)
    assert core.bindings() == {}
    over = Peer(MOST_OF_A_LINK + 1, 0)
    assert status(core.receive(over.update(core, again), again)) == Status.INSUFFICIENT_RESOURCES
    later = again + MAX_NONCE_LIFETIME
    core.timer(later)
    assert status(core.receive(over.update(core, later), later)) == Status.ACCEPTED


def test_who_has_nothing_may_take_it_back_and_costs_nothing():
    core = CorrespondentCore(SERVER, b"s" * 20)
    crowd(core, MOST_BINDINGS, links=64)
    stranger = Peer(MOST_BINDINGS, 80)
    assert status(core.receive(stranger.update(core, T0, lifetime=0), T0)) == Status.ACCEPTED
    assert core.counters.full == 0
    assert status(core.receive(stranger.update(core, T0), T0)) == Status.INSUFFICIENT_RESOURCES


def test_a_refusal_is_sent_though_no_acknowledgement_was_asked_for_and_is_proven():
    """Section 9.5.4: with Binding Authorization Data; a forged one is not believed."""
    core = CorrespondentCore(SERVER, b"s" * 20)
    crowd(core, MOST_OF_A_LINK, links=1)
    late = Peer(MOST_OF_A_LINK, 0)
    actions = core.receive(late.update(core, T0, acknowledge=False), T0)
    (answer,) = (action.packet.message for action in actions if isinstance(action, Send))
    about = late.home, late.care_of, SERVER
    assert late.authorizer.accept(answer, *about)
    for options in ((), (BindingAuthorizationData(bytes(12)),)):
        assert not late.authorizer.accept(replace(answer, options=options), *about)


def test_an_old_sequence_number_is_refused_with_proof():
    core = CorrespondentCore(SERVER, b"s" * 20)
    (peer,) = crowd(core, 1, links=1)
    peer.sequence = 0
    core.receive(peer.update(core, T0), T0)
    peer.sequence = -1 % 2**16 - 1
    actions = core.receive(peer.update(core, T0), T0)
    (answer,) = (action.packet.message for action in actions if isinstance(action, Send))
    assert answer.status == Status.SEQUENCE_NUMBER_OUT_OF_WINDOW
    assert peer.authorizer.accept(answer, peer.home, peer.care_of, SERVER)
    bare = replace(answer, options=())
    assert not peer.authorizer.accept(bare, peer.home, peer.care_of, SERVER)


@pytest.mark.parametrize(("links", "most"), [(1, MOST_OF_A_LINK), (64, MOST_BINDINGS)])
def test_a_home_agents_cache_has_the_same_end(links: int, most: int):
    core = HomeAgentCore(HomeAgentConfig(AGENT, POOL))
    flags = BindingUpdateFlag.A | BindingUpdateFlag.H
    answers = []
    for number in range(most + 1):
        peer = Peer(number, number % links)
        packet = Packet(BindingUpdate(1, 60, flags), peer.care_of, AGENT, peer.home)
        answers.append(status(core.receive(packet, T0)))
    assert answers == [Status.ACCEPTED] * most + [Status.INSUFFICIENT_RESOURCES]
    assert core.counters.full == 1
