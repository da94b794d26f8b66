"""A MAR repeats its PBU with RFC 6275's back-off until the PBA comes."""

from mobility_nodes import CMD, MN, T0, mar, sent, the_request

from agents.core import SECOND
from agents.mobility.actions import ServingStarted
from agents.mobility.messages import acknowledgement
from agents.mobility.retransmission import PendingUpdate
from agents.wire.mobility import Status
from agents.wire.mobility_options import Timestamp
from agents.wire.sequence_numbers import is_newer, next_sequence


def repeated(core, until):
    """(seconds since the attachment, PBU) of every repetition."""
    times = []
    while (due := core.next_deadline()) is not None and due <= until:
        times += [((due - T0) // SECOND, send.message) for send in sent(core.timer(due))]
    return times


def test_the_back_off_doubles_from_1_s_to_32_s():
    core = mar()
    core.attach(MN, T0)
    times = [seconds for seconds, _ in repeated(core, T0 + 160 * SECOND)]
    assert times == [1, 3, 7, 15, 31, 63, 95, 127, 159]


def test_every_repetition_has_a_new_sequence_number_and_the_attachments_timestamp():
    core = mar()
    first = the_request(core.attach(MN, T0))
    again = [message for _, message in repeated(core, T0 + 16 * SECOND)]
    assert [message.sequence for message in again] == [2, 3, 4, 5]
    assert {message.option(Timestamp) for message in again} == {first.option(Timestamp)}


def test_the_answer_to_an_earlier_transmission_counts():
    core = mar()
    first = the_request(core.attach(MN, T0))
    core.timer(T0 + SECOND)
    answer = acknowledgement(first, Status.ACCEPTED, 300)
    assert ServingStarted(MN, None) in core.receive(answer, CMD, T0 + 2 * SECOND)
    assert [seconds for seconds, _ in repeated(core, T0 + 100 * SECOND)] == []


def test_no_timer_runs_early():
    core = mar()
    core.attach(MN, T0)
    assert core.timer(T0 + SECOND - 1) == []
    assert core.next_deadline() == T0 + SECOND


def test_sequence_numbers_wrap():
    assert next_sequence(65535) == 0
    assert is_newer(0, 65535)
    assert not is_newer(65535, 0)
    pending = PendingUpdate(T0, 300, first=65535, last=65535, timeout=SECOND)
    pending.sent_again(0, 32 * SECOND)
    answered = [number for number in (65534, 65535, 0, 1) if pending.answered_by(number, T0, 0)]
    assert answered == [65535, 0]
