"""A member that becomes full, or joinable again, is always in one of the two sets of its level."""

from __future__ import annotations

from agents.core import MILLISECOND, SECOND
from agents.i3.actions import SendDatagram
from agents.i3.config import GroupConfig
from agents.i3.identifiers import above_root, f_hash, j_hash
from agents.wire import i3_group
from agents.wire.i3 import Endpoint, Packet
from emu.simulator.i3_session import Session
from tests.unit.i3_tree_schedule import gone
from tests.unit.i3_world import grown, triggers

STEP = 5 * MILLISECOND


def sets(session: Session) -> list[str]:
    """In which sets the founder is."""
    above, founder = above_root(session.root), session.source[0].endpoint
    both = (("joinable", j_hash(above)), ("full", f_hash(above)))
    return [name for name, one in both if founder in triggers(session, one)]


def watched(session: Session, until: list[str]) -> list[list[str]]:
    """In which sets the founder has been, one after another, until it is in these only."""
    seen = [sets(session)]
    for _ in range(60 * SECOND // STEP):
        session.run(STEP)
        if sets(session) != seen[-1]:
            seen.append(sets(session))
        if seen[-1] == until and len(seen) > 1:
            break
    return seen


def test_a_founder_that_becomes_full_and_joinable_again_is_always_to_be_found() -> None:
    session = grown(2, GroupConfig(degree=3))
    session.run(10 * SECOND)
    session.add()
    assert watched(session, ["full"]) == [["joinable"], ["joinable", "full"], ["full"]]
    gone(session, session.members[0], crash=False)
    assert watched(session, ["joinable"]) == [["full"], ["joinable", "full"], ["joinable"]]


def test_who_is_asked_by_the_set_that_it_is_about_to_leave_says_what_it_is_now() -> None:
    session = grown(2, GroupConfig(degree=3))
    session.run(10 * SECOND)
    session.add()
    founder = session.source[1]
    while founder.joinable:
        session.run(STEP)
    assert sets(session) == ["joinable"]
    above = above_root(session.root)
    asking = Endpoint(bytes(18))
    question = i3_group.encode(i3_group.QueryDistance(1, asking))
    (answer,) = founder.receive(Packet(j_hash(above), question), asking, session.engine.now)
    assert isinstance(answer, SendDatagram)
    assert isinstance(answer.message, Packet)
    assert answer.message.identifier == f_hash(above)
