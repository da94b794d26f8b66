"""1,000 randomised runs of a domain of Proxy Mobile IPv6 end in what the movements ask for.

They are the schedules of test_virtual_time.py: mobile nodes that move faster than the signalling,
loss, duplication, reordering, outages. ``run(random_schedule(seed))`` repeats one.
"""

import pytest

from agents.core import MILLISECOND, SECOND
from emu.schemes.pmipv6.virtual import LMA_ADDRESS, ProxyDomain, ProxyDomainConfig, run
from emu.simulator.network import Quality
from emu.simulator.schedule import random_schedule

SCHEDULES = 1000
BATCH = 100


@pytest.mark.parametrize("first", range(0, SCHEDULES, BATCH))
def test_the_domain_converges(first):
    for seed in range(first, first + BATCH):
        faults = run(random_schedule(seed))
        assert not faults, f"run(random_schedule({seed})): " + "\n".join(faults)


@pytest.fixture
def domain():
    return ProxyDomain(ProxyDomainConfig(3, Quality(delay=5 * MILLISECOND)), seed=0)


def move(domain, mn, number):
    left = domain.detach(mn)
    if left is not None:
        domain.link_down(mn, left)
    domain.attach(mn, number)
    domain.engine.run(domain.engine.now + SECOND)


def test_a_node_keeps_its_prefix_at_every_mag(domain):
    prefixes = set()
    for number in (1, 2, 3, 1):
        move(domain, "mn1", number)
        assert domain.faults() == []
        prefixes.add(domain.lma.bindings()["mn1"].prefix)
    assert len(prefixes) == 1


def test_a_handover_takes_two_messages_at_either_mag(domain):
    """Equation 4 counts those of the new one."""
    move(domain, "mn1", 1)
    before = len(domain.logged("sent"))
    move(domain, "mn1", 2)
    exchange = [(event.node, event.log.fields["message"]) for event in domain.logged("sent")]
    assert sorted(exchange[before:]) == [
        ("lma", "PBA"),
        ("lma", "PBA"),
        ("mag1", "PBU"),
        ("mag2", "PBU"),
    ]


def test_the_end_of_all_sessions_leaves_nothing_at_all(domain):
    for number in (1, 2):
        move(domain, "mn1", number)
        move(domain, "mn2", number)
    for mn in ("mn1", "mn2"):
        domain.link_down(mn, domain.detach(mn))
    domain.engine.run(domain.engine.now + 60 * SECOND)
    assert domain.faults() == []
    cores = [domain.lma, *(mag.core for mag in domain.mags)]
    assert [core.next_deadline() for core in cores] == [None] * 4
    assert domain.lma.tunnels() == {}


class TestTheFaultsSeen:
    """Each fault planted in a good domain is found."""

    def test_a_route_that_leads_elsewhere(self, domain):
        move(domain, "mn1", 1)
        prefix = domain.lma.bindings()["mn1"].prefix
        domain.lma_router.routes[prefix] = domain.mag(2).address
        assert any("lma routes" in fault for fault in domain.faults())

    def test_a_source_route_too_few(self, domain):
        move(domain, "mn1", 1)
        domain.mag(1).router.source_routes.clear()
        assert any("mag1 source routes" in fault for fault in domain.faults())

    def test_a_tunnel_too_many(self, domain):
        domain.mag(2).router.tunnels.add(LMA_ADDRESS)
        assert any("mag2 tunnels" in fault for fault in domain.faults())

    def test_a_node_that_is_elsewhere(self, domain):
        move(domain, "mn1", 1)
        domain.where["mn1"] = 3
        assert any("lma bindings" in fault for fault in domain.faults())
