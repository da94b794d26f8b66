"""The ``traffic:`` section of a scenario: the kinds of flow, and their names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePath
from typing import Annotated, Any, Literal, Union

from pydantic import Discriminator, Field, GetCoreSchemaHandler, Tag
from pydantic_core import CoreSchema

from emu.scenario.fields import EntryName, Instant, Rate, nothing_as, within
from emu.scenario.section import Section
from emu.scenario.traffic_kind import TRAFFIC
from emu.scenario.units import DURATION, SIZE


class Flow(Section):
    """What all traffic has: its kind, when it starts and stops, and its name in the record."""

    kind: str = Field(examples=["ping"])
    start: Instant = 0
    stop: Instant | None = None
    """None: at the end of the run."""
    name: EntryName | None = None
    """None: made of its kind and ends."""

    def described(self) -> str:
        """The name of one that has none; another one may have it, too."""
        return self.kind


class MulticastFlow(Flow):
    """A channel is sent, and listened to from the start by some mobile nodes."""

    kind: Literal["multicast"]
    channel: str = Field(examples=["C1"])
    to: Annotated[tuple[str, ...], nothing_as(tuple)] = ()
    """The mobile nodes that listen from start to stop; more may join by events."""
    only_source: Annotated[tuple[str, ...], nothing_as(tuple)] = ()
    """Those who ask for (source, group) though the group is not source-specific."""

    def described(self) -> str:
        """The channel."""
        return self.channel


class PingFlow(Flow):
    """ICMPv6 echo requests at a fixed interval."""

    kind: Literal["ping"]
    from_: str = Field(alias="from", examples=["mn1"])
    to: str = Field(examples=["server1"])
    interval: Annotated[int, within(DURATION, "1ms", "1h")] = DURATION.parse("10ms")

    def described(self) -> str:
        """Kind and ends."""
        return f"{self.kind}-{self.from_}-{self.to}"


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

    def described(self) -> str:
        """Kind and ends."""
        return f"{self.kind}-{self.from_}-{self.to}"


class ProgramFlow(Flow):
    """A program of the machine's own, such as a video player, on a node."""

    kind: Literal["program"]
    node: str = Field(examples=["mn1"])
    command: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        examples=["[ffmpeg, -i, 'udp://[ff3e::c1]:5001', received.ts]"]
    )
    """The program and its arguments; its folder is that of the run's programs."""

    def described(self) -> str:
        """The program, and where it runs."""
        return f"{PurePath(self.command[0]).name}-{self.node}"


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

    def described(self) -> str:
        """Kind and founder."""
        return f"{self.kind}-{self.from_}"


def flows() -> dict[str, type[Flow]]:
    """The keys of each kind of traffic."""
    return {name: kind.keys for name, kind in TRAFFIC.all().items()}


class AnyKind:
    """Annotates a `Flow` that is read as one of the kinds that there are.

    They are asked for when the first scenario is read, not when this module is imported: kinds of
    other packages may import it.
    """

    @staticmethod
    def __get_pydantic_core_schema__(source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        kinds = tuple(Annotated[keys, Tag(name)] for name, keys in flows().items())
        return handler.generate_schema(Annotated[Union[kinds], Discriminator(_kind)])  # noqa: UP007


def _kind(value: Any) -> str | None:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) else None


AnyFlow = Annotated[Flow, AnyKind]


def names_of(traffic: Iterable[Flow]) -> tuple[str, ...]:
    """The name of each flow, in order: its own, or made of its kind and ends; all different."""
    traffic = tuple(traffic)
    taken = {flow.name for flow in traffic}
    names = []
    for flow in traffic:
        name = flow.name or _unused(flow.described(), taken)
        taken.add(name)
        names.append(name)
    return tuple(names)


def _unused(name: str, taken: set[str | None]) -> str:
    candidates = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
    return next(candidate for candidate in candidates if candidate not in taken)
