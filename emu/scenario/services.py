"""The ``services:`` section of a scenario: servers and their users, which are real programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from emu.scenario.fields import AccessRouter, EntryName, Instant, Rate, Within, nothing_as, within
from emu.scenario.section import Section
from emu.scenario.units import DURATION, SIZE


class Service(Section):
    """What every service has besides its name."""

    kind: str


class Origin(Service):
    """A web server with a video in MPEG-DASH."""

    kind: Literal["origin"]
    node: str = Field(examples=["web"])
    """A server."""
    length: Annotated[int, within(DURATION, "2s", "1h")] = DURATION.parse("1min")
    """How long the video is."""
    segment: Annotated[int, within(DURATION, "1s", "10s")] = DURATION.parse("2s")
    """How much of it is in one segment."""
    bitrates: Annotated[tuple[Rate, ...], Field(min_length=1, max_length=8)] = Field(
        default=(300_000, 800_000, 1_500_000), examples=["[300kbit, 800kbit]"]
    )
    """Of the picture, from the lowest to the highest: one representation each."""
    live: bool = False
    """Whether a segment is there only when it would have been filmed, not all from the start."""
    max_age: Annotated[int, within(DURATION, "1s", "24h")] = DURATION.parse("1h")
    """For how long a cache may use an answer without asking again."""
    keep_alive: bool = False
    """Whether a connection may serve more than one request."""
    rate: Rate | None = None
    """How fast it sends to one connection; None: as fast as it can."""


CACHE_PORT = 3128


class Cache(Service):
    """Web caches beside mobility anchors, which mobile nodes do not know of."""

    kind: Literal["cache"]
    at: Annotated[tuple[AccessRouter, ...], Field(min_length=1)] = Field(examples=["[mar1, mar2]"])
    """Access routers, or the mobility anchor: a cache each."""
    origin: str = Field(examples=["video"])
    """The service whose answers they keep."""
    filled: bool = False
    """Whether they have all of the video from the start."""
    size: Annotated[int, within(SIZE, "100000", "100000000000")] = 1_000_000_000
    """Bytes that each keeps at the most; what was used least recently goes first."""
    disk: Annotated[int, within(SIZE, "100000", "100000000000")] | None = None
    """Bytes that there is room for, whatever ``size`` says; None: as much as is needed."""
    keep_alive: bool = False
    """Whether a connection may serve more than one request."""


class Player(Service):
    """A mobile node plays an origin's video."""

    kind: Literal["player"]
    node: str = Field(examples=["mn1"])
    """A mobile node."""
    origin: str = Field(examples=["video"])
    """The service whose video it plays."""
    program: Literal["gstreamer", "dashjs"] = "gstreamer"
    """Which player: GStreamer, or dash.js in a headless Chromium."""
    start: Instant = 0
    """When it asks for the manifest."""
    stop: Instant | None = None
    """None: at the end of the video or of the run."""
    buffer: Annotated[int, within(DURATION, "1s", "10min")] = DURATION.parse("10s")
    """How far it loads ahead."""


_FIXED = Within(DURATION, "20ms", "1s")
_ADAPTIVE = "adaptive"


def fixed_or_adaptive(value: object) -> object:
    """How long it keeps packets, or that it adapts."""
    return value if value == _ADAPTIVE else _FIXED(value)


class Call(Service):
    """A mobile node calls a server by SIP, and both speak."""

    kind: Literal["call"]
    from_: str = Field(alias="from", examples=["mn1"])
    """A mobile node. It keeps the address that it has when it calls."""
    to: str = Field(examples=["server1"])
    """A server."""
    start: Instant = 0
    """When it calls."""
    stop: Instant | None = None
    """When it hangs up; None: at the end of the run."""
    concealment: bool = True
    """Whether G.711's concealment of lost packets goes into the score, or none."""
    jitter_buffer: Annotated[int | Literal["adaptive"], BeforeValidator(fixed_or_adaptive)] = (
        DURATION.parse("60ms")
    )
    """Of either end, for the score: how long it keeps the fastest packet, or one that adapts."""


SERVICES: dict[str, type[Service]] = {
    "origin": Origin,
    "cache": Cache,
    "player": Player,
    "call": Call,
}
"""The kinds of service."""


def servers(services: Mapping[str, Service]) -> list[str]:
    """Web servers by the names that they have in events: ``<service>@<node>``."""
    found = []
    for name, service in services.items():
        if isinstance(service, Origin):
            found.append(f"{name}@{service.node}")
        elif isinstance(service, Cache):
            found += [f"{name}@{node}" for node in service.at]
    return found


AnyService = Annotated[Origin | Cache | Player | Call, Field(discriminator="kind")]
Services = Annotated[dict[EntryName, AnyService], nothing_as(dict)]
"""By their names."""
