"""The search for a place in the tree, on the paper's own example (figure 5)."""

from __future__ import annotations

from agents.i3.identifiers import above_root, f_hash, j_hash
from agents.i3.joining import Search
from agents.wire.i3 import Endpoint, Identifier
from agents.wire.i3_group import Distance

ROOT = Identifier(b"S" * 32)
OWNER = Endpoint(b"o" * 18)


def member(number: int) -> Identifier:
    return Identifier(bytes([number]) * 32)


def hear(search: Search, who: Identifier, of: Identifier, distance: int, skew: int = 0) -> bool:
    """A receiver of a set answers; it took the answer 1 to come."""
    return search.hear(Distance(0, who, 50 + skew, distance - 1 + skew), of, OWNER, 51)


def test_the_example_of_figure_5():
    """R3 is full and leads on, to R4 at 6; R1 is joinable and at 5: R7 joins at R1."""
    search = Search(ROOT, 3)
    assert search.queries == (j_hash(above_root(ROOT)), f_hash(above_root(ROOT)))
    assert hear(search, ROOT, f_hash(above_root(ROOT)), 3)
    assert search.step()
    assert search.queries == (j_hash(ROOT), f_hash(ROOT))
    assert not hear(search, member(1), j_hash(ROOT), 5)
    assert not hear(search, member(2), j_hash(ROOT), 6)
    assert hear(search, member(3), f_hash(ROOT), 4)
    assert search.step()
    assert not hear(search, member(4), j_hash(member(3)), 6)
    assert not hear(search, member(5), j_hash(member(3)), 7)
    assert hear(search, member(6), j_hash(member(3)), 7)
    assert not search.step()
    best = search.places[0]
    assert best.path == (ROOT, member(1))
    assert best.distance == 5
    assert [place.path[-1] for place in search.places[1:3]] == [member(2), member(4)]


def test_a_full_receiver_farther_than_the_best_place_is_not_asked_on():
    search = Search(ROOT, 3)
    hear(search, ROOT, f_hash(above_root(ROOT)), 3)
    search.step()
    hear(search, member(1), j_hash(ROOT), 5)
    hear(search, member(3), f_hash(ROOT), 5)
    assert not search.step()


def test_a_joinable_root_is_the_place():
    search = Search(ROOT, 3)
    assert hear(search, ROOT, j_hash(above_root(ROOT)), 3)
    assert not search.step()
    assert search.places[0].path == (ROOT,)


def test_no_answers_are_no_place():
    search = Search(ROOT, 3)
    assert not search.step()
    assert search.places == []


def test_answers_about_other_sets_and_floods_of_answers_change_nothing():
    search = Search(ROOT, 3)
    hear(search, ROOT, f_hash(above_root(ROOT)), 3)
    search.step()
    hear(search, member(1), j_hash(member(9)), 1)
    for number in range(100):
        hear(search, member(number), j_hash(ROOT), 5)
    search.step()
    assert len(search.places) == 2 * 3


def test_of_a_receiver_that_answers_by_both_sets_the_last_word_holds():
    """It has become full, or joinable again, while it was asked."""
    for before, after, onward in ((j_hash, f_hash, True), (f_hash, j_hash, False)):
        search = Search(ROOT, 3)
        hear(search, ROOT, f_hash(above_root(ROOT)), 3)
        search.step()
        hear(search, member(1), before(ROOT), 5)
        assert not hear(search, member(1), after(ROOT), 5)
        assert not hear(search, member(2), j_hash(ROOT), 6)
        assert search.step() is onward
        assert (member(1) in [place.path[-1] for place in search.places]) is not onward


def test_the_skew_of_a_receivers_clock_changes_nothing():
    for skew in (-(10**15), 0, 10**15):
        search = Search(ROOT, 3)
        hear(search, ROOT, j_hash(above_root(ROOT)), 3, skew)
        search.step()
        assert search.places[0].distance == 3
