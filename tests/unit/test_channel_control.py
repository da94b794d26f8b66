"""The MCC answers queries at once and pushes changes until they are acknowledged."""

from __future__ import annotations

from channels import BOTH, C1, C2, C3, LOCAL, MAR1, MAR2, REMOTE, STRANGER, make_policy, mcc, sent

from agents.control.actions import SendChannel
from agents.core import SECOND
from agents.wire.channel import ChannelAcknowledgement, ChannelQuery, ChannelResponse


def query(channel, sequence=1, **details):
    return ChannelQuery(sequence, *channel, **details)


def test_a_query_is_answered_with_its_sequence_number():
    control = mcc()
    assert control.receive(query(C1, 7), MAR1, 0) == [
        SendChannel(ChannelResponse(7, *C1, REMOTE), MAR1)
    ]
    assert control.receive(query(C3, 8), MAR2, 0) == [
        SendChannel(ChannelResponse(8, *C3, LOCAL), MAR2)
    ]
    assert control.next_deadline() is None


def test_an_answer_for_one_listener_says_so():
    control = mcc({}, make_policy("load", {"tunnelled": 1}))
    answers = [sent(control.receive(query(C2, load=load), MAR1, 0))[0].message for load in (0, 1)]
    assert [(answer.scope, answer.reusable) for answer in answers] == [
        (REMOTE, False),
        (LOCAL, False),
    ]


def test_a_stranger_gets_no_answer():
    control = mcc()
    assert control.receive(query(C1), STRANGER, 0) == []
    assert control.counters.unauthentic == 1


def test_who_is_asked_for_at_another_mar_has_moved():
    control = mcc({}, make_policy("mobility", {"handovers": 2}))
    scopes = []
    for second, mar in enumerate((MAR1, MAR1, MAR2, MAR1)):
        actions = control.receive(query(C2, listener="mn1"), mar, second * SECOND)
        scopes.append(sent(actions)[0].message.scope)
    assert scopes == [LOCAL, LOCAL, LOCAL, REMOTE]


def asked_by_both():
    control = mcc()
    for mar in (MAR1, MAR2):
        control.receive(query(C1), mar, 0)
    return control


def test_a_change_goes_to_every_mar_that_was_told_otherwise():
    control = asked_by_both()
    control.receive(query(C3), MAR1, 0)
    pushed = sent(control.change({C1: LOCAL, C2: BOTH, C3: LOCAL}, SECOND))
    assert [push.destination for push in pushed] == [MAR1, MAR2]
    for push in pushed:
        assert push.message == ChannelResponse(push.message.sequence, *C1, LOCAL, acknowledge=True)
    assert sent(control.receive(query(C1), MAR1, SECOND))[0].message.scope is LOCAL


def test_a_change_is_told_again_until_it_is_acknowledged():
    control = asked_by_both()
    first, second = sent(control.change({C1: LOCAL}, 0))
    control.receive(ChannelAcknowledgement(first.message.sequence), MAR1, 0)
    assert control.timer(SECOND - 1) == []
    assert control.timer(SECOND) == [second]
    assert control.next_deadline() == 3 * SECOND
    # Another MAR's acknowledgement is none of this one's.
    control.receive(ChannelAcknowledgement(second.message.sequence), MAR1, 0)
    assert control.counters.ignored == 1
    control.receive(ChannelAcknowledgement(second.message.sequence), MAR2, 0)
    assert control.next_deadline() is None


def test_a_mar_that_is_gone_is_given_up():
    control = asked_by_both()
    control.change({C1: LOCAL}, 0)
    times = set()
    while (due := control.next_deadline()) is not None:
        control.timer(due)
        times.add(due // SECOND)
    assert times == {1, 3, 7, 15, 31, 63}
    assert sent(control.change({C1: BOTH}, 100 * SECOND)) == []


def test_a_later_change_takes_the_place_of_an_earlier():
    control = asked_by_both()
    outdated = sent(control.change({C1: LOCAL}, 0))
    latest = sent(control.change({C1: BOTH}, 0))
    control.receive(ChannelAcknowledgement(outdated[0].message.sequence), MAR1, 0)
    assert control.timer(SECOND) == latest


def test_a_new_policy_tells_every_mar_that_was_told_otherwise():
    control = mcc({C1: REMOTE})
    for channel in (C1, C3):
        control.receive(query(channel), MAR1, 0)
    control.receive(query(C2, 9), MAR2, 0)
    pushed = sent(control.change_policy(make_policy("static", {"default": "local"}), SECOND))
    assert [(push.destination, push.message.group) for push in pushed] == [
        (MAR1, C3.group),
        (MAR2, C2.group),
    ]
    assert {(push.message.scope, push.message.reusable) for push in pushed} == {(LOCAL, True)}
    assert sent(control.receive(query(C3), MAR2, SECOND))[0].message.scope is LOCAL
    assert sent(control.change_policy(make_policy("static", {"default": "local"}), SECOND)) == []


def test_a_new_policy_that_judges_each_listener_is_asked_for_the_next():
    control = mcc({C1: REMOTE})
    for channel in (C1, C3):
        control.receive(query(channel), MAR1, 0)
    (push,) = sent(control.change_policy(make_policy("mobility", {"handovers": 1}), SECOND))
    assert push.message == ChannelResponse(
        push.message.sequence, *C3, REMOTE, acknowledge=True, reusable=False
    )
    assert sent(control.receive(query(C3, listener="mn1"), MAR1, SECOND))[0].message.scope is LOCAL
