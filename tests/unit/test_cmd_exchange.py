"""What the CMD does, in which order, for the PBUs of serving MARs (figure 7 of the paper)."""

import pytest
from mobility_nodes import CMD, MN, T0, anchor, cmd, logs, mar_address, pbu, prefix, sent, update
from mobility_nodes import without_logs as plain

from agents.core import SECOND, Log
from agents.mobility.actions import Send
from agents.mobility.binding import CmdBinding
from agents.mobility.messages import (
    MAXIMUM_PREVIOUS_MARS,
    acknowledgement,
    anchor_update,
    registration,
)
from agents.wire.mobility import Status, encode
from agents.wire.mobility_options import (
    AccessTechnologyType,
    HandoffIndicator,
    MobileNodeIdentifier,
    PreviousMaar,
    Timestamp,
)


def visited(*mars: int, lifetime: int = 300):
    """A CMD that heard of the mobile node at these MARs, a second each, all of it acknowledged."""
    core = cmd()
    for count, number in enumerate(mars):
        now = T0 + count * SECOND
        actions = core.receive(pbu(number, count + 1, now, lifetime), mar_address(number), now)
        confirm(core, actions, now)
    return core


def confirm(core, actions, now):
    """Have every previous MAR acknowledge its PBU."""
    for send in sent(actions)[1:]:
        answer = acknowledgement(send.message, Status.ACCEPTED, send.message.lifetime)
        core.receive(answer, send.destination, now)


def test_a_first_registration_is_answered_and_that_is_all():
    core = cmd()
    request = pbu(1, 1, T0)
    actions = core.receive(request, mar_address(1), T0)
    answer = acknowledgement(request, Status.ACCEPTED, 300)
    assert plain(actions) == [Send(answer, mar_address(1))]
    assert [kind for kind, _ in logs(actions)] == ["received", "sent"]
    assert core.bindings() == {"mn1": CmdBinding(mar_address(1), prefix(1), ())}


def test_the_answer_copies_what_the_rfc_says():
    core = cmd()
    request = pbu(1, 1, T0)
    (send,) = sent(core.receive(request, mar_address(1), T0))
    kinds = (MobileNodeIdentifier, HandoffIndicator, AccessTechnologyType, Timestamp)
    assert send.message.options == tuple(request.option(kind) for kind in kinds)


def test_a_handover_is_answered_and_told_to_every_previous_mar_at_once():
    core = visited(1, 2)
    now = T0 + 5 * SECOND
    request = pbu(3, 1, now)
    answer = acknowledgement(request, Status.ACCEPTED, 300, [anchor(1), anchor(2)])
    timestamp = Timestamp(now).time
    assert plain(core.receive(request, mar_address(3), now)) == [
        Send(answer, mar_address(3)),
        Send(anchor_update("mn1", anchor(1), mar_address(3), 2, 300, timestamp), mar_address(1)),
        Send(anchor_update("mn1", anchor(2), mar_address(3), 3, 300, timestamp), mar_address(2)),
    ]


@pytest.mark.parametrize("previous", range(6))
def test_a_handover_takes_2n_plus_2_messages(previous):
    core = visited(*range(1, previous + 1))
    now = T0 + 60 * SECOND
    actions = core.receive(pbu(9, 1, now), mar_address(9), now)
    confirm(core, actions, now)
    requests_and_answers = 1 + len(sent(actions)) + previous
    assert requests_and_answers == 2 * previous + 2
    assert core.timer(now + 64 * SECOND) == []  # nothing is repeated


def test_the_mar_left_last_comes_last():
    core = visited(1, 2, 3, 1, 2)
    now = T0 + 60 * SECOND
    (answer, *_) = sent(core.receive(pbu(4, 1, now), mar_address(4), now))
    order = [option.address for option in answer.message.all(PreviousMaar)]
    assert order == [mar_address(3), mar_address(1), mar_address(2)]


def test_a_return_leaves_the_mar_itself_out_of_the_list():
    core = visited(1, 2)
    now = T0 + 5 * SECOND
    actions = core.receive(pbu(1, 2, now), mar_address(1), now)
    assert [send.destination for send in sent(actions)] == [mar_address(1), mar_address(2)]
    assert core.bindings()["mn1"] == CmdBinding(mar_address(1), prefix(1), (anchor(2),))


def test_a_refresh_goes_the_same_way():
    core = visited(1, 2)
    refresh = pbu(2, 3, T0 + SECOND)
    actions = core.receive(refresh, mar_address(2), T0 + 100 * SECOND)
    assert [send.destination for send in sent(actions)] == [mar_address(2), mar_address(1)]


def test_it_grants_no_more_than_it_may():
    core = cmd(binding_lifetime_s=60)
    (short, long) = (
        sent(core.receive(pbu(1, 1, T0, lifetime=20), mar_address(1), T0)),
        sent(core.receive(pbu(1, 2, T0, lifetime=300), mar_address(1), T0)),
    )
    assert [send.message.lifetime for send in short + long] == [20, 60]


def test_deregistration_is_answered_and_told_to_every_previous_mar():
    core = visited(1, 2, 3)
    now = T0 + 60 * SECOND
    request = pbu(3, 4, T0 + 2 * SECOND, lifetime=0)
    actions = core.receive(request, mar_address(3), now)
    timestamp = Timestamp(T0 + 2 * SECOND).time
    assert plain(actions) == [
        Send(acknowledgement(request, Status.ACCEPTED, 0), mar_address(3)),
        Send(anchor_update("mn1", anchor(1), None, 4, 0, timestamp), mar_address(1)),
        Send(anchor_update("mn1", anchor(2), None, 5, 0, timestamp), mar_address(2)),
    ]
    assert ("binding_removed", {"mn": "mn1"}) in logs(actions)
    assert core.bindings() == {}


def test_an_ended_binding_is_forgotten_when_every_anchor_knows():
    core = visited(1, 2)
    now = T0 + 60 * SECOND
    actions = core.receive(pbu(2, 4, T0 + SECOND, lifetime=0), mar_address(2), now)
    confirm(core, actions, now)
    core.timer(now + 10 * SECOND)
    assert core.next_deadline() is None


def test_a_binding_that_is_not_refreshed_expires_and_the_anchors_are_told():
    core = visited(1, 2, lifetime=20)
    expiry = T0 + 21 * SECOND
    assert core.next_deadline() == expiry
    timestamp = Timestamp(T0 + SECOND).time
    assert plain(core.timer(expiry)) == [
        Send(anchor_update("mn1", anchor(1), None, 2, 0, timestamp), mar_address(1)),
    ]
    assert core.bindings() == {}


def test_the_serving_mar_brings_an_expired_binding_back():
    core = visited(1, 2, lifetime=20)
    now = T0 + 22 * SECOND
    core.timer(now)
    core.receive(pbu(2, 9, T0 + SECOND), mar_address(2), now)
    assert core.bindings()["mn1"] == CmdBinding(mar_address(2), prefix(2), ())


def test_mobile_nodes_do_not_mix():
    core = visited(1)
    other = type(MN)("mn2", MN.link_layer_address)
    request = registration(other, anchor(2), 1, 300, T0, again=False)
    actions = core.receive(request, mar_address(2), T0)
    assert [send.destination for send in sent(actions)] == [mar_address(2)]
    assert sorted(core.bindings()) == ["mn1", "mn2"]


def test_no_list_is_longer_than_a_pba_and_who_falls_off_is_released():
    core = cmd(mars=MAXIMUM_PREVIOUS_MARS + 2)
    for number in range(1, MAXIMUM_PREVIOUS_MARS + 3):
        now = T0 + number * SECOND
        actions = core.receive(pbu(number, 1, now), mar_address(number), now)
    answer, *updates = sent(actions)
    assert len(answer.message.all(PreviousMaar)) == MAXIMUM_PREVIOUS_MARS
    assert len(encode(answer.message, CMD, mar_address(1))) <= 2048
    why = f"more than {MAXIMUM_PREVIOUS_MARS} previous MARs"
    lost = {"whom": "mn1", "what": str(anchor(1).prefix), "sources": 0, "why": why}
    assert [a.fields for a in actions if isinstance(a, Log) and a.kind == "refused"] == [lost]
    dropped = [send.destination for send in updates if send.message.lifetime == 0]
    assert dropped == [mar_address(1)]
    assert anchor(1) not in core.bindings()["mn1"].previous


def test_a_mar_that_refuses_is_no_longer_an_anchor():
    core = visited(1)
    now = T0 + 5 * SECOND
    _, send = sent(core.receive(pbu(2, 1, now), mar_address(2), now))
    status = Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX
    actions = core.receive(acknowledgement(send.message, status, 300), mar_address(1), now)
    fields = {"mn": "mn1", "mar": str(mar_address(1)), "status": status}
    assert logs(actions)[-1] == ("anchor_refused", fields)
    assert core.bindings()["mn1"].previous == ()


def test_the_update_reads_as_a_mar_reads_it():
    core = visited(1)
    now = T0 + 5 * SECOND
    _, send = sent(core.receive(pbu(2, 1, now), mar_address(2), now))
    assert send == Send(update(2, 1, Timestamp(now).time), mar_address(1))
