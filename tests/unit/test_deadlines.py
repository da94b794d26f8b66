"""Named deadlines: the earliest is known, a moved one counts once."""

from random import Random

from agents.deadlines import Agenda, Deadlines


def test_the_earliest_counts_whatever_was_set_moved_and_cancelled():
    random, deadlines, expected = Random(1), Deadlines[int](), {}
    for _ in range(5000):
        key, when = random.randrange(50), random.randrange(1000)
        kind = random.random()
        if kind < 0.2:
            deadlines.cancel(key)
            expected.pop(key, None)
        elif kind < 0.3:
            deadlines.plan(key, None)
            expected.pop(key, None)
        elif kind < 0.5:
            deadlines.plan(key, when)
            expected[key] = when
        else:
            deadlines.set(key, when)
            expected[key] = when
        assert deadlines.next() == min(expected.values(), default=None)
    due = list(deadlines.due(500))
    assert [expected[key] for key in due] == sorted(w for w in expected.values() if w <= 500)
    assert all((key in deadlines) is (when > 500) for key, when in expected.items())


def test_a_deadline_that_is_moved_all_the_time_takes_no_more_room():
    deadlines = Deadlines[str]()
    for when in range(10_000):
        deadlines.set("a", when)
    assert len(deadlines._heap) < 100
    assert deadlines.next() == 9_999


def test_those_due_at_the_same_time_come_in_the_order_in_which_they_were_set_last():
    random, deadlines, expected = Random(2), Deadlines[int](), {}
    for number in range(5000):
        key, when = random.randrange(30), random.randrange(10)
        deadlines.set(key, when)
        expected[key] = (when, number)
        if random.random() < 0.3:
            deadlines.next()
    assert list(deadlines.due(10)) == sorted(expected, key=expected.__getitem__)


def test_the_earliest_of_several_sets_is_known_after_each_change():
    random, sets, now = Random(3), [Deadlines[int]() for _ in range(3)], 0
    agenda = Agenda(*sets)
    for _ in range(5000):
        deadlines, key, kind = random.choice(sets), random.randrange(5), random.random()
        if kind < 0.3:
            deadlines.cancel(key)
        elif kind < 0.4:
            deadlines.plan(key, None)
        elif kind < 0.6:
            now += random.randrange(20)
            for _ in deadlines.due(now):
                pass
        elif kind < 0.9:
            deadlines.set(key, now + random.randrange(100))
        due = [when for when in (one.next() for one in sets) if when is not None]
        assert agenda.next() == min(due, default=None)
        assert agenda.next() == min(due, default=None)
