"""What is told of a run comes in order of time, whatever the order of the log."""

from emu.narrative import Narration


def test_events_are_told_in_order_of_time_and_those_of_one_moment_as_they_came():
    told = []
    narration = Narration(lambda event, text: told.append((event["t"], text)))
    for time, mar in ((40, "a"), (10, "b"), (30, "c"), (10, "d")):
        event = {"t": time, "node": "radio", "kind": "l2_down", "mn": "mn1", "mar": mar}
        narration.add(event, {"d": "mar2"})
    narration.add({"t": 20, "node": "mar1", "kind": "nothing that is told"}, {})
    narration.tell_until(30)
    assert told == [(10, "mn1 leaves b"), (10, "mn1 leaves mar2"), (30, "mn1 leaves c")]
    narration.tell_until(50)
    assert told[3:] == [(40, "mn1 leaves a")]
