"""Figures 4, 6 and 7 of the paper: who answers the serving MAR, and when; message by message."""

import pytest
from mobility_nodes import MN, T0, anchor, cmd, mar, mar_address, pbu, sent, the_request

from agents.core import MILLISECOND, SECOND
from agents.mobility.actions import ServingStarted
from agents.mobility.config import Variant
from agents.mobility.messages import acknowledgement, anchor_update
from agents.wire.mobility import BindingAcknowledgement, Status
from agents.wire.mobility_options import PreviousMaar, Timestamp
from emu.simulator.domain import CMD_ADDRESS, Domain, DomainConfig
from emu.simulator.network import Quality

DELAY = 10 * MILLISECOND
QUALITY = Quality(delay=DELAY)
CMD = str(CMD_ADDRESS)


def hand_over(variant, *mars, encoded=True, context=False):
    """Move a mobile node from MAR to MAR; the domain, and the log of the last move."""
    config = DomainConfig(
        mars=6, quality=QUALITY, encoded=encoded, variant=variant, context_transfer=context
    )
    domain = Domain(config, seed=1)
    for number in mars:
        left = domain.detach("mn1")
        if left is not None:
            domain.link_down("mn1", left)
        start = domain.engine.now
        domain.events.clear()
        domain.attach("mn1", number)
        domain.engine.run(start + SECOND // 2)
    return domain, [(event.time - start, event.node, event.log) for event in domain.events]


def messages(log):
    return [
        (time, node, entry.fields["message"], str(entry.fields["destination"]))
        for time, node, entry in log
        if entry.kind == "sent"
    ]


def address(domain, number):
    return str(domain.mar(number).config.address)


def completed(log):
    return [(time, node) for time, node, entry in log if entry.kind == "binding_complete"]


def test_the_order_of_figure_4():
    domain, log = hand_over(Variant.RELAY, 1, 2, 3)
    assert messages(log) == [
        (0, "mar3", "PBU", CMD),
        (DELAY, "cmd", "PBU", address(domain, 1)),
        (DELAY, "cmd", "PBU", address(domain, 2)),
        (2 * DELAY, "mar1", "PBA", CMD),
        (2 * DELAY, "mar2", "PBA", CMD),
        (3 * DELAY, "cmd", "PBA", address(domain, 3)),
    ]
    assert completed(log) == [(4 * DELAY, "mar3")]  # equation 15: two round trips


def test_the_order_of_figure_6():
    domain, log = hand_over(Variant.LOCATOR, 1, 2, 3)
    assert messages(log) == [
        (0, "mar3", "PBU", CMD),
        (DELAY, "cmd", "PBU", address(domain, 1)),
        (DELAY, "cmd", "PBU", address(domain, 2)),
        (2 * DELAY, "mar1", "PBA", address(domain, 3)),
        (2 * DELAY, "mar1", "PBA", CMD),
        (2 * DELAY, "mar2", "PBA", address(domain, 3)),
        (2 * DELAY, "mar2", "PBA", CMD),
    ]
    assert completed(log) == [(3 * DELAY, "mar3")]  # equation 16


def test_the_order_of_figure_7():
    domain, log = hand_over(Variant.PROXY, 1, 2)
    assert messages(log) == [
        (0, "mar2", "PBU", CMD),
        (DELAY, "cmd", "PBA", address(domain, 2)),
        (DELAY, "cmd", "PBU", address(domain, 1)),
        (2 * DELAY, "mar1", "PBA", CMD),
    ]
    assert completed(log) == [(2 * DELAY, "mar2")]  # equation 17


@pytest.mark.parametrize("variant", Variant)
def test_an_initial_registration_is_answered_by_the_cmd(variant):
    """Figure 3."""
    domain, log = hand_over(variant, 1)
    assert messages(log) == [(0, "mar1", "PBU", CMD), (DELAY, "cmd", "PBA", address(domain, 1))]


@pytest.mark.parametrize("previous", range(1, 6))
@pytest.mark.parametrize(
    ("variant", "per_mar", "fixed"),
    [(Variant.RELAY, 2, 2), (Variant.LOCATOR, 3, 1), (Variant.PROXY, 2, 2)],
)
def test_message_counts(variant, per_mar, fixed, previous):
    """Section 5.1.3."""
    _, log = hand_over(variant, *range(1, previous + 2))
    assert len(messages(log)) == per_mar * previous + fixed


@pytest.mark.parametrize("variant", Variant)
def test_all_variants_end_alike(variant):
    domain, _ = hand_over(variant, 1, 2, 3)
    binding = domain.mar(3).core.bindings()["mn1"]
    assert [anchor.address for anchor in binding.anchors] == [
        domain.mar(1).config.address,
        domain.mar(2).config.address,
    ]
    (started,) = (a for a in domain.mar(3).actions if isinstance(a, ServingStarted))
    assert started.previous == domain.mar(2).config.address
    assert domain.mar(3).router.tunnels == {anchor.address for anchor in binding.anchors}


def at_relay():
    """A relay that a third MAR has just told of the mobile node; its PBUs to the other two."""
    core = cmd(variant=Variant.RELAY)
    for number in (1, 2):
        now = T0 + number * SECOND
        for send in sent(core.receive(pbu(number, 1, now), mar_address(number), now)):
            if send.destination != mar_address(number):
                answer = acknowledgement(send.message, Status.ACCEPTED, 300)
                core.receive(answer, send.destination, now)
    now = T0 + 9 * SECOND
    told = sent(core.receive(pbu(3, 1, now), mar_address(3), now))
    assert [send.destination for send in told] == [mar_address(1), mar_address(2)]
    return core, told, now


def test_a_relay_waits_for_the_last_of_them():
    core, (first, second), now = at_relay()
    accepted = acknowledgement(first.message, Status.ACCEPTED, 300)
    assert sent(core.receive(accepted, mar_address(1), now)) == []
    accepted = acknowledgement(second.message, Status.ACCEPTED, 300)
    (answer,) = sent(core.receive(accepted, mar_address(2), now))
    assert answer.destination == mar_address(3)
    order = [option.address for option in answer.message.all(PreviousMaar)]
    assert order == [mar_address(1), mar_address(2)]
    assert sent(core.receive(accepted, mar_address(2), now)) == []


def test_a_relay_leaves_out_who_refuses():
    core, (first, second), now = at_relay()
    refused = acknowledgement(first.message, Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX, 300)
    core.receive(refused, mar_address(1), now)
    accepted = acknowledgement(second.message, Status.ACCEPTED, 300)
    (answer,) = sent(core.receive(accepted, mar_address(2), now))
    assert [option.address for option in answer.message.all(PreviousMaar)] == [mar_address(2)]


@pytest.mark.parametrize("variant", [Variant.RELAY, Variant.LOCATOR])
def test_a_dead_mar_holds_up_a_handover_for_two_repetitions(variant):
    core = cmd(variant=variant)
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    now = T0 + SECOND
    request = pbu(2, 1, now)
    core.receive(request, mar_address(2), now)
    answers = []
    while core.next_deadline() <= now + 20 * SECOND:
        due = core.next_deadline()
        answers += [
            (due - now, s) for s in sent(core.timer(due)) if s.destination == mar_address(2)
        ]
    ((when, answer),) = answers
    assert when == 3 * SECOND
    assert answer.message == acknowledgement(request, Status.ACCEPTED, 300, [anchor(1)])


def locator_answer(own, *listed, timestamp, sequence=7, status=Status.ACCEPTED):
    """A PBA of a previous MAR to the serving MAR 3."""
    anchors = [anchor(number) for number in listed]
    request = anchor_update(
        "mn1", anchor(own), mar_address(3), sequence, 300, timestamp, anchors=anchors
    )
    return acknowledgement(request, status, 300, anchors)


class TestTheServingMarOfALocator:
    def setup_method(self):
        acknowledging = frozenset({mar_address(1), mar_address(2), mar_address(9)})
        self.core = mar(3, acknowledging=acknowledging)
        request = the_request(self.core.attach(MN, T0))
        self.timestamp = request.option(Timestamp).time

    def hear(self, own, *listed, **changes):
        answer = locator_answer(own, *listed, timestamp=self.timestamp, **changes)
        return self.core.receive(answer, mar_address(own), T0 + 1)

    def started(self, actions):
        return [action for action in actions if isinstance(action, ServingStarted)]

    def test_waits_for_all_that_any_of_them_names(self):
        assert not self.started(self.hear(2, 1, 2))
        (started,) = self.started(self.hear(1, 1, 2))
        assert started.previous == mar_address(2)
        assert self.hear(1, 1, 2) == []

    def test_keeps_asking_until_then(self):
        self.hear(2, 1, 2)
        (repeated,) = sent(self.core.timer(T0 + SECOND))
        assert repeated.destination == CMD_ADDRESS
        self.hear(1, 1, 2)
        assert not sent(self.core.timer(T0 + 10 * SECOND))

    def test_does_without_who_refuses(self):
        self.hear(1, 1, 2, status=Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX)
        (started,) = self.started(self.hear(2, 1, 2))
        assert started.previous == mar_address(2)
        assert self.core.bindings()["mn1"].anchors == (anchor(2),)

    def test_hears_nobody_who_is_not_named(self):
        assert self.hear(9, 1, 2) == []
        assert self.core.counters.ignored == 1

    def test_hears_no_stranger(self):
        answer = locator_answer(8, 8, timestamp=self.timestamp)
        assert self.core.receive(answer, mar_address(8), T0 + 1) == []
        assert self.core.counters.unauthentic == 1

    def test_takes_no_pbu_from_another_mar(self):
        update = anchor_update("mn1", anchor(3), mar_address(1), 1, 300, self.timestamp + SECOND)
        assert self.core.receive(update, mar_address(1), T0 + 1) == []
        assert self.core.counters.unauthentic == 1

    def test_hears_nothing_of_another_attachment(self):
        self.timestamp -= SECOND
        assert self.hear(1, 1) == []

    def test_a_refresh_takes_nothing_down_meanwhile(self):
        self.hear(2, 1, 2)
        self.hear(1, 1, 2)
        self.core.timer(T0 + 150 * SECOND + 1)
        self.hear(2, 1, 2)
        assert len(self.core.bindings()["mn1"].anchors) == 2


def test_a_previous_mar_that_knows_better_tells_the_cmd_alone():
    core = mar(1)
    request = the_request(core.attach(MN, T0))
    now = request.option(Timestamp).time
    update = anchor_update(
        "mn1", anchor(1), mar_address(2), 1, 300, now - SECOND, anchors=[anchor(1)]
    )
    (answer,) = sent(core.receive(update, CMD_ADDRESS, T0))
    assert answer.destination == CMD_ADDRESS
    assert isinstance(answer.message, BindingAcknowledgement)
    assert answer.message.status == Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
