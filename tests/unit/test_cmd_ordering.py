"""Which PBU counts: later attachments beat earlier ones, whatever order the network makes of it."""

from dataclasses import replace

from mobility_nodes import CMD, MN, T0, cmd, mar, mar_address, pbu, prefix, sent, the_request

from agents.core import SECOND
from agents.mobility.config import ASSERT_DELAY
from agents.mobility.messages import acknowledgement
from agents.mobility.ordering import with_own_time
from agents.wire.mobility import Status
from agents.wire.mobility_options import Timestamp

LATER = T0 + SECOND
OUTDATED = Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED


def statuses(actions):
    return [send.message.status for send in sent(actions) if hasattr(send.message, "status")]


def where(core):
    return {mn: binding.serving for mn, binding in core.bindings().items()}


def test_the_pbu_of_an_earlier_attachment_comes_too_late():
    core = cmd()
    core.receive(pbu(2, 1, LATER), mar_address(2), LATER)
    actions = core.receive(pbu(1, 1, T0), mar_address(1), LATER)
    assert statuses(actions) == [OUTDATED]
    assert len(sent(actions)) == 1
    assert where(core) == {"mn1": mar_address(2)}
    assert core.bindings()["mn1"].previous == ()
    assert core.counters.ignored == 1


def test_the_refresh_of_a_mar_that_does_not_know_better_does_not_count():
    core = cmd()
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    core.receive(pbu(2, 1, LATER), mar_address(2), LATER)
    refresh = core.receive(pbu(1, 2, T0), mar_address(1), LATER + 100 * SECOND)
    assert statuses(refresh) == [OUTDATED]
    assert where(core) == {"mn1": mar_address(2)}


def test_who_comes_too_late_is_told_the_time_at_the_cmd():
    """RFC 5213 section 5.5, 8."""
    core = cmd(clock_offset=1_790_000_000 * SECOND)
    core.receive(pbu(2, 1, LATER), mar_address(2), LATER)
    (refusal,) = sent(core.receive(pbu(1, 7, T0), mar_address(1), LATER))
    assert refusal.message.option(Timestamp) == Timestamp(LATER + 1_790_000_000 * SECOND)


def test_its_mar_knows_the_refusal_by_the_sequence_number():
    core = mar()
    asked = the_request(core.attach(MN, T0))
    refusal = with_own_time(acknowledgement(asked, OUTDATED, 300), T0 + 9)
    assert core.receive(replace(refusal, sequence=asked.sequence + 1), CMD, T0) == []
    assert core.receive(refusal, CMD, T0)
    assert core.bindings() == {}
    assert the_request(core.timer(T0 + ASSERT_DELAY)).lifetime  # it is here, if it still is


def test_of_two_attachments_at_the_same_time_the_first_heard_counts():
    core = cmd()
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    assert statuses(core.receive(pbu(2, 1, T0), mar_address(2), T0)) == [OUTDATED]
    assert where(core) == {"mn1": mar_address(1)}


def test_a_duplicate_is_not_answered():
    core = cmd()
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    assert sent(core.receive(pbu(1, 1, T0), mar_address(1), T0)) == []
    assert core.counters.ignored == 1


def test_a_repetition_is_answered():
    core = cmd()
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    assert statuses(core.receive(pbu(1, 2, T0), mar_address(1), T0)) == [Status.ACCEPTED]


def test_sequence_numbers_wrap_within_an_attachment_and_start_over_in_the_next():
    core = cmd()
    core.receive(pbu(1, 65535, T0), mar_address(1), T0)
    assert statuses(core.receive(pbu(1, 0, T0), mar_address(1), T0)) == [Status.ACCEPTED]
    assert statuses(core.receive(pbu(1, 65535, T0), mar_address(1), T0)) == []
    assert statuses(core.receive(pbu(1, 9, LATER), mar_address(1), T0)) == [Status.ACCEPTED]


def test_a_previous_mar_cannot_deregister():
    core = cmd()
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    core.receive(pbu(2, 1, LATER), mar_address(2), LATER)
    actions = core.receive(pbu(1, 2, T0, lifetime=0), mar_address(1), LATER + 10 * SECOND)
    assert statuses(actions) == [OUTDATED]
    assert where(core) == {"mn1": mar_address(2)}


def test_an_overtaken_refresh_does_not_undo_a_deregistration():
    core = cmd()
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    core.receive(pbu(1, 3, T0, lifetime=0), mar_address(1), T0)
    core.receive(pbu(1, 2, T0), mar_address(1), T0 + SECOND)
    assert core.bindings() == {}


def test_a_deregistration_is_remembered_even_of_an_unknown_node():
    core = cmd()
    actions = core.receive(pbu(1, 2, T0, lifetime=0), mar_address(1), T0)
    assert statuses(actions) == [Status.ACCEPTED]
    core.receive(pbu(1, 1, T0), mar_address(1), T0 + SECOND)
    assert core.bindings() == {}


def test_the_deregistration_of_an_attachment_never_heard_of_ends_the_whole_session():
    core = cmd()
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    actions = core.receive(pbu(2, 3, LATER, lifetime=0), mar_address(2), LATER)
    assert [send.destination for send in sent(actions)] == [mar_address(2), mar_address(1)]
    assert sent(actions)[1].message.lifetime == 0
    assert core.bindings() == {}


def test_a_new_attachment_after_the_end_starts_a_new_session():
    core = cmd()
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    core.receive(pbu(1, 2, T0, lifetime=0), mar_address(1), T0)
    core.receive(pbu(2, 1, LATER), mar_address(2), LATER)
    binding = core.bindings()["mn1"]
    assert (binding.serving, binding.prefix, binding.previous) == (mar_address(2), prefix(2), ())
    core.timer(LATER + 20 * SECOND)
    assert where(core) == {"mn1": mar_address(2)}
