"""What a mobile node listens to reaches the MAR where it goes, with its binding (RFC 7161)."""

from dataclasses import replace
from ipaddress import IPv6Address

import pytest
from mobility_nodes import CMD, MN, T0, anchor, cmd, mar, mar_address, pbu, sent, the_request

from agents.core import MILLISECOND, SECOND
from agents.mobility.actions import ContextReceived, ServingStarted
from agents.mobility.config import Variant
from agents.mobility.context import CONTEXT_ROOM, subscription_options
from agents.mobility.messages import (
    MAXIMUM_PREVIOUS_MARS,
    acknowledgement,
    anchor_update,
    read_acknowledgement,
    read_anchor_update,
    read_registration,
    registration,
)
from agents.wire import authentication
from agents.wire.mld import AddressRecord, RecordType
from agents.wire.mobility import BindingAcknowledgement, BindingUpdateFlag, Status, encode
from emu.simulator.domain import Domain, DomainConfig
from emu.simulator.network import Quality

SOURCE = IPv6Address("2001:db8:5e00:1::2")
C1 = AddressRecord(RecordType.MODE_IS_INCLUDE, IPv6Address("ff3e::c1"), (SOURCE,))
C2 = AddressRecord(RecordType.MODE_IS_EXCLUDE, IPv6Address("ff1e::c2"))
DELAY = 10 * MILLISECOND


def listener_mar(number=1, *records, **changes):
    """A MAR whose multicast part says that everybody listens to these."""
    changes.setdefault("context_transfer", True)
    return mar(number, **changes, listening=lambda mobile_node: records)


def bind(core, now, *previous, context=()):
    """Attach the mobile node and have it bound; the PBU, and what the PBA set off."""
    request = the_request(core.attach(MN, now))
    anchors = [anchor(number) for number in previous]
    answer = acknowledgement(request, Status.ACCEPTED, 300, anchors, context)
    return request, core.receive(answer, CMD, now)


def received(actions):
    return [action.records for action in actions if isinstance(action, ContextReceived)]


def told(action):
    """What a message of a MAR says of the context, None if nothing."""
    if isinstance(action.message, BindingAcknowledgement):
        return read_acknowledgement(action.message).subscriptions
    return read_registration(action.message, mar_address(1)).subscriptions


class TestTheMarThatIsLeft:
    def test_tells_the_cmd_when_the_link_goes_down(self):
        core = listener_mar(1, C1, C2)
        request, _ = bind(core, T0)
        (send,) = sent(core.detach("mn1", T0 + SECOND))
        assert send.destination == CMD
        told = read_registration(send.message, mar_address(1))
        assert told.subscriptions == (C1, C2)
        assert not told.asks
        assert (told.lifetime, told.sequence) == (300, request.sequence + 1)
        assert told.timestamp == read_registration(request, mar_address(1)).timestamp

    def test_repeats_that_until_it_is_acknowledged_and_stays_as_it_is(self):
        core = listener_mar(1, C1)
        bind(core, T0)
        core.detach("mn1", T0 + SECOND)
        (again,) = sent(core.timer(T0 + 2 * SECOND))
        assert told(again) == (C1,)
        before = core.bindings()
        core.receive(acknowledgement(again.message, Status.ACCEPTED, 300), CMD, T0 + 3 * SECOND)
        assert core.bindings() == before
        assert core.next_deadline() == T0 + 11 * SECOND  # the detachment delay

    def test_is_not_released_by_being_told_that_it_is_late(self):
        core = listener_mar(1, C1)
        bind(core, T0)
        (send,) = sent(core.detach("mn1", T0 + SECOND))
        late = Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
        core.receive(acknowledgement(send.message, late, 300), CMD, T0 + 2 * SECOND)
        assert "mn1" in core.bindings()

    def test_says_nothing_if_there_is_nothing_to_say(self):
        core = listener_mar(1)
        bind(core, T0)
        assert sent(core.detach("mn1", T0 + SECOND)) == []

    def test_says_nothing_without_context_transfer(self):
        core = listener_mar(1, C1, context_transfer=False)
        request, _ = bind(core, T0)
        assert not request.flags & BindingUpdateFlag.S
        assert sent(core.detach("mn1", T0 + SECOND)) == []

    @pytest.mark.parametrize("is_triggered", [True, False])
    def test_says_it_when_the_cmd_asks(self, is_triggered):
        """Be it that its own message was lost, or that it has heard of no Link_Down at all."""
        core = listener_mar(1, C1, C2)
        bind(core, T0)
        if is_triggered:
            core.detach("mn1", T0 + SECOND)
        now = T0 + 2 * SECOND
        update = anchor_update("mn1", anchor(1), mar_address(2), 1, 300, now, asks=True)
        (send,) = sent(core.receive(update, CMD, now))
        assert told(send) == (C1, C2)
        again = replace(update, sequence=2)
        (send,) = sent(core.receive(again, CMD, now))
        assert told(send) == (C1, C2)

    def test_does_not_say_it_unasked(self):
        core = listener_mar(1, C1)
        bind(core, T0)
        now = T0 + 2 * SECOND
        update = anchor_update("mn1", anchor(1), mar_address(2), 1, 300, now)
        (send,) = sent(core.receive(update, CMD, now))
        assert told(send) is None

    def test_says_that_it_knows_of_nothing(self):
        core = listener_mar(1, C1)
        update = anchor_update("mn1", anchor(1), mar_address(2), 1, 300, T0, asks=True)
        (send,) = sent(core.receive(update, CMD, T0))
        assert told(send) == ()


class TestTheServingMar:
    def test_is_told_with_its_first_pba(self):
        core = listener_mar(2)
        request, actions = bind(core, T0, 1, context=(C1, C2))
        assert read_registration(request, mar_address(2)).asks
        assert received(actions) == [(C1, C2)]
        kinds = [type(action) for action in actions]
        assert kinds.index(ServingStarted) < kinds.index(ContextReceived)

    def test_or_later_and_asks_until_then(self):
        core = listener_mar(2)
        request, actions = bind(core, T0, 1, context=None)
        assert received(actions) == []
        assert [a for a in actions if isinstance(a, ServingStarted)]
        (again,) = sent(core.timer(T0 + SECOND))
        assert read_registration(again.message, mar_address(2)).asks
        for message in (request, again.message):  # the second is a duplicate
            answer = acknowledgement(message, Status.ACCEPTED, 300, [anchor(1)], (C1,))
            actions = core.receive(answer, CMD, T0 + SECOND)
            assert received(actions) == ([(C1,)] if message is request else [])
        assert not sent(core.timer(T0 + 20 * SECOND))

    def test_is_told_once_an_attachment(self):
        core = listener_mar(2)
        bind(core, T0, 1, context=(C1,))
        (refresh,) = sent(core.timer(T0 + 150 * SECOND))
        assert not refresh.message.flags & BindingUpdateFlag.S
        _, actions = bind(core, T0 + 200 * SECOND, 1, context=(C2,))
        assert received(actions) == [(C2,)]

    def test_takes_no_context_of_an_earlier_attachment(self):
        core = listener_mar(2)
        request, _ = bind(core, T0, 1, context=None)
        core.attach(MN, T0 + SECOND)
        stale = acknowledgement(request, Status.ACCEPTED, 300, [anchor(1)], (C1,))
        assert core.receive(stale, CMD, T0 + SECOND) == []

    def test_hears_nothing_of_nothing(self):
        _, actions = bind(listener_mar(2), T0, 1, context=())
        assert received(actions) == []


def asking(number, attached):
    """The PBU of a MAR where the mobile node is new."""
    return registration(MN, anchor(number), 1, 300, attached, False, subscriptions=())


def telling(number, attached, *records, sequence=2):
    """The PBU of a MAR that the mobile node has left."""
    return registration(MN, anchor(number), sequence, 300, attached, False, subscriptions=records)


def contexts(actions, number):
    """The contexts that PBAs bring to a MAR, None for a PBA that has none."""
    return [
        told(send)
        for send in sent(actions)
        if send.destination == mar_address(number)
        and isinstance(send.message, BindingAcknowledgement)
    ]


def questions(actions):
    """Which previous MARs are asked."""
    return [
        send.destination
        for send in sent(actions)
        if not isinstance(send.message, BindingAcknowledgement)
        and read_anchor_update(send.message).asks
    ]


class TestTheCmd:
    def setup_method(self):
        self.core = cmd()
        self.now = T0

    def hear(self, message, number):
        self.now += MILLISECOND
        return self.core.receive(message, mar_address(number), self.now)

    def attach(self, number):
        """The mobile node is at a MAR now: when, and what the CMD does."""
        self.now += SECOND
        return self.now, self.hear(asking(number, self.now), number)

    def answers(self, actions, number, context):
        """The CMD's PBU to a previous MAR is answered."""
        (send,) = (s for s in sent(actions) if s.destination == mar_address(number))
        answer = acknowledgement(send.message, Status.ACCEPTED, 300, subscriptions=context)
        return self.hear(answer, number)

    def test_says_at_once_that_a_new_mobile_node_brings_nothing(self):
        _, actions = self.attach(1)
        assert contexts(actions, 1) == [()]

    def test_knows_it_before_the_next_mar_asks(self):
        first, _ = self.attach(1)
        actions = self.hear(telling(1, first, C1), 1)
        assert contexts(actions, 1) == [None]
        assert len(sent(actions)) == 1  # previous MARs have nothing to do with it
        _, actions = self.attach(2)
        assert contexts(actions, 2) == [(C1,)]
        assert questions(actions) == []
        assert contexts(self.answers(actions, 1, None), 2) == []

    def test_asks_and_hands_it_on_in_one_more_pba(self):
        self.attach(1)
        _, actions = self.attach(2)
        assert contexts(actions, 2) == [None]
        assert questions(actions) == [mar_address(1)]
        assert contexts(self.answers(actions, 1, (C1, C2)), 2) == [(C1, C2)]

    def test_is_told_a_moment_late(self):
        """Without a gap, the next MAR's PBU may overtake what the Link_Down sets off."""
        first, _ = self.attach(1)
        _, actions = self.attach(2)
        late = self.hear(telling(1, first, C1), 1)
        assert contexts(late, 2) == [(C1,)]
        (refusal,) = (s for s in sent(late) if s.destination == mar_address(1))
        assert refusal.message.status == Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
        assert contexts(self.answers(actions, 1, (C1,)), 2) == []  # it has been told

    def test_tells_again_whom_it_did_not_reach(self):
        self.attach(1)
        second, actions = self.attach(2)
        self.answers(actions, 1, (C1,))
        again = registration(MN, anchor(2), 2, 300, second, True, subscriptions=())
        assert contexts(self.hear(again, 2), 2) == [(C1,)]

    def test_says_when_there_is_nothing(self):
        self.attach(1)
        _, actions = self.attach(2)
        assert contexts(self.answers(actions, 1, ()), 2) == [()]

    def test_does_without_the_answer_of_a_mar_that_knows_no_context_transfer(self):
        self.attach(1)
        _, actions = self.attach(2)
        assert contexts(self.answers(actions, 1, None), 2) == [()]

    def test_gives_up_on_a_mar_that_is_silent_for_a_lifetime(self):
        self.attach(1)
        second, _ = self.attach(2)
        start = self.now
        heard = []
        for number in range(1, 15):  # the serving MAR asks again and again
            self.now = start + number * 25 * SECOND
            while self.core.next_deadline() <= self.now:
                due = self.core.next_deadline()
                heard += [(due, context) for context in contexts(self.core.timer(due), 2)]
            again = registration(MN, anchor(2), number + 1, 300, second, True, subscriptions=())
            heard += [(self.now, context) for context in contexts(self.hear(again, 2), 2)]
        first = next(time for time, context in heard if context == ())
        assert start + 300 * SECOND <= first < start + 340 * SECOND

    def test_asks_only_the_place_left_last(self):
        for number in (1, 2):
            self.attach(number)
        _, actions = self.attach(3)
        assert questions(actions) == [mar_address(2)]
        assert contexts(self.answers(actions, 2, (C2,)), 3) == [(C2,)]
        assert contexts(self.answers(actions, 1, (C1,)), 3) == []

    def test_never_gives_what_an_earlier_place_knew(self):
        first, _ = self.attach(1)
        self.hear(telling(1, first, C1), 1)
        self.attach(2)
        _, actions = self.attach(3)
        assert contexts(actions, 3) == [None]
        assert contexts(self.hear(telling(1, first, C1, sequence=9), 1), 3) == []
        assert contexts(self.answers(actions, 2, (C2,)), 3) == [(C2,)]

    def test_takes_nothing_from_a_mar_about_another_attachment(self):
        first, _ = self.attach(1)
        self.attach(2)
        third, _ = self.attach(1)
        self.attach(2)
        assert contexts(self.hear(telling(1, first, C1), 1), 2) == []
        assert contexts(self.hear(telling(1, third, C2), 1), 2) == [(C2,)]

    def test_says_nothing_to_a_mar_that_was_the_last_place_itself(self):
        first, _ = self.attach(1)
        self.hear(telling(1, first, C1), 1)
        _, actions = self.attach(1)
        assert contexts(actions, 1) == [()]

    def test_forgets_it_with_the_binding(self):
        first, _ = self.attach(1)
        self.hear(telling(1, first, C1), 1)
        self.hear(pbu(1, 3, first, lifetime=0), 1)
        _, actions = self.attach(2)
        assert contexts(actions, 2) == [()]

    def test_says_nothing_unasked(self):
        first, _ = self.attach(1)
        self.hear(telling(1, first, C1), 1)
        self.now += SECOND
        actions = self.hear(pbu(2, 1, self.now), 2)
        assert contexts(actions, 2) == [None]
        assert questions(actions) == []


def carried(*records):
    return tuple(option.record for option in subscription_options(records))


class TestTheOptions:
    def test_many_wanted_sources_are_spread(self):
        sources = tuple(SOURCE + number for number in range(30))
        parts = carried(replace(C1, sources=sources))
        assert [len(part.sources) for part in parts] == [14, 14, 2]
        assert sum((part.sources for part in parts), ()) == sources

    def test_of_many_unwanted_sources_the_rest_is_let_through(self):
        record = replace(C2, sources=tuple(SOURCE + number for number in range(30)))
        assert carried(record) == (replace(record, sources=record.sources[:14]),)

    def test_what_has_no_room_is_left_out_and_every_message_can_be_sent(self):
        records = tuple(replace(C1, group=C1.group + number) for number in range(100))
        kept = carried(*records)
        assert kept == records[: len(kept)]
        assert CONTEXT_ROOM - 40 < 40 * len(kept) <= CONTEXT_ROOM
        request = registration(replace(MN, identifier="x" * 253), anchor(1), 1, 4, T0, False)
        previous = [anchor(number) for number in range(1, MAXIMUM_PREVIOUS_MARS + 1)]
        answer = acknowledgement(request, Status.ACCEPTED, 300, previous, records)
        assert len(encode(answer, CMD, mar_address(1))) <= 2048 - authentication.SIZE


@pytest.mark.parametrize("gap", [0, 50 * MILLISECOND])
@pytest.mark.parametrize("variant", Variant)
def test_a_handover_in_each_variant(variant, gap):
    """With a gap it comes with the answer; without one it takes a PBA more of a proxy."""
    config = DomainConfig(4, Quality(DELAY), encoded=True, variant=variant, context_transfer=True)
    domain = Domain(config, seed=1)
    for number in (1, 2):
        domain.attach("mn1", number)
        domain.engine.run(domain.engine.now + SECOND)
        domain.report("mn1", number, (C1, C2))
    domain.engine.after(0 if gap else 1, lambda: domain.link_down("mn1", 2))
    domain.engine.after(gap, lambda: domain.attach("mn1", 3))
    domain.engine.run(domain.engine.now + SECOND // 2)
    assert domain.mar(3).received["mn1"] == (C1, C2)
    answers = [e for e in domain.events if e.node == "mar3" and e.log.kind == "received"]
    in_proxy_variant = 1 if gap else 2
    assert len(answers) == {"proxy": in_proxy_variant, "relay": 1, "locator": 2}[variant.value]
    (complete,) = (e for e in domain.logged("binding_complete") if e.node == "mar3")
    (context,) = (e for e in domain.logged("context") if e.node == "mar3")
    assert context.time - complete.time <= 1
