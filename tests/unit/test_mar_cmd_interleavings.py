"""Hypothesis picks which message comes next, twice, or never, and what the nodes do meanwhile."""

from ipaddress import IPv6Address

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from agents.core import MILLISECOND, SECOND
from agents.mobility.config import Variant
from agents.wire.mld import AddressRecord, RecordType
from emu.simulator.domain import Domain, DomainConfig
from emu.simulator.network import Quality
from emu.simulator.oracle import Oracle
from emu.simulator.playing import SETTLE

MARS = 3
GROUP = IPv6Address("ff1e::c0")
OLDEST = 5 * SECOND  # no network holds a message longer than the cores remember what is over

nodes = st.sampled_from(["mn1", "mn2"])
mars = st.integers(1, MARS)


class Held:
    """In the network's place: keeps the messages until it is told what to do with each."""

    def __init__(self, domain):
        self.domain = domain
        self.network = domain.network
        self.messages = []

    def send(self, message, source, destination):
        self.messages.append((self.domain.engine.now, message, source, destination))

    def deliver(self, index, keep):
        index %= len(self.messages)
        _, *message = self.messages[index] if keep else self.messages.pop(index)
        self.network.send(*message)
        self.domain.engine.run(self.domain.engine.now)


class Interleavings(RuleBasedStateMachine):
    @initialize(variant=st.sampled_from(Variant), transfers=st.booleans())
    def start(self, variant, transfers):
        config = DomainConfig(
            MARS,
            Quality(delay=0),
            detach_delay=2 * SECOND,
            variant=variant,
            context_transfer=transfers,
        )
        self.domain = Domain(config, seed=0)
        self.oracle = Oracle(self.domain)
        self.held = Held(self.domain)
        self.domain.network = self.held

    @rule(mn=nodes, mar=mars)
    def attach(self, mn, mar):
        self.leave(mn)
        self.domain.attach(mn, mar)

    @rule(mn=nodes, groups=st.sets(st.integers(1, 2)))
    def report(self, mn, groups):
        records = [AddressRecord(RecordType.MODE_IS_EXCLUDE, GROUP + n) for n in sorted(groups)]
        self.domain.report(mn, self.domain.where.get(mn, 0), tuple(records))

    @rule(mn=nodes)
    def leave(self, mn):
        left = self.domain.detach(mn)
        if left is not None:
            self.domain.link_down(mn, left)
        self.advance(20)

    @precondition(lambda self: self.held.messages)
    @rule(index=st.integers(0, 1000), twice=st.booleans())
    def deliver(self, index, twice):
        self.held.deliver(index, keep=twice)

    @precondition(lambda self: self.held.messages)
    @rule(index=st.integers(0, 1000))
    def lose(self, index):
        del self.held.messages[index % len(self.held.messages)]

    @rule(milliseconds=st.sampled_from([20, 400, 3000]))
    def advance(self, milliseconds):
        self.domain.engine.run(self.domain.engine.now + milliseconds * MILLISECOND)
        oldest = self.domain.engine.now - OLDEST
        self.held.messages = [entry for entry in self.held.messages if entry[0] > oldest]

    @invariant()
    def every_mar_has_a_tunnel_for_each_route(self):
        for mar in self.domain.mars:
            peers = {*mar.router.routes.values(), *mar.router.source_routes.values()} - {None}
            assert peers <= mar.router.tunnels
            assert mar.router.tunnels == set(mar.core.tunnels())

    def teardown(self):
        self.domain.network = self.held.network
        while self.held.messages:
            self.held.deliver(0, keep=False)
        self.domain.engine.run(self.domain.engine.now + SETTLE)
        assert self.oracle.faults() == []


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(max_examples=100, stateful_step_count=40)
