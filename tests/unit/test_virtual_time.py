"""2,000 randomised runs of a whole domain end in the state that the oracle works out.

So do 300 of each variant of the CMD besides, of a domain without a CMD, and of one whose handovers
are prepared if they were announced and messages got through; in every third run the context is
transferred.

Several mobile nodes move back and forth, faster than the signalling at times, leave and come back,
while up to 30 % of the messages are lost, duplicated, held back so that others overtake them, or
all of them lost for a while. A failure names its seed: ``run(random_schedule(seed))`` repeats it.
"""

from dataclasses import replace
from ipaddress import IPv6Address
from itertools import pairwise

import pytest

from agents.core import MILLISECOND, SECOND
from agents.mobility.actions import InstallRoute, RemoveRoute
from agents.mobility.anchors import Anchor
from agents.mobility.config import Variant
from agents.wire.mld import AddressRecord, RecordType
from emu.simulator.domain import Domain, DomainConfig
from emu.simulator.network import Quality
from emu.simulator.oracle import Oracle
from emu.simulator.playing import SETTLE
from emu.simulator.schedule import random_schedule, run

SCHEDULES = 2000
OF_OTHER_VARIANTS = 300
BATCH = 100
GROUP = IPv6Address("ff1e::c2")
PERFECT = DomainConfig(mars=4, quality=Quality(delay=5 * MILLISECOND))


@pytest.mark.parametrize("first", range(0, SCHEDULES, BATCH))
def test_the_domain_converges(first):
    for seed in range(first, first + BATCH):
        faults = run(random_schedule(seed))
        assert not faults, f"run(random_schedule({seed})): " + "\n".join(faults)


def test_who_leaves_before_it_is_served_hands_nothing_over():
    assert run(random_schedule(3111)) == []


@pytest.mark.parametrize("first", range(0, OF_OTHER_VARIANTS, BATCH))
@pytest.mark.parametrize("variant", [Variant.RELAY, Variant.LOCATOR])
def test_the_domain_converges_whoever_answers(variant, first):
    for seed in range(first, first + BATCH):
        faults = run(random_schedule(seed, variant))
        assert not faults, f"run(random_schedule({seed}, {variant})): " + "\n".join(faults)


@pytest.mark.parametrize("first", range(0, OF_OTHER_VARIANTS, BATCH))
def test_the_domain_converges_without_a_cmd(first):
    for seed in range(first, first + BATCH):
        faults = run(random_schedule(seed, distributed=True))
        assert not faults, f"run(random_schedule({seed}, distributed=True)): " + "\n".join(faults)


@pytest.mark.parametrize("first", range(0, OF_OTHER_VARIANTS, BATCH))
def test_the_domain_converges_whether_handovers_could_be_prepared_or_not(first):
    for seed in range(first, first + BATCH):
        faults = run(random_schedule(seed, prepared=True))
        assert not faults, f"run(random_schedule({seed}, prepared=True)): " + "\n".join(faults)


def test_the_schedules_are_as_nasty_as_promised():
    schedules = [random_schedule(seed) for seed in range(SCHEDULES)]
    qualities = [schedule.config.quality for schedule in schedules]
    for chance in ("loss", "duplication", "reordering"):
        assert max(getattr(quality, chance) for quality in qualities) > 0.29
    assert sum(schedule.outage[1] > schedule.outage[0] for schedule in schedules) > SCHEDULES // 10
    assert sum(_moves_before_the_first_completes(schedule) for schedule in schedules) > 100
    assert sum(_returns(schedule) for schedule in schedules) > SCHEDULES // 2
    assert sum(schedule.steps[-1].mar == 0 for schedule in schedules) > SCHEDULES // 10
    assert sum(_takes_along(schedule) for schedule in schedules) > SCHEDULES // 10


def _pairs(schedule):
    """Every two steps of a mobile node that follow each other."""
    for mn in {step.mn for step in schedule.steps}:
        steps = [step for step in schedule.steps if step.mn == mn]
        yield from pairwise(steps)


def _moves_before_the_first_completes(schedule):
    round_trip = 2 * schedule.config.quality.delay
    moves = [b.time - a.time for a, b in _pairs(schedule) if a.mar and b.mar and a.mar != b.mar]
    return any(between < round_trip for between in moves)


def _returns(schedule):
    visits = [(step.mn, step.mar) for step in schedule.steps if step.mar]
    return len(set(visits)) < len(visits)


def _takes_along(schedule):
    """Whether a mobile node may have something to take along."""
    reported = [step for step in schedule.steps if step.records and step.mar]
    return schedule.config.context_transfer and len(reported) > 1


def test_a_seed_says_everything():
    logs = []
    for _ in range(2):
        schedule = random_schedule(1234)
        domain = Domain(schedule.config, schedule.seed)
        for step in schedule.steps:
            if step.mar:
                domain.engine.run(step.time)
                domain.attach(step.mn, step.mar)
        domain.engine.run(domain.engine.now + SETTLE)
        logs.append(domain.events)
    assert logs[0] == logs[1]
    assert logs[0]


def test_without_faults_every_mar_visited_is_an_anchor():
    domain = Domain(PERFECT, seed=0)
    oracle = Oracle(domain)
    for number in (1, 2, 3, 1, 4):
        _move(domain, "mn1", number)
        assert oracle.faults() == []
    binding = domain.cmd.bindings()["mn1"]
    assert binding.serving == domain.mar(4).config.address
    visited = [domain.mar(number).config.address for number in (2, 3, 1)]
    assert [anchor.address for anchor in binding.previous] == visited


def test_the_end_of_all_sessions_leaves_nothing_at_all():
    domain = Domain(PERFECT, seed=0)
    oracle = Oracle(domain)
    for mn in ("mn1", "mn2"):
        for number in (1, 2, 3):
            _move(domain, mn, number)
    for mn in ("mn1", "mn2"):
        left = domain.detach(mn)
        domain.link_down(mn, left)
    domain.engine.run(domain.engine.now + 60 * SECOND)
    assert oracle.faults() == []
    assert domain.cmd.next_deadline() is None
    for mar in domain.mars:
        assert mar.core.next_deadline() is None
        assert mar.router.routes == {}
        assert mar.router.tunnels == set()


def test_multicast_may_hold_the_tunnels_too():
    domain = Domain(PERFECT, seed=0)
    oracle = Oracle(domain)
    _move(domain, "mn1", 1)
    _move(domain, "mn1", 2)
    domain.hold_tunnel(2, 1, "multicast")
    oracle.hold(2, 1, "multicast")
    _move(domain, "mn1", 1)
    assert oracle.faults() == []
    domain.release_tunnel(2, 1, "multicast")
    oracle.release(2, 1, "multicast")
    assert oracle.faults() == []


def _move(domain, mn, number):
    """A handover with all that follows from it."""
    left = domain.detach(mn)
    if left is not None:
        domain.link_down(mn, left)
    domain.attach(mn, number)
    domain.engine.run(domain.engine.now + SECOND)


class TestTheOracleSees:
    """Each fault planted in a good domain is found."""

    @pytest.fixture
    def domain(self):
        domain = Domain(PERFECT, seed=0)
        self.oracle = Oracle(domain)
        _move(domain, "mn1", 1)
        _move(domain, "mn1", 2)
        assert self.oracle.faults() == []
        self.prefix = domain.mar(1).core.bindings()["mn1"].prefix
        return domain

    def test_a_route_that_leads_elsewhere(self, domain):
        domain.mar(1).router.apply(InstallRoute(self.prefix, None))
        assert any("packets to" in fault for fault in self.oracle.faults())

    def test_a_route_too_few(self, domain):
        domain.mar(1).router.apply(RemoveRoute(self.prefix))
        assert any("mar1 router" in fault for fault in self.oracle.faults())

    def test_a_source_route_too_few(self, domain):
        domain.mar(2).router.source_routes.clear()
        assert any("packets from" in fault for fault in self.oracle.faults())

    def test_a_dlif_too_many(self, domain):
        domain.mar(1).router.link_locals.add(domain.mar(2).config.link_local)
        assert any("mar1 router" in fault for fault in self.oracle.faults())

    def test_a_tunnel_with_one_end(self, domain):
        domain.mar(1).router.tunnels.clear()
        assert len(self.oracle.faults()) >= 3

    def test_a_tunnel_too_many(self, domain):
        domain.hold_tunnel(3, 4, "unicast:mn1")
        assert any("mar3 holders" in fault for fault in self.oracle.faults())

    def test_a_context_that_is_not_the_last_places(self):
        domain = Domain(replace(PERFECT, context_transfer=True), seed=0)
        oracle = Oracle(domain)
        _move(domain, "mn1", 1)
        domain.report("mn1", 1, (AddressRecord(RecordType.MODE_IS_EXCLUDE, GROUP),))
        _move(domain, "mn1", 2)
        assert oracle.faults() == []
        assert domain.mar(2).received.pop("mn1")
        assert any("context" in fault for fault in oracle.faults())

    def test_a_node_that_is_elsewhere(self, domain):
        domain.where["mn1"] = 3
        assert any("whereabouts" in fault for fault in self.oracle.faults())

    def test_a_binding_too_many(self, domain):
        anchor = domain.cmd.bindings()["mn1"].previous[0]
        assert isinstance(anchor, Anchor)
        domain.link_up("mn9", 3)
        domain.engine.run(domain.engine.now + SECOND)
        assert any("whereabouts" in fault for fault in self.oracle.faults())
