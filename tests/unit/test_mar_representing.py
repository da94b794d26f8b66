"""A MAR goes on serving, from afar, a mobile node that is in another operator's network."""

from mobility_nodes import MN, T0, anchor, logs, mar, prefix, sent, serve

from agents.core import SECOND
from agents.mobility.actions import Advertise
from agents.mobility.messages import acknowledgement
from agents.mobility.sessions import Phase

GONE = T0 + 2 * SECOND


def represented(*previous: int):
    core = mar(2)
    serve(core, T0, *previous)
    core.detach("mn1", GONE)
    assert logs(core.represent("mn1", GONE + SECOND)) == [("represented", {"mn": "mn1"})]
    return core


def test_its_binding_stays_and_is_refreshed():
    core = represented(1)
    assert core.bindings()["mn1"].phase is Phase.SERVING
    for _ in range(5):
        now = core.next_deadline()
        (request,) = sent(core.timer(now))
        assert request.message.lifetime == 300
        core.receive(
            acknowledgement(request.message, 0, 300, [anchor(1)]), request.destination, now
        )
    assert core.bindings()["mn1"].prefix == prefix(2)
    assert [a.prefix for a in core.bindings()["mn1"].anchors] == [prefix(1)]


def test_when_that_ends_it_leaves_as_any_other():
    core = represented(1)
    core.detach("mn1", GONE + 60 * SECOND)
    (request,) = sent(core.timer(GONE + 70 * SECOND))
    assert request.message.lifetime == 0


def test_it_may_come_back():
    core = represented(1)
    core.attach(MN, GONE + 60 * SECOND)
    assert core.bindings()["mn1"].phase is Phase.REGISTERING


def test_only_who_has_just_left_is_represented():
    core = mar(2)
    assert core.represent("mn1", T0) == []
    serve(core, T0)
    assert core.represent("mn1", T0 + SECOND) == []
    core.detach("mn1", GONE)
    core.timer(GONE + 10 * SECOND)
    assert core.represent("mn1", GONE + 11 * SECOND) == []


def test_a_home_agent_tells_its_address():
    for told in (True, False):
        core = mar(2, home_agent=told)
        serve(core, T0, 1)
        anchored, own = (a for a in core.solicit("mn1", T0) if isinstance(a, Advertise))
        assert own.home_agent == (anchor(2).address if told else None)
        assert anchored.home_agent is None
