"""The fully distributed variant (paper section 4.2.3), message by message."""

from ipaddress import IPv6Network

import pytest
from mobility_nodes import MN, OTHER, T0, anchor, link_local, mar, mar_address, prefix, sent

from agents.core import MILLISECOND, SECOND
from agents.deadlines import Deadlines
from agents.mobility.actions import (
    ContextReceived,
    InstallRoute,
    InstallSourceRoute,
    ServingEnded,
    ServingStarted,
)
from agents.mobility.config import FIRST_ATTACHMENT_TIMEOUT
from agents.mobility.group_exchange import GROUP_TRANSMISSIONS, GroupExchange
from agents.mobility.messages import MAXIMUM_PREVIOUS_MARS, AnchorUpdate, acknowledgement, claim
from agents.mobility.sessions import Phase, Session
from agents.wire.mld import AddressRecord, RecordType
from agents.wire.mobility import BindingAcknowledgement, BindingUpdate, BindingUpdateFlag, Status
from agents.wire.mobility_options import (
    AnchoredPrefix,
    DlifLinkLocalAddress,
    LocalPrefix,
    PreviousMaar,
    Timestamp,
)
from emu.simulator.domain import GROUP, Domain, DomainConfig
from emu.simulator.network import Quality
from emu.simulator.oracle import Oracle

DELAY = 10 * MILLISECOND
WHATEVER = IPv6Network("::/0")


def domain_of(mars=6, quality=None, **changes):
    return Domain(
        DomainConfig(mars, quality or Quality(DELAY), distributed=True, **changes), seed=1
    )


def move(domain, mn, number, wait=SECOND // 2):
    """A handover; what was logged meanwhile, with the time since."""
    start = domain.engine.now
    domain.events.clear()
    left = domain.detach(mn)
    if left is not None:
        domain.link_down(mn, left)
    if number:
        domain.attach(mn, number)
    domain.engine.run(start + wait)
    return [(event.time - start, event.node, event.log) for event in domain.events]


def messages(log):
    return [
        (time, node, entry.fields["message"], str(entry.fields["destination"]))
        for time, node, entry in log
        if entry.kind == "sent"
    ]


def completed(log):
    return [(time, node) for time, node, entry in log if entry.kind == "binding_complete"]


def address(domain, number):
    return str(domain.mar(number).config.address)


def started(actions):
    return [action for action in actions if isinstance(action, ServingStarted)]


class TestInADomain:
    def test_nobody_answers_for_a_new_node(self):
        domain = domain_of()
        log = move(domain, "mn1", 1)
        assert messages(log) == [(0, "mar1", "PBU", str(GROUP))]
        assert completed(log) == [(FIRST_ATTACHMENT_TIMEOUT, "mar1")]

    def test_the_group_is_asked_a_few_times_in_case_that_something_was_lost(self):
        domain = domain_of()
        log = move(domain, "mn1", 1, wait=100 * SECOND)
        times = [0, SECOND, 3 * SECOND]
        assert messages(log) == [(time, "mar1", "PBU", str(GROUP)) for time in times]
        assert len(times) == GROUP_TRANSMISSIONS

    def test_each_previous_mar_answers_the_serving_one(self):
        domain = domain_of(encoded=True)
        move(domain, "mn1", 1)
        move(domain, "mn1", 2)
        log = move(domain, "mn1", 3, wait=100 * SECOND)
        assert messages(log) == [
            (0, "mar3", "PBU", str(GROUP)),
            (DELAY, "mar1", "PBA", address(domain, 3)),
            (DELAY, "mar2", "PBA", address(domain, 3)),
        ]
        assert completed(log) == [(2 * DELAY, "mar3")]  # equation 18: one round trip

    @pytest.mark.parametrize("previous", range(1, 6))
    def test_message_counts(self, previous):
        """Equation 9, where the PBU to the group counts once for each MAR that it is for."""
        domain = domain_of()
        for number in range(1, previous + 1):
            move(domain, "mn1", number)
        log = messages(move(domain, "mn1", previous + 1))
        assert [kind for _, _, kind, _ in log].count("PBU") == 1
        assert [kind for _, _, kind, _ in log].count("PBA") == previous

    def test_the_anchors_are_known_in_their_order(self):
        domain = domain_of()
        oracle = Oracle(domain)
        for number in (1, 2, 3, 1, 4):
            move(domain, "mn1", number)
            assert oracle.faults() == []
        anchors = domain.mar(4).core.bindings()["mn1"].anchors
        assert [str(anchor.address) for anchor in anchors] == [
            address(domain, number) for number in (2, 3, 1)
        ]
        (began,) = started(domain.mar(4).actions)
        assert str(began.previous) == address(domain, 1)

    def test_a_refresh_asks_those_who_are_known(self):
        domain = domain_of()
        move(domain, "mn1", 1)
        move(domain, "mn1", 2)
        move(domain, "mn1", 3)
        domain.events.clear()
        start = domain.engine.now
        domain.engine.run(start + 160 * SECOND)
        log = [(event.time - start, event.node, event.log) for event in domain.events]
        assert [entry[1:] for entry in messages(log)] == [
            ("mar3", "PBU", address(domain, 1)),
            ("mar3", "PBU", address(domain, 2)),
            ("mar1", "PBA", address(domain, 3)),
            ("mar2", "PBA", address(domain, 3)),
        ]

    def test_what_is_refreshed_lives_on(self):
        domain = domain_of()
        oracle = Oracle(domain)
        move(domain, "mn1", 1)
        move(domain, "mn1", 2, wait=2000 * SECOND)
        assert oracle.faults() == []
        assert len(domain.mar(2).core.bindings()["mn1"].anchors) == 1

    def test_who_stays_away_leaves_nothing_behind(self):
        domain = domain_of()
        move(domain, "mn1", 1)
        move(domain, "mn1", 2)
        log = move(domain, "mn1", 0, wait=60 * SECOND)
        assert [entry[1:] for entry in messages(log)] == [
            ("mar2", "PBU", str(GROUP)),
            ("mar1", "PBA", address(domain, 2)),
        ]
        for mar_of_domain in domain.mars:
            assert mar_of_domain.core.bindings() == {}
            assert mar_of_domain.router.routes == {}
            assert mar_of_domain.router.tunnels == set()
            assert mar_of_domain.core.next_deadline() is None

    def test_a_mar_that_missed_it_is_told_when_it_deregisters(self):
        domain = domain_of()
        oracle = Oracle(domain)
        move(domain, "mn1", 1)
        domain.network.change(Quality(DELAY, loss=1.0))
        move(domain, "mn1", 2, wait=5 * SECOND)
        domain.network.change(Quality(DELAY))
        domain.engine.run(domain.engine.now + 8 * SECOND)
        assert oracle.faults() == []
        (anchor,) = domain.mar(2).core.bindings()["mn1"].anchors
        assert str(anchor.address) == address(domain, 1)

    def test_the_context_comes_from_the_mar_left_last(self):
        record = AddressRecord(RecordType.MODE_IS_EXCLUDE, GROUP)
        domain = domain_of(context_transfer=True, encoded=True)
        move(domain, "mn1", 1)
        move(domain, "mn1", 2)
        domain.report("mn1", 2, (record,))
        move(domain, "mn1", 3)
        assert domain.mar(3).received["mn1"] == (record,)
        (received,) = (a for a in domain.mar(3).actions if isinstance(a, ContextReceived))
        assert received.records == (record,)


def dar(number, **changes):
    others = frozenset(mar_address(other) for other in range(1, 10) if other != number)
    return mar(number, cmd=GROUP, acknowledging=others, **changes)


def a_claim(number, attached, sequence=1, lifetime=300, anchored=WHATEVER, asks=False, mn=MN):
    return claim(mn, anchor(number), anchored, sequence, lifetime, attached, False, asks)


class TestThePreviousMar:
    def setup_method(self):
        self.core = dar(1)
        (request,) = (s.message for s in sent(self.core.attach(MN, T0)))
        self.timestamp = request.option(Timestamp).time
        self.core.timer(T0 + FIRST_ATTACHMENT_TIMEOUT)
        self.now = T0 + 10 * SECOND

    def hear(self, *arguments, **changes):
        return self.core.receive(a_claim(*arguments, **changes), mar_address(2), self.now)

    def test_points_its_tunnel_at_the_serving_mar_and_says_so(self):
        actions = self.hear(2, self.now)
        assert InstallRoute(prefix(1), mar_address(2)) in actions
        assert ServingEnded(MN) in actions
        (answer,) = sent(actions)
        assert answer.destination == mar_address(2)
        assert isinstance(answer.message, BindingAcknowledgement)
        assert answer.message.status == Status.ACCEPTED
        assert answer.message.all(PreviousMaar) == [PreviousMaar(mar_address(1), prefix(1))]
        assert answer.message.option(DlifLinkLocalAddress).address == link_local(1)

    def test_answers_a_repetition_with_the_same(self):
        (answer,) = sent(self.hear(2, self.now))
        (again,) = sent(self.hear(2, self.now))
        assert again == answer

    def test_names_where_the_node_was_in_between(self):
        self.hear(2, self.now)
        later = self.now + SECOND
        message = a_claim(3, later)
        (answer,) = sent(self.core.receive(message, mar_address(3), later))
        named = [option.address for option in answer.message.all(PreviousMaar)]
        assert named == [mar_address(1), mar_address(2)]

    def test_is_silent_about_others(self):
        assert self.hear(2, self.now, mn=OTHER) == []
        assert self.core.counters.ignored == self.core.counters.malformed == 0

    def test_takes_up_a_prefix_that_it_forgot(self):
        core = dar(4)
        message = a_claim(2, self.now, anchored=prefix(4))
        (answer,) = sent(core.receive(message, mar_address(2), self.now))
        assert answer.message.status == Status.ACCEPTED
        assert core.bindings()["mn1"].phase is Phase.ANCHORING

    def test_releases_its_prefix_when_the_node_is_gone(self):
        self.hear(2, self.now)
        (answer,) = sent(self.hear(2, self.now, sequence=2, lifetime=0))
        assert answer.message.lifetime == 0
        assert self.core.bindings() == {}

    def test_tells_who_does_not_know_better(self):
        """The mobile node is here: a MAR that claims it from before has missed that."""
        (request,) = sent(self.hear(2, self.timestamp - SECOND))
        assert request.destination == mar_address(2)
        assert isinstance(request.message, BindingUpdate)
        assert request.message.option(AnchoredPrefix).prefix == prefix(2)
        assert request.message.option(LocalPrefix).prefix == prefix(1)
        assert sent(self.hear(2, self.timestamp - SECOND)) == []  # it is being told

    def test_hears_no_stranger(self):
        message = a_claim(2, self.now)
        assert self.core.receive(message, mar_address(99), self.now) == []
        assert self.core.counters.unauthentic == 1

    def test_counts_what_lacks_an_option(self):
        whole = a_claim(2, self.now)
        for missing in (AnchoredPrefix, LocalPrefix, Timestamp):
            options = tuple(o for o in whole.options if not isinstance(o, missing))
            message = BindingUpdate(1, 300, whole.flags, options)
            assert self.core.receive(message, mar_address(2), self.now) == []
        assert self.core.counters.malformed == 3


class TestTheServingMar:
    def setup_method(self):
        self.core = dar(3)
        (self.request,) = sent(self.core.attach(MN, T0))

    def hear(self, own, *listed, status=Status.ACCEPTED, now=T0 + 1):
        anchors = [anchor(number) for number in listed]
        answer = acknowledgement(self.request.message, status, 300, anchors)
        return self.core.receive(answer, mar_address(own), now)

    def test_asks_the_group(self):
        assert self.request.destination == GROUP
        flags = self.request.message.flags
        assert flags & BindingUpdateFlag.P
        assert flags & BindingUpdateFlag.D
        assert self.request.message.option(AnchoredPrefix).prefix == WHATEVER

    def test_waits_for_all_that_anybody_names(self):
        assert not started(self.hear(2, 1, 2))
        (began,) = started(self.hear(1, 1, 2))
        assert began.previous == mar_address(2)

    def test_uses_what_it_knows_meanwhile(self):
        assert InstallSourceRoute(prefix(2), mar_address(2)) in self.hear(2, 1, 2)

    def test_asks_only_who_is_silent(self):
        self.hear(2, 1, 2)
        self.core.timer(T0 + FIRST_ATTACHMENT_TIMEOUT)
        (repeated,) = sent(self.core.timer(T0 + SECOND))
        assert repeated.destination == mar_address(1)
        assert repeated.message.option(AnchoredPrefix).prefix == prefix(1)

    def test_does_not_wait_for_ever(self):
        self.hear(2, 1, 2)
        (began,) = started(self.core.timer(T0 + FIRST_ATTACHMENT_TIMEOUT))
        assert began.previous == mar_address(2)

    def test_accepts_a_late_answer(self):
        (began,) = started(self.core.timer(T0 + FIRST_ATTACHMENT_TIMEOUT))
        assert began.previous is None
        actions = self.hear(1, 1, now=T0 + 2 * FIRST_ATTACHMENT_TIMEOUT)
        assert InstallSourceRoute(prefix(1), mar_address(1)) in actions
        assert not sent(self.core.timer(T0 + 10 * SECOND))

    def test_does_without_who_refuses(self):
        self.hear(2, 1, 2)
        self.hear(1, status=Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX)
        assert self.core.bindings()["mn1"].anchors == (anchor(2),)

    def test_gives_up_who_was_silent_for_a_whole_refresh(self):
        self.hear(2, 1, 2)
        self.hear(1, 1, 2)
        now = T0 + 150 * SECOND + 1
        for refresh in sent(self.core.timer(now)):
            if refresh.destination == mar_address(2):
                answer = acknowledgement(refresh.message, Status.ACCEPTED, 300, [anchor(2)])
                self.core.receive(answer, mar_address(2), now)
        assert len(self.core.bindings()["mn1"].anchors) == 2
        self.core.timer(now + 151 * SECOND)
        assert self.core.bindings()["mn1"].anchors == (anchor(2),)

    def test_asks_nobody_who_is_no_mar(self):
        assert self.hear(2, 2, 77) == []
        assert self.core.counters.ignored == 1

    def test_hears_nothing_of_another_attachment(self):
        self.core.attach(MN, T0 + SECOND)
        assert self.hear(1, 1) == []
        assert self.core.counters.ignored == 1


def test_what_a_mar_cannot_name_for_lack_of_room_is_told():
    """It has seen 17 MARs before; with its own prefix it names 16 anchors, and two are lost."""
    exchange = GroupExchange(mar(20)._config, Deadlines())
    session = Session(MN, prefix(20), Phase.SERVING, T0)
    session.anchors = tuple(anchor(number) for number in range(1, 18))
    update = AnchorUpdate(
        "mn1", 1, 300, T0 + 1, prefix(20), mar_address(21), False, (), claimant=anchor(21)
    )
    lost = exchange.follow(session, update)
    assert len(session.known) == MAXIMUM_PREVIOUS_MARS
    assert [line.fields["what"] for line in lost] == [str(anchor(n).prefix) for n in (1, 2)]
