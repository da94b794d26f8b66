"""Plays a scenario of one i3 group with very many members in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import cast

from agents.core import MILLISECOND, SECOND
from agents.i3.actions import Deliver
from agents.i3.config import GroupConfig, Metric, Recovery, Refresh, RootChoice
from agents.i3.member import Member
from agents.wire.i3 import Endpoint
from emu.scenario.population import (
    AnyOccurrence,
    Crash,
    Leave,
    TransitStubTopology,
    VirtualScenario,
)
from emu.simulator.i3 import Host, Overlay
from emu.simulator.i3_chord import ChordOverlay
from emu.simulator.i3_losses import HopLosses
from emu.simulator.i3_session import Session, SessionConfig
from emu.simulator.internet import TransitStub
from emu.simulator.power_law import PowerLaw
from emu.simulator.underlay import Shape

STEP = 50 * MILLISECOND
"""After which Ctrl-C is heard; ns."""
DRAIN = 5 * SECOND
"""For what is on its way when the source has ended; ns."""
_MINUTE = 60 * SECOND
Tell = Callable[[float, str], None]


@dataclass(slots=True)
class Receiver:
    """One receiver, and what it has got; times in ns."""

    name: str
    host: Host
    member: Member
    began: int
    settled: int | None = None
    """When it had its place, as known once it gets packets."""
    first: int = 0
    """Number of the first packet that it got; those from there on count."""
    latest: int = 0
    received: int = 0
    latest_at: int = 0
    longest_gap: int = 0
    """Between two packets that each brought the stream forward."""
    gone: bool = False


class Population:
    """One run of a scenario."""

    def __init__(self, scenario: VirtualScenario, seed: int) -> None:
        self.scenario = scenario
        self.group = scenario.traffic[0]
        overlay = scenario.overlay
        chord = ChordOverlay if overlay.ring == "chord" else Overlay
        config = SessionConfig(
            self.group.receivers,
            overlay.servers,
            _group(scenario),
            _shape(scenario),
            skew=overlay.skew,
            lifetime=overlay.lifetime,
        )
        self.session = Session(config, seed, chord)
        self.session.overlay.delivered = self._delivered
        if overlay.loss.hop or overlay.loss.last_hop:
            self.session.overlay.lost = HopLosses(seed, overlay.loss.hop, overlay.loss.last_hop)
        self.receivers: dict[Endpoint, Receiver] = {}
        """All that ever joined."""
        self.delays: list[int] = []
        """Of every packet to every receiver, ns."""
        self.crashed = self.left = 0
        self._there: list[Receiver] = []
        """Those that may go; roots stay."""
        self._random = Random(seed)
        self._payload = bytes(self.group.packet)
        self._sent_at = [0]
        self._engine = self.session.engine
        self.start = self._engine.now
        self.end = self.start

    def play(self, tell: Tell, stopped: Callable[[], bool]) -> bool:
        """Play it to its end, or until ``stopped``; whether it got to the end."""
        self._schedule(tell)
        until = self.start + self.scenario.duration
        tenth = self.scenario.duration // 10
        told = 0
        while self._engine.now < until and not stopped():
            self._engine.run(min(until, self._engine.now + STEP))
            if (self._engine.now - self.start) // tenth > told:
                told = (self._engine.now - self.start) // tenth
                tell(self.now_s, self._standing())
        self.end = self._engine.now
        if self.end == until:
            self._engine.run(until + DRAIN)
        return self.end == until

    @property
    def now_s(self) -> float:
        """Seconds since the first receiver began to join."""
        return (self._engine.now - self.start) / SECOND

    def expected(self, receiver: Receiver) -> int:
        """How many packets one could have got; who has gone, up to the last that it did get."""
        if not receiver.first:
            return 0
        last = receiver.latest if receiver.gone else len(self._sent_at) - 1
        return last - receiver.first + 1

    def gap(self, receiver: Receiver) -> int:
        """The longest time without anything new, also the one at the end, ns."""
        silent = 0 if receiver.gone else max(0, self.end - receiver.latest_at)
        return max(receiver.longest_gap, silent)

    def _schedule(self, tell: Tell) -> None:
        for number in range(self.group.receivers):
            self._engine.at(self.start + number * self.group.join_interval, self._join)
        self._engine.at(self.start, self._send)
        for event in self.scenario.events:
            self._engine.at(self.start + event.at, self._happen, event, tell)
        if self.scenario.overlay.churn:
            self._engine.after(self._until_churn(), self._churn)

    def _send(self) -> None:
        now = self._engine.now
        if now < self.start + self.scenario.duration:
            self._sent_at.append(now)
            self.session.send(self._payload)
            self._engine.after(self.group.interval, self._send)

    def _join(self) -> None:
        host, member = self.session.add()
        name = f"r{len(self.receivers) + 1}"
        receiver = Receiver(name, host, member, self._engine.now)
        self.receivers[host.endpoint] = receiver
        if member.root_number is None:
            self._there.append(receiver)

    def _go(self, says_so: bool) -> None:
        """A receiver that is drawn at random leaves, or crashes."""
        if not self._there:
            return
        at = self._random.randrange(len(self._there))
        self._there[at], self._there[-1] = self._there[-1], self._there[at]
        receiver = self._there.pop()
        receiver.gone = True
        if says_so:
            self.left += 1
            member = receiver.member
            self.session.overlay.call(receiver.host, lambda now: member.leave())
        else:
            self.crashed += 1
        self.session.overlay.crash(receiver.host)

    def _until_churn(self) -> int:
        rate = self.scenario.overlay.churn * self.group.receivers / _MINUTE
        return int(self._random.expovariate(rate))

    def _churn(self) -> None:
        if self._engine.now < self.start + self.scenario.duration:
            self._go(says_so=False)
            self._join()
            self._engine.after(self._until_churn(), self._churn)

    def _happen(self, event: AnyOccurrence, tell: Tell) -> None:
        tell(self.now_s, f"{event.verb}: {event.number} {event.of}")
        for _ in range(event.number):
            if event.of == "servers":
                self._server(event)
            elif isinstance(event, Crash | Leave):
                self._go(says_so=isinstance(event, Leave))
            else:
                self._join()

    def _server(self, event: AnyOccurrence) -> None:
        overlay = cast(ChordOverlay, self.session.overlay)
        if isinstance(event, Crash | Leave):
            if len(overlay.servers) > 1:
                host = self._random.choice(overlay.servers)
                (overlay.leave if isinstance(event, Leave) else overlay.crash)(host)
            return
        taken = {host.node for host in overlay.servers}
        free = [node for node in overlay.internet.sites if node not in taken]
        overlay.add_server(self._random.choice(free or overlay.internet.sites))

    def _delivered(self, host: Host, packet: Deliver) -> None:
        now, sequence = self._engine.now, packet.sequence
        receiver = self.receivers[host.endpoint]
        self.delays.append(now - self._sent_at[sequence])
        if not receiver.first:
            receiver.first = receiver.latest = sequence
            receiver.latest_at = now
            since = receiver.member.in_tree_since
            receiver.settled = None if since is None else since - host.skew
        receiver.received += sequence >= receiver.first
        if sequence > receiver.latest:
            receiver.longest_gap = max(receiver.longest_gap, now - receiver.latest_at)
            receiver.latest, receiver.latest_at = sequence, now

    def _standing(self) -> str:
        there = len(self._there)
        messages = sum(self.session.overlay.messages.values())
        return f"{there} receivers, {messages} messages"


def _group(scenario: VirtualScenario) -> GroupConfig:
    overlay = scenario.overlay
    return GroupConfig(
        degree=overlay.degree,
        refresh=Refresh(overlay.refresh),
        refresh_period=overlay.refresh_period,
        recovery=Recovery(overlay.recovery),
        metric=Metric(overlay.metric),
        roots=overlay.roots,
        root_choice=RootChoice(overlay.root_choice),
    )


def _shape(scenario: VirtualScenario) -> Shape:
    topology = scenario.topology
    if not isinstance(topology, TransitStubTopology):
        return PowerLaw(topology.nodes, topology.links, topology.delay)
    return TransitStub(
        topology.domains,
        topology.routers,
        topology.stubs,
        topology.stub_nodes,
        between_transit=_in_ms(topology.between_domains),
        transit_to_stub=_in_ms(topology.transit_to_stub),
        inside_stub=_in_ms(topology.inside_stub),
        inside_domain=_in_ms(topology.inside_domain),
    )


def _in_ms(span: tuple[int, int]) -> tuple[float, float]:
    return span[0] / MILLISECOND, span[1] / MILLISECOND
