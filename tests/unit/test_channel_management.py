"""The CMF asks, remembers, hears of changes, and does without an MCC that is silent."""

from __future__ import annotations

import random

import pytest
from channels import (
    BOTH,
    C1,
    C3,
    LOCAL,
    MAR1,
    MCC,
    REMOTE,
    STRANGER,
    decided,
    make_policy,
    mcc,
    reasons,
    sent,
)

from agents.control.actions import Decided, SendChannel
from agents.control.decisions import Decisions
from agents.control.distributed import DistributedManagement
from agents.control.management import ChannelManagement, ManagementConfig
from agents.core import MILLISECOND, SECOND
from agents.wire.channel import ChannelAcknowledgement, ChannelQuery, ChannelResponse

TIMEOUT = 200 * MILLISECOND


def cmf(**changes) -> ChannelManagement:
    return ChannelManagement(ManagementConfig(MCC, **changes))


def asked(management, channel=C1, now=0):
    """Ask about a channel; the query's sequence number."""
    (send,) = sent(management.ask(channel, now, listener="mn1", load=2))
    return send.message.sequence


def test_the_query_says_for_whom_it_is():
    management = cmf()
    actions = management.ask(C1, 0, listener="mn1", load=2)
    assert sent(actions) == [SendChannel(ChannelQuery(1, *C1, 2, "mn1"), MCC)]
    assert decided(actions) == []


def test_an_answer_decides_and_is_remembered():
    management = cmf()
    sequence = asked(management)
    actions = management.receive(ChannelResponse(sequence, *C1, LOCAL), MCC, 1)
    assert (decided(actions), reasons(actions)) == ([(C1, LOCAL)], ["answer"])
    assert management.next_deadline() is None
    assert management.ask(C1, 2) == [Decided(C1, LOCAL)]


def test_an_answer_for_one_question_is_not_remembered():
    management = cmf()
    answer = ChannelResponse(asked(management), *C1, LOCAL, reusable=False)
    assert decided(management.receive(answer, MCC, 1)) == [(C1, LOCAL)]
    assert asked(management) == 2


def test_a_question_that_is_pending_is_not_asked_twice():
    management = cmf()
    asked(management)
    assert management.ask(C1, 1) == []


def test_what_was_not_asked_is_ignored():
    management = cmf()
    sequence = asked(management)
    for message in (
        ChannelResponse(sequence + 1, *C1, LOCAL),
        ChannelResponse(sequence, *C3, LOCAL),
        ChannelQuery(1, *C1),
    ):
        assert management.receive(message, MCC, 1) == []
    assert management.counters.ignored == 3
    assert management.receive(ChannelResponse(sequence, *C1, LOCAL), STRANGER, 1) == []
    assert management.counters.unauthentic == 1


def test_a_lost_query_or_answer_is_made_good_by_the_next():
    management = cmf()
    sequence = asked(management)
    times = []
    while (due := management.next_deadline()) is not None and due < TIMEOUT:
        assert sent(management.timer(due))[0].message.sequence == sequence
        times.append(due // MILLISECOND)
    assert times == [50, 150]
    actions = management.receive(ChannelResponse(sequence, *C1, LOCAL), MCC, TIMEOUT - 1)
    assert decided(actions) == [(C1, LOCAL)]


def run(management, until):
    """Let time pass; (ms, decisions, messages sent) of each alarm."""
    found = []
    while (due := management.next_deadline()) is not None and due <= until:
        actions = management.timer(due)
        found.append((due // MILLISECOND, decided(actions), len(sent(actions))))
    return found


def test_without_an_answer_the_default_holds_and_the_asking_goes_on():
    management = cmf()
    asked(management)
    assert run(management, SECOND) == [
        (50, [], 1),
        (150, [], 1),
        (200, [(C1, REMOTE)], 0),
        (350, [], 1),
        (750, [], 1),
    ]
    again = management.ask(C1, SECOND)
    assert (decided(again), reasons(again), sent(again)) == ([(C1, REMOTE)], ["default"], [])
    late = management.receive(ChannelResponse(1, *C1, LOCAL), MCC, SECOND)
    assert decided(late) == [(C1, LOCAL)]


def test_an_mcc_that_stays_away_is_asked_anew_for_the_next_listener():
    management = cmf()
    asked(management)
    run(management, 1000 * SECOND)
    assert management.next_deadline() is None
    assert asked(management, now=1000 * SECOND) == 2


@pytest.mark.parametrize("default", [REMOTE, LOCAL])
def test_the_default_is_the_operators(default):
    management = cmf(default=default)
    asked(management)
    assert run(management, TIMEOUT)[-1][1] == [(C1, default)]


def change(sequence, scope):
    return ChannelResponse(sequence, *C1, scope, acknowledge=True)


def test_a_change_is_acknowledged_and_decides():
    management = cmf()
    actions = management.receive(change(4, BOTH), MCC, 0)
    assert sent(actions) == [SendChannel(ChannelAcknowledgement(4), MCC)]
    assert (decided(actions), reasons(actions)) == ([(C1, BOTH)], ["change"])
    assert management.ask(C1, 1) == [Decided(C1, BOTH)]


def test_a_repeated_or_overtaken_change_is_acknowledged_and_nothing_else():
    management = cmf()
    management.receive(change(5, BOTH), MCC, 0)
    for sequence in (5, 4):
        actions = management.receive(change(sequence, LOCAL), MCC, 0)
        assert actions == [SendChannel(ChannelAcknowledgement(sequence), MCC)]
    assert management.ask(C1, 1) == [Decided(C1, BOTH)]


def test_an_answer_that_a_change_has_overtaken_does_not_count():
    management = cmf()
    sequence = asked(management)
    management.receive(change(1, BOTH), MCC, 0)
    assert management.receive(ChannelResponse(sequence, *C1, LOCAL), MCC, 0) == []
    assert management.ask(C1, 1) == [Decided(C1, BOTH)]


@pytest.mark.parametrize("seed", range(50))
def test_under_loss_duplication_and_reordering_the_last_setting_gets_through(seed):
    """An MCC and a CMF on a network that loses, doubles and delays; the MCC's mind changes."""
    dice = random.Random(seed)
    control, management = mcc(), cmf()
    flying, known, now = [], {}, 0
    changes = {second * SECOND: dice.choice([LOCAL, REMOTE, BOTH]) for second in range(1, 4)}

    def carry_out(actions):
        known.update(decided(actions))
        for send in sent(actions):
            copies = dice.choice([0, 1, 1, 2]) if now < 5 * SECOND else 1
            flying.extend((now + dice.randrange(300) * MILLISECOND, send) for _ in range(copies))

    carry_out(management.ask(C1, now))
    while now < 200 * SECOND:
        dues = [control.next_deadline(), management.next_deadline(), *changes]
        dues += [when for when, _ in flying]
        now = max(now, min((due for due in dues if due is not None), default=200 * SECOND))
        if now in changes:
            carry_out(control.change({C1: changes.pop(now)}, now))
        for entry in [entry for entry in flying if entry[0] <= now]:
            flying.remove(entry)
            send = entry[1]
            if send.destination == MCC:
                carry_out(control.receive(send.message, MAR1, now))
            else:
                carry_out(management.receive(send.message, MCC, now))
        carry_out(control.timer(now))
        carry_out(management.timer(now))
    final = sent(control.receive(ChannelQuery(99, *C1), MAR1, now))[0].message.scope
    assert known[C1] is final
    assert decided(management.ask(C1, now)) == [(C1, final)]


def test_the_distributed_cmf_decides_itself():
    decisions = Decisions(make_policy("mobility", {"handovers": 1}), {C3: LOCAL})
    management = DistributedManagement(decisions, MAR1)
    assert decided(management.ask(C3, 0)) == [(C3, LOCAL)]
    assert decided(management.ask(C1, 0, listener="mn1")) == [(C1, LOCAL)]
    management.moved("mn1", 1)
    actions = management.ask(C1, 2, listener="mn1")
    assert (decided(actions), reasons(actions)) == ([(C1, REMOTE)], ["own"])


def test_the_distributed_cmf_applies_a_change_to_what_it_was_asked():
    management = DistributedManagement(
        Decisions(make_policy("static", {"default": "remote"}), {}), MAR1
    )
    management.ask(C1, 0)
    actions = management.change({C1: LOCAL, C3: LOCAL}, 1)
    assert (decided(actions), reasons(actions)) == ([(C1, LOCAL)], ["change"])
    assert management.change({C1: LOCAL}, 2) == []


def test_a_change_that_is_not_for_every_listener_makes_it_ask_again():
    management = cmf()
    sequence = asked(management)
    management.receive(ChannelResponse(sequence, *C1, LOCAL), MCC, 1)
    forget = ChannelResponse(1, *C1, LOCAL, acknowledge=True, reusable=False)
    assert management.receive(forget, MCC, 2) == [SendChannel(ChannelAcknowledgement(1), MCC)]
    sequence = asked(management, now=3)
    # One that is asked already is still answered.
    management.receive(ChannelResponse(2, *C1, LOCAL, acknowledge=True, reusable=False), MCC, 4)
    answer = management.receive(ChannelResponse(sequence, *C1, BOTH, reusable=False), MCC, 5)
    assert decided(answer) == [(C1, BOTH)]


def test_the_distributed_cmf_follows_a_new_policy():
    management = DistributedManagement(
        Decisions(make_policy("static", {"default": "remote"}), {C3: LOCAL}), MAR1
    )
    for channel in (C1, C3):
        management.ask(channel, 0)
    assert management.change_policy(make_policy("load", {"tunnelled": 0}), 1) == []
    assert decided(management.ask(C1, 2)) == [(C1, LOCAL)]
    actions = management.change_policy(make_policy("static", {"default": "both"}), 3)
    assert (decided(actions), reasons(actions)) == ([(C1, BOTH)], ["change"])
