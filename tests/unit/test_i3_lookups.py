"""Looking for the server of a position: whom a search asks, and what it takes for the answer."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from agents.i3.chord import CLOSER
from agents.i3.lookups import MAXIMUM_QUESTIONS, Lookup
from agents.i3.neighbours import SUCCESSORS
from agents.i3.positions import SPACE, distance, is_between, position_of
from agents.wire.chord import Answer
from agents.wire.i3 import Endpoint

ME = Endpoint(b"m" * 18)
RING = sorted((Endpoint(n.to_bytes(18, "big")) for n in range(100)), key=position_of)


def owner_of(place: int, servers: list[Endpoint] = RING) -> Endpoint:
    return min(servers, key=lambda one: distance(place, position_of(one)))


def says(
    server: Endpoint, place: int, servers: list[Endpoint] = RING, leaving: bool = False
) -> Answer:
    """What a server of a settled ring answers: it knows those 1, 2, 4, … places behind it."""
    at = servers.index(server)
    others = [*servers[at + 1 :], *servers[:at]]
    known = [others[(1 << bit) - 1] for bit in range(7) if 1 << bit <= len(others)]
    before = [one for one in known if is_between(position_of(one), position_of(server), place)]
    before.sort(key=lambda one: distance(position_of(one), place))
    successors = tuple(others[:SUCCESSORS])
    return Answer(0, leaving, others[-1] if others else None, successors, tuple(before[:CLOSER]))


def search(lookup: Lookup, silent: set[Endpoint] | None = None) -> list[Endpoint]:
    """Play a search to its end; whom it asked."""
    asked = []
    while (server := lookup.next()) is not None:
        asked.append(server)
        lost = server in (silent or ())
        lookup.hear(server, None if lost else says(server, lookup.place))
    return asked


PLACES = st.one_of(st.integers(0, SPACE - 1), st.sampled_from(RING).map(position_of))


@given(PLACES, st.sampled_from(RING))
def test_a_search_ends_at_whose_the_position_is_after_a_few_questions(place, start):
    lookup = Lookup(place, ME, [start])
    asked = search(lookup)
    owner = owner_of(place)
    assert lookup.found()[0] == owner
    before = RING[RING.index(owner) - 1]
    assert lookup.range() == (owner, position_of(before))
    assert len(asked) == len(set(asked)) <= 9


@given(PLACES, st.integers(0, 1000))
def test_those_who_do_not_answer_are_asked_once_and_passed_over(place, seed):
    silent = {one for one in Random(seed).sample(RING, 4) if one != RING[0]}
    lookup = Lookup(place, ME, [RING[0]])
    asked = search(lookup, silent)
    assert len(asked) == len(set(asked))
    assert lookup.found()[0] == owner_of(place, [one for one in RING if one not in silent])


def test_one_that_leaves_tells_the_way_and_is_not_what_was_looked_for():
    place = position_of(RING[5])
    lookup = Lookup(place, ME, [RING[4], RING[5]])
    lookup.hear(RING[5], says(RING[5], place, leaving=True))
    lookup.hear(RING[4], says(RING[4], place))
    lookup.hear(RING[6], says(RING[6], place))
    assert lookup.found()[0] == RING[6]


def test_what_a_server_says_of_who_asks_leads_nowhere():
    """The search is for another server: that it is itself the next one says nothing."""
    ring = sorted([*RING, ME], key=position_of)
    place = (position_of(ME) + 1) % SPACE
    before = ring[ring.index(ME) - 1]
    lookup = Lookup(place, ME, [before, ME])
    while (server := lookup.next()) is not None:
        assert server != ME
        lookup.hear(server, says(server, place, ring))
    assert lookup.found()[0] == owner_of(place)


def test_servers_that_name_ever_closer_ones_are_left_after_so_many_questions():
    lookup = Lookup(position_of(RING[-1]), ME, RING[:1])
    asked = 0
    while (server := lookup.next()) is not None:
        asked += 1
        lookup.hear(server, Answer(0, False, None, (), (RING[RING.index(server) + 1],)))
    assert asked == MAXIMUM_QUESTIONS
    assert lookup.range() is None


def test_a_search_with_nobody_to_ask_has_ended():
    lookup = Lookup(0, ME, [ME])
    assert lookup.next() is lookup.found() is lookup.range() is None
    gone = Lookup(0, ME, [RING[0]])
    gone.hear(RING[0], None)
    assert gone.next() is gone.found() is gone.range() is None


def test_a_server_that_does_not_know_how_far_back_it_goes_has_no_range():
    """It is the best that is known, which is enough to join by, and no range to keep."""
    lookup = Lookup(position_of(RING[1]), ME, [RING[2]])
    assert lookup.found() is None
    lookup.hear(RING[2], Answer(0, False, None, (), ()))
    assert lookup.found()[0] == RING[2]
    assert lookup.range() is None


def test_a_server_that_names_another_one_for_the_position_is_not_the_answer():
    lookup = Lookup(position_of(RING[1]), ME, [RING[2]])
    lookup.hear(RING[2], Answer(0, False, RING[1], (), ()))
    assert lookup.found() is lookup.range() is None
    assert lookup.next() == RING[1]
