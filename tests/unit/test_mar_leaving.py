"""What a MAR does when a mobile node goes away and no other MAR is heard to serve it."""

from mobility_nodes import (
    CMD,
    MN,
    T0,
    anchor,
    link_local,
    logs,
    mar,
    mar_address,
    prefix,
    sent,
    serve,
    update,
    without_logs,
)

from agents.core import SECOND, Log
from agents.mobility.actions import (
    GoingDown,
    RemoveDlif,
    RemoveRoute,
    RemoveSourceRoute,
    RemoveTunnel,
    Send,
    ServingEnded,
)
from agents.mobility.messages import acknowledgement, registration
from agents.mobility.sessions import Phase
from agents.wire.mobility import Status
from agents.wire.mobility_options import Timestamp

GONE = T0 + 2 * SECOND


def left(*previous: int):
    """A MAR 2 that a mobile node has just left."""
    core = mar(2)
    serve(core, T0, *previous)
    assert logs(core.detach("mn1", GONE)) == [("detached", {"mn": "mn1"})]
    return core


def deregistered(core):
    """Let the delay pass; the PBU that asks to remove the binding."""
    (send,) = sent(core.timer(GONE + 10 * SECOND))
    return send.message


def test_nothing_happens_for_the_detachment_delay():
    core = left(1)
    assert core.next_deadline() == GONE + 10 * SECOND
    assert core.bindings()["mn1"].phase is Phase.LEAVING


def test_then_the_binding_is_removed_at_the_cmd():
    core = left(1)
    request = registration(MN, anchor(2), 2, 0, Timestamp(T0).time, again=False)
    assert without_logs(core.timer(GONE + 10 * SECOND)) == [Send(request, CMD)]


def test_the_answer_releases_everything():
    core = left(1)
    answer = acknowledgement(deregistered(core), Status.ACCEPTED, 0)
    actions = core.receive(answer, CMD, GONE + 11 * SECOND)
    assert without_logs(actions) == [
        RemoveSourceRoute(prefix(1)),
        RemoveRoute(prefix(2)),
        RemoveRoute(prefix(1)),
        RemoveDlif(link_local(1)),
        RemoveTunnel(mar_address(1)),
        ServingEnded(MN),
    ]
    assert logs(actions)[-1] == ("binding_removed", {"mn": "mn1"})
    assert core.bindings() == {}
    core.timer(core.next_deadline())
    assert core.next_deadline() is None


def test_a_released_prefix_rests_before_another_node_gets_it():
    core = left()
    core.receive(acknowledgement(deregistered(core), Status.ACCEPTED, 0), CMD, GONE)
    core.attach(MN, GONE + SECOND)
    core.timer(GONE + 11 * SECOND)
    assert core.bindings()["mn1"].prefix == prefix(2, 1)


def test_the_request_is_repeated_until_the_lifetime_is_over():
    core = left()
    deregistered(core)
    repetitions = 0
    while "mn1" in core.bindings():
        repetitions += len(sent(core.timer(core.next_deadline())))
    assert repetitions == 13  # after 1, 3, 7, 15, 31, 63, 95, … 287 s of the 288 s that remain
    assert core.tunnels() == {}


def test_a_node_that_never_got_bound_is_deregistered_as_well():
    core = mar(2)
    core.attach(MN, T0)
    core.detach("mn1", GONE)
    assert core.next_deadline() == GONE + 10 * SECOND
    assert deregistered(core).lifetime == 0


def test_a_return_during_the_delay_calls_it_off():
    core = left()
    serve(core, GONE + SECOND)
    core.timer(GONE + 10 * SECOND)
    assert core.bindings()["mn1"].phase is Phase.SERVING


def test_news_of_another_mar_call_it_off():
    core = left()
    core.receive(update(3, 1, GONE + SECOND, own=2), CMD, GONE + SECOND)
    assert sent(core.timer(GONE + 10 * SECOND)) == []
    assert core.bindings()["mn1"].phase is Phase.ANCHORING


def test_a_later_attachment_that_the_cmd_knows_ends_the_session_here():
    core = left(1)
    status = Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
    actions = core.receive(acknowledgement(deregistered(core), status, 0), CMD, GONE)
    assert ServingEnded(MN) in actions
    assert core.bindings() == {}
    # The prefix is still reserved: the CMD's PBU, perhaps overtaken, may anchor it here.
    core.receive(update(3, 1, GONE, own=2), CMD, GONE + SECOND)
    assert core.bindings()["mn1"].prefix == prefix(2)


def test_leaving_cannot_outlive_the_binding():
    core = mar(2, binding_lifetime_s=8)
    serve(core, T0)
    core.receive(acknowledgement(update(2, 9, T0), Status.ACCEPTED, 8), CMD, T0)
    core.detach("mn1", T0 + 295 * SECOND)
    actions = core.timer(T0 + 301 * SECOND)
    assert ServingEnded(MN) in actions
    assert core.bindings() == {}


def test_a_detachment_of_an_unknown_or_absent_node_is_no_news():
    core = mar(2)
    assert core.detach("mn1", T0) == []
    serve(core, T0)
    core.receive(update(3, 1, GONE, own=2), CMD, GONE)
    assert core.detach("mn1", GONE) == []
    assert core.bindings()["mn1"].phase is Phase.ANCHORING


def test_an_announced_departure_concerns_only_who_is_here():
    core = mar(2)
    serve(core, T0, 1)
    announced = core.going_down("mn1", mar_address(3), GONE)
    assert announced == [
        Log("going_down", {"mn": "mn1", "to": str(mar_address(3))}),
        GoingDown(MN, mar_address(3)),
    ]
    assert core.bindings()["mn1"].phase is Phase.SERVING
    assert core.going_down("mn2", mar_address(3), GONE) == []
    core.detach("mn1", GONE)
    assert core.going_down("mn1", mar_address(3), GONE) == []
