"""Scenarios of very many nodes without names, for virtual time: ``emu simulate``.

The network is made by a generator; of servers and receivers the scenario says how many there are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag

from emu.scenario.errors import Path, Problem
from emu.scenario.fields import Delay, Instant, Loss, ScenarioName, nothing_as, within
from emu.scenario.i3 import I3
from emu.scenario.i3_checks import wrong_roots
from emu.scenario.section import Section
from emu.scenario.units import DURATION, SIZE

Number = Annotated[int, Field(ge=1, le=10_000_000)]


def _in_order(span: tuple[int, int]) -> tuple[int, int]:
    if span[0] > span[1]:
        raise ValueError("begins with the greater one; write [least, most]")
    return span


Span = Annotated[tuple[Delay, Delay], AfterValidator(_in_order)]
"""Least and most, of which each link draws its own, uniformly; ns."""


def _ms(least: int, most: int) -> tuple[int, int]:
    return DURATION.parse(f"{least}ms"), DURATION.parse(f"{most}ms")


class TransitStubTopology(Section):
    """Domains of transit routers, each router with stub networks, in which hosts are."""

    kind: Literal["transit-stub"]
    domains: int = Field(default=4, ge=1, le=64)
    routers: int = Field(default=4, ge=1, le=64)
    """Of each transit domain."""
    stubs: int = Field(default=12, ge=1, le=256)
    """At each transit router."""
    stub_nodes: int = Field(default=52, ge=4, le=1024)
    between_domains: Span = _ms(20, 50)
    inside_domain: Span = _ms(20, 50)
    """Between transit routers of one domain."""
    transit_to_stub: Span = _ms(5, 10)
    inside_stub: Span = _ms(1, 3)


class PowerLawTopology(Section):
    """Nodes came one after another, each with links to those that had many already."""

    kind: Literal["power-law"]
    nodes: int = Field(default=10_000, ge=3, le=100_000)
    links: int = Field(default=2, ge=1, le=16)
    """Of a node that comes."""
    delay: Span = _ms(5, 15)
    """Of a link."""


class Population(I3):
    """What servers and members agree upon, and how many servers there are."""

    servers: Number = 8192
    ring: Literal["settled", "chord"] = "settled"
    """Servers that know the ring, or that find it, by Chord, as they come and go."""
    skew: Delay = 0
    """Clocks differ from the true time by up to this."""
    churn: Loss = 0.0
    """The share of the receivers that crash in a minute; as many others join."""


class Receivers(Section):
    """The group: receivers join one after another, each at a node drawn at random."""

    kind: Literal["i3"]
    receivers: Number = Field(examples=["1024"])
    interval: Annotated[int, within(DURATION, "1ms", "1h")] = DURATION.parse("1s")
    """Between two packets of the source."""
    packet: Annotated[int, within(SIZE, "24", "1200")] = 100
    """Bytes of payload a packet."""
    join_interval: Annotated[int, within(DURATION, "0s", "1h")] = DURATION.parse("300ms")


class Occurrence(Section):
    """Something that happens to some nodes, which are drawn at random."""

    verb: ClassVar[str]
    at: Instant = Field(examples=["60s"])
    of: Literal["servers", "receivers"] = Field(examples=["servers"])

    @property
    def number(self) -> int:
        """Of how many."""
        return int(getattr(self, self.verb))


class Crash(Occurrence):
    """They are gone, and say nothing."""

    verb = "crash"
    crash: Number


class Leave(Occurrence):
    """They say that they go."""

    verb = "leave"
    leave: Number


class Join(Occurrence):
    """So many more come."""

    verb = "join"
    join: Number


OCCURRENCES: dict[str, type[Occurrence]] = {one.verb: one for one in (Crash, Leave, Join)}


def _verb(value: Any) -> str | None:
    if isinstance(value, Occurrence):
        return value.verb
    keys = value if isinstance(value, dict) else ()
    return next((verb for verb in OCCURRENCES if verb in keys), None)


AnyOccurrence = Annotated[
    Annotated[Crash, Tag("crash")] | Annotated[Leave, Tag("leave")] | Annotated[Join, Tag("join")],
    Discriminator(_verb),
]


class VirtualScenario(Section):
    """One experiment in virtual time."""

    name: ScenarioName = Field(examples=["i3-churn"])
    seed: int = Field(default=1, ge=0, le=2**32 - 1)
    duration: Annotated[int, within(DURATION, "100ms", "24h")] = Field(examples=["120s"])
    """From when the first receiver joins."""
    repeat: int = Field(default=1, ge=1, le=10000)
    topology: TransitStubTopology | PowerLawTopology = Field(examples=["{kind: transit-stub}"])
    overlay: Population = Field(examples=["{scheme: i3}"])
    traffic: tuple[Receivers] = Field(examples=["[{kind: i3, receivers: 1024}]"])
    """The one group."""
    events: Annotated[tuple[AnyOccurrence, ...], nothing_as(tuple)] = ()


class TransitStubScenario(VirtualScenario):
    """One on a transit-stub network."""

    topology: TransitStubTopology


class PowerLawScenario(VirtualScenario):
    """One on a power-law network."""

    topology: PowerLawTopology


SCENARIOS: dict[str, type[VirtualScenario]] = {
    "transit-stub": TransitStubScenario,
    "power-law": PowerLawScenario,
}
"""By the kind of their topology."""


def check(scenario: VirtualScenario) -> Iterator[Problem]:
    """What contradicts itself in a scenario whose single values are right."""
    group, overlay = scenario.traffic[0], scenario.overlay
    joined = group.join_interval * (group.receivers - 1)
    if joined >= scenario.duration:
        text = f"the last of {group.receivers} joins at {DURATION.show(joined)}, which is too late"
        yield Problem(("traffic", 0, "join_interval"), f"{text}; write a shorter one")
    yield from wrong_roots(overlay, group.receivers)
    if overlay.refresh_period >= overlay.lifetime:
        text = (
            f"{DURATION.show(overlay.refresh_period)} is not less than lifetime; write less than "
        )
        yield Problem(("overlay", "refresh_period"), text + DURATION.show(overlay.lifetime))
    for index, event in enumerate(scenario.events):
        path: Path = ("events", index)
        if event.at >= scenario.duration:
            end = DURATION.show(scenario.duration)
            text = (
                f"{DURATION.show(event.at)} is not before the end at {end}; write an earlier time"
            )
            yield Problem((*path, "at"), text)
        if event.of == "servers" and overlay.ring == "settled":
            text = "servers of a settled ring stay; write overlay: {ring: chord}"
            yield Problem((*path, "of"), text)
