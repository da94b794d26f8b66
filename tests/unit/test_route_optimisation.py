"""Route optimisation: a mobile node and a correspondent whose messages cross the wire."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Address
from random import Random

from hypothesis import example, given
from hypothesis import strategies as st

from agents.core import SECOND, Action
from agents.mipv6.actions import Bind, LeaveDirectPath, Send, Unbind, UseDirectPath
from agents.mipv6.config import MobileNodeConfig
from agents.mipv6.correspondent import MAX_RR_BINDING_LIFETIME_S, CorrespondentCore
from agents.mipv6.correspondent_list import IDLE, MOST_CORRESPONDENTS
from agents.mipv6.packets import Packet
from agents.mipv6.return_routability import MAX_NONCE_LIFETIME, MAX_TOKEN_LIFETIME
from agents.mipv6.route_optimiser import RouteOptimiser
from agents.wire import mobility
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingError,
    BindingRefreshRequest,
    BindingUpdate,
    BindingUpdateFlag,
    CareOfTestInit,
    HomeTestInit,
    Status,
)
from agents.wire.mobility_options import BindingAuthorizationData

HOME, SERVER = IPv6Address("2001:db8:a000::7"), IPv6Address("2001:db8:5e00:1::2")
CARE_OF, NEXT = IPv6Address("2001:db8:1:1::7"), IPv6Address("2001:db8:2:1::7")
T0 = 1000 * SECOND


class Pair:
    """Carries every message at once; ``keep`` says which are not lost."""

    def __init__(self, lifetime: int = 300) -> None:
        self.node = RouteOptimiser(MobileNodeConfig("mn1", lifetime), Random(1))
        self.server = CorrespondentCore(SERVER, b"s" * 20)
        self.now = T0
        self.sent: list[Packet] = []
        self.done: list[Action] = []
        self.fates: list[bool] = []

    def move(self, care_of: IPv6Address | None) -> None:
        self.carry(self.node.moved(HOME, care_of, self.now))

    def hear(self) -> None:
        self.carry(self.node.heard(HOME, [SERVER], self.now))

    def carry(self, actions: list[Action]) -> None:
        for action in actions:
            if not isinstance(action, Send):
                self.done.append(action)
                continue
            packet = action.packet
            self.sent.append(packet)
            if self.fates and not self.fates.pop(0):
                continue
            data = mobility.encode(packet.message, packet.sender, packet.receiver)
            packet = replace(packet, message=mobility.decode(data, packet.sender, packet.receiver))
            end = self.server if packet.destination == SERVER else self.node
            self.carry(end.receive(packet, self.now))

    def pass_time(self, until: int) -> None:
        ends = (self.node, self.server)
        while due := [d for end in ends if (d := end.next_deadline()) and d <= until]:
            self.now = min(due)
            for end in ends:
                self.carry(end.timer(self.now))
        self.now = until

    def names(self) -> list[str]:
        names = [type(packet.message).__name__ for packet in self.sent]
        self.sent = []
        return names

    def updates(self) -> list[Packet]:
        return [packet for packet in self.sent if isinstance(packet.message, BindingUpdate)]


def bound(lifetime: int = 300) -> Pair:
    pair = Pair(lifetime)
    pair.move(CARE_OF)
    pair.hear()
    return pair


def status(actions: list[Action]) -> int:
    (answer,) = (action.packet.message for action in actions if isinstance(action, Send))
    assert isinstance(answer, BindingAcknowledgement)
    return answer.status


def test_both_addresses_are_tested_then_the_correspondent_is_told():
    pair = bound()
    tests = ["HomeTestInit", "HomeTest", "CareOfTestInit", "CareOfTest"]
    assert pair.names() == [*tests, "BindingUpdate", "BindingAcknowledgement"]
    assert UseDirectPath(HOME, SERVER) in pair.done
    assert Bind(HOME, CARE_OF) in pair.done
    assert pair.node.direct() == [(HOME, SERVER)]
    assert pair.server.admits(HOME, CARE_OF)
    assert not pair.server.admits(HOME, NEXT)


def test_messages_go_where_return_routability_needs_them():
    pair = bound()
    by = {type(packet.message): packet for packet in pair.sent}
    assert (by[HomeTestInit].source, by[CareOfTestInit].source) == (HOME, CARE_OF)
    assert (by[BindingUpdate].source, by[BindingUpdate].home_address) == (CARE_OF, HOME)
    answer = by[BindingAcknowledgement]
    assert (answer.destination, answer.routed_to) == (CARE_OF, HOME)
    assert by[BindingUpdate].message.flags == BindingUpdateFlag.A


def test_nothing_is_asked_while_the_home_agent_has_no_binding():
    pair = Pair()
    pair.hear()
    assert pair.names() == []


def test_after_a_handover_only_the_new_address_is_tested():
    pair = bound()
    pair.names()
    pair.move(None)
    assert LeaveDirectPath(HOME, SERVER) in pair.done
    pair.done.clear()
    pair.move(NEXT)
    assert pair.names() == [
        "CareOfTestInit",
        "CareOfTest",
        "BindingUpdate",
        "BindingAcknowledgement",
    ]
    assert pair.done.count(UseDirectPath(HOME, SERVER)) == 1
    assert Bind(HOME, NEXT) in pair.done


def test_a_binding_in_use_is_refreshed_with_new_tests_once_the_tokens_are_old():
    pair = bound()
    while pair.now < T0 + 2 * MAX_TOKEN_LIFETIME:
        pair.pass_time(pair.now + IDLE // 2)
        pair.hear()
    assert pair.names().count("HomeTestInit") >= 2
    assert LeaveDirectPath(HOME, SERVER) not in pair.done
    assert pair.node.direct() == [(HOME, SERVER)]


def test_a_binding_that_nobody_uses_runs_out():
    pair = bound()
    pair.names()
    pair.pass_time(pair.now + 301 * SECOND)
    assert pair.names() == []
    assert LeaveDirectPath(HOME, SERVER) in pair.done
    assert Unbind(HOME) in pair.done


def test_a_correspondent_grants_seven_minutes_at_most():
    pair = bound(lifetime=4000)
    assert pair.sent[-1].message.lifetime == MAX_RR_BINDING_LIFETIME_S


def test_who_never_answers_is_asked_ever_less_often_and_reached_by_the_tunnel():
    pair = Pair()
    pair.fates = [False] * 1000
    pair.move(CARE_OF)
    for _ in range(240):
        pair.hear()
        pair.pass_time(pair.now + SECOND // 4)
    assert pair.names() == ["HomeTestInit", "CareOfTestInit"] * 6  # at 0, 1, 3, 7, 15 and 31 s
    assert pair.node.direct() == []


def test_a_forged_update_changes_nothing_and_gets_no_answer():
    pair = bound()
    (true,) = pair.updates()
    wrong = BindingAuthorizationData(bytes(12))
    options = (*true.message.options[:-1], wrong)
    number = true.message.sequence + 1
    forged = replace(true, message=replace(true.message, sequence=number, options=options))
    assert not any(isinstance(a, Send | Bind) for a in pair.server.receive(forged, pair.now))
    elsewhere = replace(true, source=NEXT)
    assert not any(isinstance(a, Send | Bind) for a in pair.server.receive(elsewhere, pair.now))
    bare = replace(true, message=replace(true.message, sequence=number, options=()))
    assert not any(isinstance(a, Send | Bind) for a in pair.server.receive(bare, pair.now))
    assert pair.server.bindings() == {HOME: CARE_OF}
    assert pair.server.counters.unauthentic == 3


def test_a_home_registration_is_none_of_a_correspondents_business():
    pair = bound()
    (true,) = pair.updates()
    flags = BindingUpdateFlag.A | BindingUpdateFlag.H
    registration = replace(true, message=replace(true.message, flags=flags))
    assert pair.server.receive(registration, pair.now) == []


def test_an_update_is_not_replayed_after_the_next_one_nor_when_the_binding_is_over():
    pair = bound(lifetime=4)
    (old,) = pair.updates()
    pair.move(NEXT)
    refused = pair.server.receive(old, pair.now)
    assert status(refused) == Status.SEQUENCE_NUMBER_OUT_OF_WINDOW
    assert pair.server.bindings() == {HOME: NEXT}
    pair.fates = [False] * 1000
    pair.pass_time(pair.now + 20 * SECOND)
    assert pair.server.bindings() == {}
    assert status(pair.server.receive(old, pair.now)) == Status.SEQUENCE_NUMBER_OUT_OF_WINDOW
    assert pair.server.bindings() == {}


def test_an_update_with_old_nonces_is_refused():
    pair = bound()
    (old,) = pair.updates()
    later = replace(old, message=replace(old.message, sequence=9))
    answer = pair.server.receive(later, pair.now + MAX_NONCE_LIFETIME)
    assert status(answer) == Status.EXPIRED_NONCES


def test_a_correspondent_that_forgot_says_so_and_is_told_again():
    pair = bound()
    pair.server = CorrespondentCore(SERVER, b"t" * 20)
    pair.done.clear()
    error = pair.server.unknown(HOME, CARE_OF)
    assert isinstance(error[0], Send)
    assert isinstance(error[0].packet.message, BindingError)
    pair.carry(error)
    changes = [a for a in pair.done if isinstance(a, LeaveDirectPath | UseDirectPath)]
    assert changes == [LeaveDirectPath(HOME, SERVER), UseDirectPath(HOME, SERVER)]
    assert pair.server.bindings() == {HOME: CARE_OF}


def test_a_correspondent_may_ask_for_a_refresh():
    """RFC 6275 section 11.7.4: tests if the tokens are old, an update if not."""
    pair = bound()
    request = Packet(BindingRefreshRequest(), SERVER, CARE_OF, routed_to=HOME)
    pair.names()
    pair.carry(pair.node.receive(request, pair.now))
    assert pair.names() == ["BindingUpdate", "BindingAcknowledgement"]
    pair.now += MAX_TOKEN_LIFETIME
    pair.hear()
    pair.carry(pair.node.receive(request, pair.now))
    assert {"HomeTestInit", "CareOfTestInit", "BindingUpdate"} <= set(pair.names())


def test_nobody_else_may():
    pair = bound()
    for sender in (NEXT, HOME):
        request = Packet(BindingRefreshRequest(), sender, CARE_OF, routed_to=HOME)
        assert pair.node.receive(request, pair.now) == []
    assert pair.node.counters.ignored == 2


def test_who_does_not_know_our_messages_is_left_alone():
    """RFC 6275 section 11.3.6: while an answer is expected, else it is ignored."""
    error = Packet(BindingError(2, IPv6Address("::")), SERVER, CARE_OF)
    pair = Pair()
    pair.fates = [False] * 2
    pair.move(CARE_OF)
    pair.hear()
    assert len(pair.names()) == 2
    pair.carry(pair.node.receive(error, pair.now))
    pair.pass_time(pair.now + 100 * SECOND)
    pair.hear()
    pair.move(NEXT)
    assert pair.names() == []
    assert pair.node.direct() == []
    settled = bound()
    assert settled.node.receive(error, settled.now) == []
    assert settled.node.direct() == [(HOME, SERVER)]


_ANSWERED_LATE = [False, True, True, *[False] * 20, True, True, *[False] * 9]
"""The home test is answered while the care-of test has been asked for longer than a token lives."""


def test_a_repeated_test_has_another_cookie():
    """RFC 6275 section 11.8; an answer to the question before is not listened to."""
    pair = Pair()
    pair.fates = [False] * 4
    pair.move(CARE_OF)
    pair.hear()
    pair.pass_time(pair.now + SECOND)
    first, second = pair.sent[:2], pair.sent[2:4]
    assert [type(packet.message) for packet in first] == [HomeTestInit, CareOfTestInit]
    assert len({packet.message.cookie for packet in pair.sent[:4]}) == 4
    for packets, listened in ((first, False), (second, True)):
        for packet in packets:
            for answer in pair.server.receive(packet, pair.now):
                if isinstance(answer, Send):
                    pair.carry(pair.node.receive(answer.packet, pair.now))
        assert (pair.node.direct() == [(HOME, SERVER)]) is listened


@example([*_ANSWERED_LATE], [])
@given(st.lists(st.booleans(), max_size=40), st.lists(st.sampled_from([CARE_OF, NEXT, HOME, None])))
def test_whatever_is_lost_both_agree_in_the_end(fates: list[bool], moves: list[IPv6Address]):
    pair = Pair()
    pair.fates = fates
    for care_of in [*moves, CARE_OF]:
        pair.move(care_of)
        pair.hear()
        pair.pass_time(pair.now + SECOND)
    for _ in range(64):
        pair.hear()
        pair.pass_time(pair.now + 10 * SECOND)
    assert pair.node.direct() == [(HOME, SERVER)]
    assert pair.server.bindings() == {HOME: CARE_OF}


def at_home(pair: Pair) -> None:
    pair.names()
    pair.done.clear()
    pair.move(None)
    pair.move(HOME)


def test_at_home_the_correspondent_forgets_the_binding():
    """RFC 6275 sections 11.7.2 and 9.5.3: by the home keygen token alone, from the home address."""
    pair = bound()
    at_home(pair)
    (update,) = pair.updates()
    assert (update.source, update.home_address, update.message.lifetime) == (HOME, None, 0)
    assert pair.names() == ["BindingUpdate", "BindingAcknowledgement"]
    assert LeaveDirectPath(HOME, SERVER) in pair.done
    assert Unbind(HOME) in pair.done
    assert pair.server.bindings() == {}
    pair.hear()
    pair.pass_time(pair.now + 1000 * SECOND)
    assert pair.names() == []


def test_at_home_the_home_address_is_tested_anew_if_its_token_is_old():
    pair = bound()
    pair.now += MAX_TOKEN_LIFETIME
    at_home(pair)
    tests = ["HomeTestInit", "HomeTest"]
    assert pair.names() == [*tests, "BindingUpdate", "BindingAcknowledgement"]
    assert pair.server.bindings() == {}


def test_it_says_so_until_it_is_acknowledged_or_the_binding_is_over():
    pair = bound()
    pair.fates = [False, True, False]  # the update, then the acknowledgement of the next
    at_home(pair)
    pair.pass_time(pair.now + 10 * SECOND)
    updates = ["BindingUpdate", "BindingUpdate", "BindingAcknowledgement"]
    assert pair.names() == [*updates, "BindingUpdate", "BindingAcknowledgement"]
    lost = bound()
    lost.fates = [False] * 1000
    at_home(lost)
    lost.pass_time(lost.now + 3600 * SECOND)
    assert 5 < len(lost.names()) < 40
    assert lost.node.next_deadline() is None


def test_at_home_whoever_has_no_binding_is_told_nothing():
    pair = Pair()
    pair.move(HOME)
    pair.hear()
    assert pair.names() == []
    pair.move(None)
    pair.move(CARE_OF)  # who was heard at home is asked without waiting for its next packet
    assert pair.names()[0] == "HomeTestInit"


OTHER = IPv6Address("2001:db8:a000::8")


def test_each_home_address_has_its_own_binding_at_a_correspondent():
    pair = bound()
    pair.carry(pair.node.moved(OTHER, CARE_OF, pair.now))
    pair.carry(pair.node.heard(OTHER, [SERVER], pair.now))
    assert pair.server.bindings() == {HOME: CARE_OF, OTHER: CARE_OF}
    assert pair.node.direct() == [(HOME, SERVER), (OTHER, SERVER)]
    pair.move(NEXT)
    assert pair.server.bindings() == {HOME: NEXT, OTHER: CARE_OF}
    pair.carry(pair.node.forget(OTHER))
    assert pair.node.direct() == [(HOME, SERVER)]
    assert LeaveDirectPath(OTHER, SERVER) in pair.done
    assert not pair.node.is_direct(OTHER, SERVER)


def test_answers_to_both_that_cross_find_their_questions():
    """Both care-of tests are about one address: cookies tell them apart."""
    pair = Pair()
    asked = []
    for home in (HOME, OTHER):
        asked += pair.node.moved(home, CARE_OF, pair.now)
        asked += pair.node.heard(home, [SERVER], pair.now)
    pair.carry([action for action in reversed(asked) if isinstance(action, Send)])
    assert pair.server.bindings() == {HOME: CARE_OF, OTHER: CARE_OF}
    assert pair.node.counters.ignored == 0


def test_there_is_room_for_so_many_correspondents_and_the_idle_ones_make_room():
    pair = Pair()
    pair.fates = [False] * 10_000
    pair.move(CARE_OF)
    crowd = [SERVER + number for number in range(MOST_CORRESPONDENTS + 1)]
    pair.carry(pair.node.heard(HOME, crowd, pair.now))
    assert len({packet.destination for packet in pair.sent}) == MOST_CORRESPONDENTS
    assert pair.node.counters.full == 1
    pair.sent.clear()
    pair.now += IDLE
    pair.carry(pair.node.heard(HOME, crowd[-1:], pair.now))
    assert {packet.destination for packet in pair.sent} == {crowd[-1]}
    assert pair.node.counters.full == 1
