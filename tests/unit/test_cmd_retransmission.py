"""The CMD repeats what a previous MAR has to know until that acknowledges it."""

from mobility_nodes import T0, anchor, cmd, mar_address, pbu, sent

from agents.core import SECOND
from agents.mobility.messages import acknowledgement, anchor_update
from agents.wire.mobility import Status
from agents.wire.mobility_options import Timestamp

MOVED = T0 + SECOND


def moved():
    """A CMD that just told MAR 1 of the move to MAR 2; and that PBU."""
    core = cmd()
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    _, send = sent(core.receive(pbu(2, 1, MOVED), mar_address(2), MOVED))
    return core, send.message


def repetitions(core, until):
    """(seconds since the move, message) of what is sent by ``until``."""
    found = []
    while (due := core.next_deadline()) is not None and due <= until:
        found += [((due - MOVED) // SECOND, send) for send in sent(core.timer(due))]
    return found


def test_the_back_off_doubles_from_1_s_to_32_s():
    core, _ = moved()
    times = [seconds for seconds, _ in repetitions(core, MOVED + 100 * SECOND)]
    assert times == [1, 3, 7, 15, 31, 63, 95]


def test_every_repetition_says_the_same_under_a_new_sequence_number():
    core, _ = moved()
    timestamp = Timestamp(MOVED).time
    for number, (_, send) in enumerate(repetitions(core, MOVED + 16 * SECOND), start=2):
        wanted = anchor_update("mn1", anchor(1), mar_address(2), number, 300, timestamp)
        assert (send.destination, send.message) == (mar_address(1), wanted)


def test_the_answer_to_an_earlier_transmission_counts():
    core, first = moved()
    core.timer(MOVED + SECOND)
    core.receive(acknowledgement(first, Status.ACCEPTED, 300), mar_address(1), MOVED)
    assert repetitions(core, MOVED + 200 * SECOND) == []


def test_the_answer_to_what_was_told_before_does_not_count():
    core, first = moved()
    core.receive(pbu(3, 1, MOVED + SECOND), mar_address(3), MOVED + SECOND)
    core.receive(acknowledgement(first, Status.ACCEPTED, 300), mar_address(1), MOVED)
    assert core.counters.ignored == 1
    destinations = {send.destination for _, send in repetitions(core, MOVED + 3 * SECOND)}
    assert destinations == {mar_address(1), mar_address(2)}


def test_a_mar_to_which_the_node_came_back_need_not_be_told_where_it_was():
    core, _ = moved()
    core.receive(pbu(1, 2, MOVED + SECOND), mar_address(1), MOVED + SECOND)
    destinations = {send.destination for _, send in repetitions(core, MOVED + 60 * SECOND)}
    assert destinations == {mar_address(2)}


def test_a_mar_that_knows_a_later_attachment_is_left_alone():
    core, first = moved()
    status = Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
    core.receive(acknowledgement(first, status, 300), mar_address(1), MOVED)
    assert repetitions(core, MOVED + 200 * SECOND) == []
    assert core.bindings()["mn1"].previous == (anchor(1),)


def test_an_end_is_told_until_the_anchor_has_forgotten_anyway():
    core, _ = moved()
    core.receive(pbu(2, 2, MOVED, lifetime=0), mar_address(2), MOVED)
    found = repetitions(core, MOVED + 10_000 * SECOND)
    assert {send.message.lifetime for _, send in found} == {0}
    assert 260 < found[-1][0] < 300
    assert core.next_deadline() is None
