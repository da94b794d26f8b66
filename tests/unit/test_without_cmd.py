"""What mobile nodes have while the CMD does not answer: ``without_cmd: local``."""

from __future__ import annotations

from dataclasses import replace

import pytest
from mobility_nodes import CMD, MN, T0, anchor, link_local, mar, prefix, the_request

from agents.core import MILLISECOND, SECOND
from agents.mobility.actions import Advertise, ServingStarted
from agents.mobility.config import Variant
from agents.mobility.messages import acknowledgement
from agents.mobility.sessions import Phase
from agents.wire.mobility import Status
from emu.simulator.domain import Domain, DomainConfig
from emu.simulator.network import Quality
from emu.simulator.oracle import Oracle
from emu.simulator.schedule import random_schedule, run, with_crashes

LIFETIME_S = 20


def offers(actions):
    """(router, prefix, preferred lifetime) of each advertisement."""
    return [
        (action.router, offered.prefix, offered.preferred_lifetime)
        for action in actions
        if isinstance(action, Advertise)
        for offered in action.prefixes
    ]


def unanswered(core, until):
    """(seconds since the attachment, offer) of all that it advertises until then."""
    found = []
    while (due := core.next_deadline()) is not None and due <= until:
        found += [((due - T0) // SECOND, offer) for offer in offers(core.timer(due))]
    return found


def test_the_third_pbu_brings_the_prefix_and_the_fourth_not_once_more():
    core = mar(serves_alone=True)
    assert offers(core.attach(MN, T0)) == []
    own = (link_local(1), prefix(1), 300)
    assert unanswered(core, T0 + 50 * SECOND) == [(3, own), (4, own), (5, own)]
    assert offers(core.solicit("mn1", T0 + 50 * SECOND)) == [own]
    assert core.bindings()["mn1"].phase is Phase.REGISTERING


def test_who_waits_is_shown_nothing():
    core = mar()
    core.attach(MN, T0)
    assert unanswered(core, T0 + 50 * SECOND) == []
    assert offers(core.solicit("mn1", T0 + 50 * SECOND)) == []


def test_the_answer_completes_the_handover():
    core = mar(serves_alone=True)
    request = the_request(core.attach(MN, T0))
    unanswered(core, T0 + 8 * SECOND)
    answer = acknowledgement(request, Status.ACCEPTED, 300, (anchor(2),))
    actions = core.receive(answer, CMD, T0 + 9 * SECOND)
    assert ServingStarted(MN, anchor(2).address) in actions
    assert offers(actions) == [(link_local(2), prefix(2), 0), (link_local(1), prefix(1), 300)]


def test_a_node_that_comes_anew_has_to_wait_anew():
    core = mar(serves_alone=True)
    core.attach(MN, T0)
    unanswered(core, T0 + 4 * SECOND)
    core.detach("mn1", T0 + 5 * SECOND)
    assert unanswered(core, T0 + 9 * SECOND) == []
    core.attach(MN, T0 + 10 * SECOND)
    assert offers(core.solicit("mn1", T0 + 11 * SECOND)) == []
    assert [second for second, _ in unanswered(core, T0 + 13 * SECOND)] == [13]


@pytest.mark.parametrize("variant", Variant)
def test_it_converges_when_the_cmd_is_killed_at_any_time(variant):
    for seed in range(60):
        schedule = with_crashes(random_schedule(seed, variant), (0,))
        schedule = replace(schedule, config=replace(schedule.config, serves_alone=True))
        assert run(schedule) == [], f"seed {seed}"


def test_no_session_ends_while_there_is_no_cmd_and_a_handover_is_completed_by_the_next():
    config = DomainConfig(
        3, Quality(delay=5 * MILLISECOND), binding_lifetime_s=LIFETIME_S, serves_alone=True
    )
    domain = Domain(config, seed=0)
    oracle = Oracle(domain)
    domain.attach("mn1", 1)
    domain.attach("mn2", 2)
    domain.engine.run(2 * SECOND)
    domain.cmds[0].crash()
    domain.detach("mn1")
    domain.link_down("mn1", 1)
    domain.attach("mn1", 3)
    domain.engine.run(domain.engine.now + LIFETIME_S * SECOND - 3 * SECOND)
    alone = domain.mar(3)
    assert (link_local(3), next(iter(alone.router.routes)), LIFETIME_S) in offers(alone.actions)
    assert domain.mar(2).core.bindings()["mn2"].phase is Phase.SERVING
    domain.cmds[0].restart()
    domain.engine.run(domain.engine.now + 60 * SECOND)
    assert oracle.faults() == []
    assert domain.mar(3).core.bindings()["mn1"].phase is Phase.SERVING
    assert domain.mar(1).core.bindings()["mn1"].phase is Phase.ANCHORING
