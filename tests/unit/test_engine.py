"""The event queue of virtual time: events in the order of their times, however far away."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agents.core import MILLISECOND, SECOND
from emu.simulator.engine import Engine

NEAR = st.integers(-5 * MILLISECOND, 50 * MILLISECOND)
FAR = st.integers(0, 4000 * SECOND)


@given(
    st.lists(st.tuples(st.one_of(NEAR, FAR), st.lists(NEAR, max_size=3)), max_size=20),
    st.lists(FAR, max_size=4),
)
def test_events_happen_in_order_and_in_time(plan, stops):
    """Each event has others happen; those of the past happen at once."""
    engine = Engine()
    due: dict[int, tuple[int, int]] = {}
    happened = []

    def add(when, then):
        number = len(due)
        due[number] = max(when, engine.now), number
        engine.at(when, happen, number, then)

    def happen(number, then):
        assert engine.now == due[number][0]
        happened.append(number)
        for delay in then:
            add(engine.now + delay, ())

    for when, then in plan:
        add(when, then)
    for stop in sorted(stops):
        engine.run(stop)
        assert engine.now == stop
        assert all((due[number][0] <= stop) == (number in happened) for number in due)
    engine.run(5000 * SECOND)
    assert happened == sorted(due, key=due.__getitem__)
    assert engine.played == len(due)
