"""A member is in its recovery group as long as it is in the tree."""

from __future__ import annotations

from agents.core import SECOND
from agents.i3.config import GroupConfig, Recovery
from tests.unit.i3_world import grown, triggers


def test_who_leaves_and_joins_again_at_the_same_place_is_in_the_group_again() -> None:
    session = grown(1, GroupConfig(recovery=Recovery.RANDOM))
    ((host, member),) = session.members
    session.run(5 * SECOND)
    group = member.repairs.anycast_identifier()
    assert triggers(session, group) == (host.endpoint,)
    session.overlay.call(host, lambda now: member.leave())
    session.run(5 * SECOND)
    assert triggers(session, group) == ()
    session.overlay.call(host, member.join)
    session.run(5 * SECOND)
    assert member.repairs.anycast_identifier() == group
    assert triggers(session, group) == (host.endpoint,)
