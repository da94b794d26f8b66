"""The tree in a record, from the places that clients logged."""

from __future__ import annotations

from typing import Any

import pytest

from emu.measure.i3 import figures, tree


def place(node: str, identifier: str, *path: str, phase: str = "in tree") -> dict[str, Any]:
    return {
        "node": node,
        "phase": phase,
        "identifier": identifier,
        "path": list(path),
        "joinable": True,
    }


PLACES = [place("c0", "root"), place("c1", "one", "root"), place("c2", "two", "root", "one")]


def test_a_parent_is_whose_identifier_one_has_joined_at() -> None:
    found = tree(PLACES)
    assert {name: (one["parent"], one["level"]) for name, one in found.items()} == {
        "c0": (None, 0),
        "c1": ("c0", 1),
        "c2": ("c1", 2),
    }


def test_who_is_gone_has_no_place_and_is_still_a_parent() -> None:
    found = tree(PLACES, frozenset({"c1"}))
    assert found.keys() == {"c0", "c2"}
    assert found["c2"]["parent"] == "c1"


def test_who_has_another_place_is_no_parent_at_the_one_before() -> None:
    found = tree([*PLACES, place("c1", "other", "root", "two")])
    assert found["c1"]["level"] == 2
    assert found["c2"]["parent"] is None


def test_who_has_moved_up_is_the_parent_there() -> None:
    """Whichever of the two joined first."""
    moved = place("c2", "one", "root")
    sibling = place("c3", "three", "root", "one")
    for places in ([*PLACES, sibling, moved], [PLACES[2], *PLACES, sibling, moved]):
        found = tree(places, frozenset({"c1"}))
        assert (found["c2"]["parent"], found["c2"]["level"]) == ("c0", 1)
        assert found["c3"]["parent"] == "c2"


def test_who_has_moved_up_is_still_the_parent_where_it_was() -> None:
    """Until it has a place elsewhere."""
    below = place("c4", "four", "root", "one", "two")
    moved = [*PLACES, below, place("c2", "one", "root")]
    found = tree(moved, frozenset({"c1"}))
    assert (found["c4"]["parent"], found["c4"]["level"]) == ("c2", 3)
    elsewhere = tree([*moved, place("c2", "five", "root")], frozenset({"c1"}))
    assert elsewhere["c4"]["parent"] is None


def test_who_looks_for_a_place_has_none() -> None:
    assert tree([*PLACES, place("c2", "two", phase="searching")]).keys() == {"c0", "c1"}


def test_figures_are_those_of_the_receivers() -> None:
    times = [(0, None, 0.0), (1, 12.0, 10.0), (2, 36.0, 20.0), (2, None, 30.0)]
    members = [{"level": lv, "delay_ms": ms, "direct_ms": straight} for lv, ms, straight in times]
    found = figures(members)
    assert (found["receivers"], found["depth_max"]) == (3, 2)
    assert found["depth"] == pytest.approx(5 / 3)
    assert (found["rmd"], found["rad"]) == (1.8, 1.6)
    assert found["stretch_p90"] == pytest.approx(1.2 + 0.9 * 0.6)
    assert figures([])["rmd"] is None
