"""The scenario schema: what every key means, its default and its bounds.

After loading, durations are integer ns, rates bit/s, sizes bytes, losses shares between 0 and 1.
What spans several keys, such as a node that does not exist, is checked in `emu.scenario.checks`.
"""

from __future__ import annotations

from ipaddress import IPv6Network
from pathlib import PurePath
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from emu.scenario.fields import (
    AccessRouter,
    Delay,
    EntryName,
    Group,
    Instant,
    Loss,
    NodeName,
    Rate,
    ScenarioName,
    nothing_as,
    within,
)
from emu.scenario.mobility import Mobility as Mobility
from emu.scenario.multicast import SCHEMES_OF, Multicast, Scope
from emu.scenario.multicast import ChannelControl as ChannelControl
from emu.scenario.section import Section as Section
from emu.scenario.units import DURATION, SIZE

_SSM_BLOCK = IPv6Network("ff30::/12")
"""Source-specific groups are ff3x::/32 for every scope x (RFC 4607 section 1)."""


class Link(Section):
    """The quality of one kind of link, in each direction."""

    delay: Delay = 0
    """One-way delay."""
    jitter: Delay = 0
    """The delay varies by up to this much either way."""
    loss: Loss = 0.0
    """Share of packets lost at random."""
    rate: Rate | None = None
    """Bottleneck rate; None leaves it to the machine."""


class Access(Link):
    """The radio link between a mobile node and the access router it is attached to."""

    carrier: Literal["drop", "keep"] = "drop"
    """Whether the mobile node's kernel sees a handover: a new network, or roaming inside one."""


class Topology(Section):
    """The network between the nodes."""

    kind: str = Field(examples=["dmm-domain"])
    """A Topo class in topologies/, by its registered name."""
    mars: int = Field(ge=1, le=250, examples=["3"])
    """How many mobility access routers (mar1, mar2, …)."""
    routers: int = Field(default=3, ge=1, le=250)
    """How many native multicast routers (mr1 is the root; the others, if any, serve the MARs)."""
    access: Access = Access()
    """A mobile node to its MAR."""
    backhaul: Link = Link()
    """Between MARs (per hop in a line)."""
    cmd: Link = Link()
    """A MAR to the central mobility database, or to the mobility anchor that is in its place."""
    core: Link = Link()
    """A MAR to its native multicast router."""
    home: Link = Link()
    """The mobility anchor, if the scheme has one, to the root multicast router."""

    @property
    def access_routers(self) -> tuple[str, ...]:
        """The names of the MARs, in order."""
        return tuple(f"mar{number}" for number in range(1, self.mars + 1))


class Node(Section):
    """A host; routers and the CMD come with the topology."""

    role: Literal["mn", "source", "server"] = Field(examples=["mn"])
    attach: AccessRouter | None = None
    """The MAR that a mobile node starts at; mobile nodes only."""
    dad: Literal["normal", "optimistic", "off"] = "normal"
    """Duplicate address detection of a mobile node: RFC 4862, RFC 4429, or none."""


class Channel(Section):
    """A multicast stream: constant bit rate, UDP."""

    group: Group = Field(examples=["ff3e::c1"])
    """Source-specific when in ff3x::/32, any-source otherwise."""
    source: str = Field(examples=["src"])
    """The node that sends it."""
    rate: Rate = Field(examples=["1mbit"])
    """Of the UDP payload."""
    packet: Annotated[int, within(SIZE, "24", "1412")] = 1316
    """Bytes of UDP payload a packet; at most what a tunnel's MTU of 1460 takes whole."""
    port: int = Field(default=5001, ge=1, le=65535)
    """UDP destination port."""

    @property
    def source_specific(self) -> bool:
        """Whether listeners join (source, group) rather than (*, group)."""
        return self.group in _SSM_BLOCK and self.group.packed[2:4] == b"\0\0"


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


class ProgramFlow(Flow):
    """A program of the machine's own, such as a video player, on a node."""

    kind: Literal["program"]
    node: str = Field(examples=["mn1"])
    command: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        examples=["[ffmpeg, -i, 'udp://[ff3e::c1]:5001', received.ts]"]
    )
    """The program and its arguments; its folder is that of the run's programs."""


class Event(Section):
    """Something that happens; a key of its own, the verb, says what."""

    verb: ClassVar[str]
    at: Instant = Field(examples=["4s"])


class NodeEvent(Event):
    """Something that happens to a mobile node, which the verb names."""

    @property
    def node(self) -> str:
        """The mobile node that it happens to."""
        return str(getattr(self, self.verb))


class Handover(NodeEvent):
    """A mobile node leaves its access router at ``at`` and attaches to another ``gap`` later."""

    verb = "handover"
    handover: str
    to: AccessRouter = Field(examples=["mar2"])
    gap: Instant = 0
    announced: Annotated[int, within(DURATION, "1ms", "24h")] | None = None
    """So long before ``at`` the access router is told (Link_Going_Down); None: it is not."""

    @property
    def begins(self) -> int:
        """When the first of it happens: its announcement, if it has one."""
        return self.at - (self.announced or 0)


class Detach(NodeEvent):
    """A mobile node leaves its access router, for no other (a later handover attaches it again)."""

    verb = "detach"
    detach: str


class Join(NodeEvent):
    """A mobile node starts to listen to a channel."""

    verb = "join"
    join: str
    channel: str = Field(examples=["C1"])


class Leave(NodeEvent):
    """A mobile node stops listening to a channel."""

    verb = "leave"
    leave: str
    channel: str = Field(examples=["C1"])


class PolicyChange(Event):
    """The operator sets some channels anew."""

    verb = "policy"
    policy: dict[str, Scope]
    """As ``channels`` in ``channel_control``."""


class Crash(Event):
    """The agent of a router or of the CMD is killed; its node and its kernel stay."""

    verb = "crash"
    crash: str = Field(examples=["cmd"])


class Restart(Event):
    """An agent that was killed is started again."""

    verb = "restart"
    restart: str = Field(examples=["cmd"])


FLOWS: dict[str, type[Flow]] = {
    "multicast": MulticastFlow,
    "ping": PingFlow,
    "iperf3": Iperf3Flow,
    "program": ProgramFlow,
}
"""The kinds of traffic."""
EVENTS: dict[str, type[Event]] = {
    event.verb: event for event in (Handover, Detach, Join, Leave, PolicyChange, Crash, Restart)
}
"""The kinds of event."""


def _verb(value: Any) -> str | None:
    if isinstance(value, Event):
        return value.verb
    keys = value if isinstance(value, dict) else ()
    return next((verb for verb in EVENTS if verb in keys), None)


AnyFlow = Annotated[
    MulticastFlow | PingFlow | Iperf3Flow | ProgramFlow, Field(discriminator="kind")
]
AnyEvent = Annotated[
    Annotated[Handover, Tag("handover")]
    | Annotated[Detach, Tag("detach")]
    | Annotated[Join, Tag("join")]
    | Annotated[Leave, Tag("leave")]
    | Annotated[PolicyChange, Tag("policy")]
    | Annotated[Crash, Tag("crash")]
    | Annotated[Restart, Tag("restart")],
    Discriminator(_verb),
]


class Scenario(Section):
    """One experiment: a network, its nodes, what they send, and what happens when."""

    name: ScenarioName = Field(examples=["tv-on-the-move"])
    """Results go to a folder of this name."""
    seed: int = Field(default=1, ge=0, le=2**32 - 1)
    """Of everything random in a run."""
    duration: Annotated[int, within(DURATION, "100ms", "24h")] = Field(examples=["12s"])
    """How long the scenario lasts, once every mobile node is attached."""
    repeat: int = Field(default=1, ge=1, le=10000)
    """How many runs make one result; run number i has the seed ``seed + i - 1``."""
    leftovers: bool = False
    """Whether every mobile node leaves when all is over, and the record says what is left of it."""
    topology: Topology = Field(examples=["{kind: dmm-domain, mars: 3}"])
    mobility: Mobility = Mobility()
    multicast: Multicast = Multicast()
    nodes: Annotated[dict[NodeName, Node], nothing_as(dict)] = {}
    channels: Annotated[dict[EntryName, Channel], nothing_as(dict)] = {}
    traffic: Annotated[tuple[AnyFlow, ...], nothing_as(tuple)] = ()
    events: Annotated[tuple[AnyEvent, ...], nothing_as(tuple)] = ()

    @model_validator(mode="before")
    @classmethod
    def _multicast_that_goes_with_mobility(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        mobility, multicast = value.get("mobility"), value.get("multicast", {})
        if not isinstance(mobility, dict) or not isinstance(multicast, dict):
            return value
        choices = SCHEMES_OF.get(str(mobility.get("scheme")))
        if choices is None:
            return value
        return {**value, "multicast": {"scheme": choices[0], **multicast}}

    def nodes_of(self, role: str) -> tuple[str, ...]:
        """The names of the nodes of a role, in the scenario's order."""
        return tuple(name for name, node in self.nodes.items() if node.role == role)

    @property
    def timeline(self) -> tuple[AnyEvent, ...]:
        """The events in the order in which they happen."""
        return tuple(sorted(self.events, key=lambda event: event.at))

    @property
    def flow_names(self) -> tuple[str, ...]:
        """The name of each entry of traffic, in order: its own, or kind and ends; all different."""
        taken = {flow.name for flow in self.traffic}
        names = []
        for flow in self.traffic:
            name = flow.name or _unused(_describe(flow), taken)
            taken.add(name)
            names.append(name)
        return tuple(names)


def _describe(flow: MulticastFlow | PingFlow | Iperf3Flow | ProgramFlow) -> str:
    if isinstance(flow, MulticastFlow):
        return flow.channel
    if isinstance(flow, ProgramFlow):
        return f"{PurePath(flow.command[0]).name}-{flow.node}"
    return f"{flow.kind}-{flow.from_}-{flow.to}"


def _unused(name: str, taken: set[str | None]) -> str:
    candidates = (name, *(f"{name}-{number}" for number in range(2, len(taken) + 3)))
    return next(candidate for candidate in candidates if candidate not in taken)
