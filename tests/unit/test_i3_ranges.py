"""What is known of other servers' ranges, and how long."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agents.core import SECOND
from agents.i3.positions import SPACE, distance, is_between, is_in
from agents.i3.ranges import LIFETIME, Ranges
from agents.wire.i3 import Endpoint

ONE, TWO, THREE = (Endpoint(bytes([n]) * 18) for n in (1, 2, 3))
LAST = SPACE - 1


def test_positions_go_round():
    inside = [(5, 3, 5), (1, LAST, 1), (0, LAST, 1), *((one, 7, 7) for one in (0, 7, 8, LAST))]
    assert all(is_in(*one) for one in inside)
    assert not any(is_in(*one) for one in [(3, 3, 5), (6, 3, 5), (LAST, LAST, 1)])
    assert is_between(0, LAST, 1)
    assert not is_between(1, LAST, 1)
    assert distance(LAST, 1) == 2


def test_a_range_is_found_by_any_of_its_positions():
    ranges = Ranges(4)
    ranges.learn(LAST - 10, 5, ONE, 0)
    ranges.learn(5, 20, TWO, 0)
    assert [ranges.use(place) for place in (LAST, 0, 5, 6, 20)] == [ONE, ONE, ONE, TWO, TWO]
    assert ranges.use(21) is ranges.use(LAST - 10) is None


def test_what_contradicts_is_forgotten():
    ranges = Ranges(4)
    ranges.learn(0, 20, ONE, 0)
    ranges.learn(30, 40, THREE, 0)
    ranges.learn(10, 15, TWO, 0)
    assert [ranges.use(place) for place in (5, 12, 18, 35)] == [None, TWO, None, THREE]


def test_a_server_that_does_not_answer_is_forgotten():
    ranges = Ranges(4)
    ranges.learn(0, 20, ONE, 0)
    ranges.learn(20, 40, TWO, 0)
    ranges.forget(ONE)
    assert [ranges.use(10), ranges.use(30)] == [None, TWO]
    ranges.forget_at(30, ONE)
    assert ranges.use(30) == TWO
    ranges.forget_at(30, TWO)
    assert len(ranges) == 0


def test_a_range_that_is_used_is_asked_about_and_another_forgotten():
    ranges = Ranges(4)
    ranges.learn(0, 20, ONE, 0)
    assert ranges.next_deadline() == LIFETIME
    assert [found.server for found in ranges.due(LIFETIME)] == [ONE]
    ranges.use(10)
    ranges.learn(0, 20, ONE, LIFETIME + SECOND)
    assert [found.server for found in ranges.due(2 * LIFETIME + SECOND)] == [ONE]
    assert ranges.due(3 * LIFETIME + SECOND) == []
    assert ranges.next_deadline() is None
    assert ranges.use(10) is None


def test_ranges_are_as_many_as_allowed_the_oldest_goes():
    ranges = Ranges(2)
    for number in range(3):
        ranges.learn(10 * number, 10 * number + 10, ONE, number)
    assert len(ranges) == 2
    assert [ranges.use(5), ranges.use(15), ranges.use(25)] == [None, ONE, ONE]


EDGE = st.integers(0, 40).map(lambda place: (place - 20) % SPACE)


@given(st.lists(st.tuples(EDGE, EDGE, st.sampled_from([ONE, TWO, THREE])), max_size=30))
def test_the_latest_word_on_a_position_holds(learnt):
    ranges = Ranges(100)
    for after, up_to, server in learnt:
        ranges.learn(after, up_to, server, 0)
        assert ranges.use(up_to) == server
    for place in ((n - 20) % SPACE for n in range(41)):
        said = [server for after, up_to, server in learnt if is_in(place, after, up_to)]
        assert ranges.use(place) in (None, *said[-1:])
