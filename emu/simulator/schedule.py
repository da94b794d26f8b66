"""Randomised runs of a domain, each reproducible from its seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv6Address
from random import Random

from agents.core import MILLISECOND, SECOND
from agents.mobility.config import Variant
from agents.mobility.context import Records
from agents.wire.mld import AddressRecord, RecordType
from emu.simulator.domain import Domain, DomainConfig
from emu.simulator.network import Quality
from emu.simulator.oracle import Oracle
from emu.simulator.playing import play
from emu.simulator.preparing import PreparingDomain


@dataclass(frozen=True)
class Step:
    """At a time (ns), a mobile node goes to a MAR; 0: away."""

    time: int
    mn: str
    mar: int
    trigger_delay: int
    """How much later than the departure the MAR that it leaves gets its Link_Down trigger."""
    report_delay: int
    """How long after that it reports what it listens to, if it is still there."""
    records: Records
    announced: int = 0
    """How long before (ns) it says that it is going to leave; 0: it does not say so."""
    announced_mar: int = 0
    """Where it says that it is going to, which is not always true."""


@dataclass(frozen=True)
class Crash:
    """At a time (ns), an agent is killed: a MAR by its number, the CMD (0), its standby (-1)."""

    time: int
    agent: int
    down: int
    """How long after that another one is started, ns."""


@dataclass(frozen=True)
class Schedule:
    """One run: the domain, the movements, and what is in the way of its messages."""

    seed: int
    config: DomainConfig
    steps: tuple[Step, ...]
    outage: tuple[int, int]
    """From when to when (ns) the network carries nothing at all."""
    idle: tuple[tuple[int, str], ...] = ()
    """When (ns) no flow of a mobile node uses the prefix any more that it has had longest."""
    prepared: bool = False
    """Whether handovers may be prepared (IEEE 802.21)."""
    crashes: tuple[Crash, ...] = ()
    """At most one of each agent."""


_GROUPS = [
    AddressRecord(RecordType.MODE_IS_EXCLUDE, IPv6Address("ff1e::c2")),
    AddressRecord(
        RecordType.MODE_IS_INCLUDE, IPv6Address("ff3e::c1"), (IPv6Address("2001:db8:5e00:1::2"),)
    ),
]


def random_schedule(
    seed: int,
    variant: Variant = Variant.PROXY,
    *,
    distributed: bool = False,
    prepared: bool = False,
) -> Schedule:
    """Several mobile nodes that move about a few MARs, back and forth, quickly and slowly."""
    random = Random(seed)
    quality = Quality(
        delay=random.randrange(1, 20) * MILLISECOND,
        jitter=random.randrange(0, 10) * MILLISECOND,
        loss=random.uniform(0, 0.3),
        duplication=random.uniform(0, 0.3),
        reordering=random.uniform(0, 0.3),
        hold=random.randrange(0, 3000) * MILLISECOND,
    )
    config = DomainConfig(
        mars=random.randint(2, 5),
        quality=quality,
        binding_lifetime_s=random.choice((20, 60, 300, 300, 300)),
        detach_delay=random.choice((500, 2_000, 10_000)) * MILLISECOND,
        encoded=seed % 10 == 0,
        variant=variant,
        distributed=distributed or prepared,
        context_transfer=seed % 3 == 0,
    )
    steps = [
        step
        for number in range(1, random.randint(1, 3) + 1)
        for step in _walk(random, f"mn{number}", config.mars)
    ]
    if prepared:
        steps = [_announced(random, step, config.mars) for step in steps]
    steps.sort(key=lambda step: step.time)
    start = random.randrange(steps[-1].time)
    length = random.randrange(90 * SECOND) if random.random() < 0.2 else 0
    idle = tuple(
        (random.randrange(steps[-1].time + 20 * SECOND), random.choice(steps).mn)
        for _ in range(random.randint(0, 6))
    )
    return Schedule(seed, config, tuple(steps), (start, start + length), idle, prepared)


def with_crashes(schedule: Schedule, agents: tuple[int, ...]) -> Schedule:
    """The same, while each of these agents is killed at some time; ``Crash`` says who is who.

    Without context transfer: what a MAR that is killed knew of its nodes' groups is lost.
    """
    random = Random(schedule.seed)
    crashes = tuple(
        Crash(
            random.randrange(schedule.steps[-1].time + SECOND),
            agent,
            random.choice((100, 2_000, 20_000)) * MILLISECOND,
        )
        for agent in agents
        if agent <= schedule.config.mars
    )
    config = replace(schedule.config, context_transfer=False)
    return replace(schedule, config=config, crashes=crashes)


def with_standby(schedule: Schedule) -> Schedule:
    """The same with two CMDs."""
    return replace(schedule, config=replace(schedule.config, standby=True))


def with_skew(schedule: Schedule, most: int, apart: int) -> Schedule:
    """The same, with clocks of MARs that are wrong by up to ``most`` ns; without context.

    Movements are ``apart`` ns apart: clocks that differ cannot order attachments that nobody had
    time to tell of.
    """
    random = Random(schedule.seed)
    steps = tuple(replace(s, time=n * apart) for n, s in enumerate(schedule.steps, 1))
    skews = tuple(random.randint(-most, most) for _ in range(schedule.config.mars))
    config = replace(schedule.config, context_transfer=False, skews=skews)
    return replace(schedule, config=config, steps=steps)


def run(schedule: Schedule) -> list[str]:
    """Run it, then let a network without faults settle; the oracle's findings, good if empty."""
    kind = PreparingDomain if schedule.prepared else Domain
    domain = kind(schedule.config, schedule.seed)
    oracle = Oracle(domain)
    for time, mn in schedule.idle:
        domain.engine.at(time, lambda mn=mn: domain.idle(mn))
    for crash in schedule.crashes:
        domain.engine.at(crash.time, lambda crash=crash: _crash(domain, crash))
    play(schedule, domain, _lifetimes(schedule) * schedule.config.binding_lifetime_s * SECOND)
    return oracle.faults()


def _lifetimes(schedule: Schedule) -> int:
    """How many lifetimes a domain may take to converge, since some of its states are soft."""
    crashed = {crash.agent for crash in schedule.crashes}
    if any(agent > 0 for agent in crashed):
        return 2  # what a MAR should have said ends with it; half of one later others have told it
    # Without a CMD, what was never heard of ends with it. With two that die, one may have told a
    # previous MAR, before it did, what the other one did not know when it went on.
    return int(schedule.config.distributed or crashed == {0, -1})


def _walk(random: Random, mn: str, mars: int) -> list[Step]:
    """The movements of one mobile node: where to, how long it stays, how long it is away."""
    time = random.randrange(1, 5 * SECOND)
    here = 0
    steps = []
    for _ in range(random.randint(1, 8)):
        away = here and random.random() < 0.25
        here = 0 if away else random.randint(1, mars)  # at times it comes back to where it was
        late = random.randrange(500 * MILLISECOND) if random.random() < 0.3 else 0
        report = random.randrange(1, 10_000) * MILLISECOND
        records = tuple(random.sample(_GROUPS, random.randint(0, len(_GROUPS))))
        steps.append(Step(time, mn, here, late, report, records))
        # Shorter than a message takes; than a retransmission; about a detachment delay; long.
        stay = random.choice((20 * MILLISECOND, 2 * SECOND, 12 * SECOND, 40 * SECOND))
        time += random.randrange(100_000, stay)
    return steps


def _announced(random: Random, step: Step, mars: int) -> Step:
    """Most steps are announced: too late for an exchange, in time, or too early; some wrongly."""
    if not step.mar or random.random() < 0.3:
        return step
    scale = random.choice((20, 500, 15_000)) * MILLISECOND
    target = random.randint(1, mars) if random.random() < 0.2 else step.mar
    before = min(random.randrange(1, scale), step.time)
    return replace(step, announced=before, announced_mar=target)


def _crash(domain: Domain, crash: Crash) -> None:
    """Kill an agent, and start another one later."""
    if crash.agent > 0:
        domain.crash_mar(crash.agent)
        domain.engine.after(crash.down, lambda: domain.restart_mar(crash.agent))
    else:
        cmd = domain.cmds[-crash.agent]
        cmd.crash()
        domain.engine.after(crash.down, cmd.restart)
