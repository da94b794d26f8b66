"""What an end host knows of the servers of a ring."""

from __future__ import annotations

from random import Random

from agents.core import SECOND
from agents.i3.directory import MAXIMUM_QUESTIONS, TRIES, Entries
from agents.i3.positions import position
from agents.i3.ranges import LIFETIME
from agents.wire.i3 import Endpoint, Identifier, Responsible

ENTRY, OTHER_ENTRY, OWNER, STRANGER = (Endpoint(bytes([n]) * 18) for n in range(1, 5))
IDENTIFIER = Identifier(b"\x40" + bytes(31))
PLACE = position(IDENTIFIER)


def entries() -> Entries:
    return Entries([ENTRY, OTHER_ENTRY], Random(1))


def asked(directory: Entries, now: int = 0):
    """What the host asks now, and whom."""
    return [(action.message, action.destination) for action in directory.timer(now)]


def known() -> Entries:
    """A directory that knows the identifier's server."""
    directory = entries()
    directory.server_of(IDENTIFIER)
    ((question, _),) = asked(directory)
    assert directory.answered(Responsible(question.nonce, PLACE - 9, PLACE + 9), OWNER, 0)
    return directory


def test_what_is_not_known_goes_to_an_entry_server_and_is_asked_for_once():
    directory = entries()
    assert directory.server_of(IDENTIFIER) == directory.server_of(IDENTIFIER) == ENTRY
    assert directory.next_deadline() < -(10**18)  # at once, by any clock
    ((question, to),) = asked(directory, now=-5 * SECOND)
    assert (question.position, to) == (PLACE, ENTRY)
    assert asked(directory, now=-5 * SECOND) == []


def test_the_answer_is_used_for_the_whole_range():
    directory = known()
    near = Identifier((PLACE + 9).to_bytes(8, "big") + bytes(24))
    far = Identifier((PLACE + 10).to_bytes(8, "big") + bytes(24))
    assert [directory.server_of(one) for one in (IDENTIFIER, near, far)] == [OWNER, OWNER, ENTRY]
    assert directory.is_of(IDENTIFIER, OWNER)
    assert not directory.is_of(IDENTIFIER, ENTRY)
    assert not directory.is_of(far, ENTRY)


def test_an_answer_that_was_not_asked_for_is_counted_and_dropped():
    directory = entries()
    directory.server_of(IDENTIFIER)
    ((question, _),) = asked(directory)
    for answer in (
        Responsible(question.nonce ^ 1, PLACE - 1, PLACE),
        Responsible(question.nonce, PLACE, PLACE + 1),
    ):
        assert not directory.answered(answer, STRANGER, 0)
    assert directory.refused == 2
    assert directory.server_of(IDENTIFIER) == ENTRY


def test_an_entry_server_that_says_nothing_gives_way_to_another():
    directory = entries()
    directory.server_of(IDENTIFIER)
    whom = [to for second in range(TRIES + 2) for _, to in asked(directory, second * SECOND)]
    assert whom == [ENTRY, OTHER_ENTRY, ENTRY]
    # Nor has the last of them said anything: another question begins with the next one.
    assert directory.server_of(IDENTIFIER) == OTHER_ENTRY


def test_when_no_entry_server_answers_one_that_did_is_asked():
    directory = known()
    far = Identifier(b"\xf0" + bytes(31))
    whom = set()
    for second in range(40):
        directory.server_of(far)
        asks = asked(directory, second * SECOND)
        whom |= {to for question, to in asks if question.position == position(far)}
    assert whom == {ENTRY, OTHER_ENTRY, OWNER}


def test_an_identifier_whose_server_is_silent_is_asked_for_anew():
    directory = known()
    directory.silent(IDENTIFIER)
    assert directory.server_of(IDENTIFIER) == ENTRY
    directory.silent(IDENTIFIER)  # which says nothing of the entry server
    assert directory.server_of(IDENTIFIER) == ENTRY


def test_a_range_that_is_used_is_asked_about_and_goes_with_its_server():
    directory = known()
    directory.server_of(IDENTIFIER)
    start = LIFETIME // SECOND
    whom = [to for second in range(TRIES) for _, to in asked(directory, (start + second) * SECOND)]
    assert whom == [OWNER] * TRIES
    assert directory.server_of(IDENTIFIER) == OWNER
    asked(directory, (start + TRIES) * SECOND)
    assert directory.server_of(IDENTIFIER) == ENTRY


def test_only_the_server_itself_says_that_an_identifier_is_elsewhere():
    directory = known()
    directory.elsewhere(IDENTIFIER, STRANGER)
    assert directory.server_of(IDENTIFIER) == OWNER
    directory.elsewhere(IDENTIFIER, OWNER)
    assert directory.server_of(IDENTIFIER) == ENTRY


def test_open_questions_are_as_many_as_allowed():
    directory = entries()
    for number in range(3 * MAXIMUM_QUESTIONS):
        directory.server_of(Identifier(number.to_bytes(8, "big") + bytes(24)))
    assert len(asked(directory)) == MAXIMUM_QUESTIONS
