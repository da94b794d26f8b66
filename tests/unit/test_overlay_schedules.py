"""Random schedules: at their end each tree spans those that want it, and nobody got anything twice.

``python -m tests.soak`` runs thousands of them, and larger ones.
"""

from __future__ import annotations

import pytest

from tests.unit import overlay_schedule


@pytest.mark.parametrize("first", range(0, 100, 10))
def test_trees_span_exactly_those_that_want_them(first):
    wrong = {seed: overlay_schedule.run_schedule(seed) for seed in range(first, first + 10)}
    assert {seed: found for seed, found in wrong.items() if found} == {}


def test_a_hundred_members():
    assert overlay_schedule.run_schedule(1, overlay_schedule.LARGE) == []
