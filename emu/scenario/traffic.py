"""The ``traffic:`` section of a scenario: the kinds of flow, and their names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Annotated, Literal

from pydantic import Field

from emu.scenario.fields import EntryName, Instant, Rate, nothing_as, within
from emu.scenario.section import Section
from emu.scenario.units import DURATION, SIZE


class Flow(Section):
    """What all traffic has: when it starts and stops, and its name in the record."""

    start: Instant = 0
    stop: Instant | None = None
    """None: at the end of the run."""
    name: EntryName | None = None
    """None: made of its kind and ends."""


class MulticastFlow(Flow):
    """A channel is sent, and listened to from the start by some mobile nodes."""

    kind: Literal["multicast"]
    channel: str = Field(examples=["C1"])
    to: Annotated[tuple[str, ...], nothing_as(tuple)] = ()
    """The mobile nodes that listen from start to stop; more may join by events."""
    only_source: Annotated[tuple[str, ...], nothing_as(tuple)] = ()
    """Those who ask for (source, group) though the group is not source-specific."""


class PingFlow(Flow):
    """ICMPv6 echo requests at a fixed interval."""

    kind: Literal["ping"]
    from_: str = Field(alias="from", examples=["mn1"])
    to: str = Field(examples=["server1"])
    interval: Annotated[int, within(DURATION, "1ms", "1h")] = DURATION.parse("10ms")


class Iperf3Flow(Flow):
    """A bulk transfer by iperf3."""

    kind: Literal["iperf3"]
    from_: str = Field(alias="from", examples=["mn1"])
    to: str = Field(examples=["server1"])
    protocol: Literal["tcp", "udp"] = "tcp"
    rate: Rate | None = None
    """Target rate; needed for UDP, None lets TCP find its own."""
    packet: Annotated[int, within(SIZE, "16", "1412")] | None = None
    """Bytes of UDP payload a packet; None: 1200."""


class ProgramFlow(Flow):
    """A program of the machine's own, such as a video player, on a node."""

    kind: Literal["program"]
    node: str = Field(examples=["mn1"])
    command: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        examples=["[ffmpeg, -i, 'udp://[ff3e::c1]:5001', received.ts]"]
    )
    """The program and its arguments; its folder is that of the run's programs."""


class I3Flow(Flow):
    """A group on i3: one member founds it and sends, others join one after another."""

    kind: Literal["i3"]
    from_: str = Field(alias="from", examples=["c1"])
    to: tuple[str, ...] = Field(min_length=1, examples=["[c2, c3]"])
    """The receivers, in the order in which they join."""
    interval: Annotated[int, within(DURATION, "1ms", "1h")] = DURATION.parse("100ms")
    """Between two packets."""
    packet: Annotated[int, within(SIZE, "24", "1200")] = 100
    """Bytes of payload a packet."""
    join_interval: Annotated[int, within(DURATION, "0s", "1h")] = DURATION.parse("300ms")
    """Between one receiver that joins and the next one."""


FLOWS: dict[str, type[Flow]] = {
    "multicast": MulticastFlow,
    "ping": PingFlow,
    "iperf3": Iperf3Flow,
    "program": ProgramFlow,
    "i3": I3Flow,
}
"""The kinds of traffic."""

AnyFlow = Annotated[
    MulticastFlow | PingFlow | Iperf3Flow | ProgramFlow | I3Flow, Field(discriminator="kind")
]


def names_of(traffic: Iterable[AnyFlow]) -> tuple[str, ...]:
    """The name of each flow, in order: its own, or made of its kind and ends; all different."""
    traffic = tuple(traffic)
    taken = {flow.name for flow in traffic}
    names = []
    for flow in traffic:
        name = flow.name or _unused(_describe(flow), taken)
        taken.add(name)
        names.append(name)
    return tuple(names)


def _describe(flow: AnyFlow) -> str:
    if isinstance(flow, MulticastFlow):
        return flow.channel
    if isinstance(flow, ProgramFlow):
        return f"{PurePath(flow.command[0]).name}-{flow.node}"
    if isinstance(flow, I3Flow):
        return f"i3-{flow.from_}"
    return f"{flow.kind}-{flow.from_}-{flow.to}"


def _unused(name: str, taken: set[str | None]) -> str:
    candidates = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
    return next(candidate for candidate in candidates if candidate not in taken)
