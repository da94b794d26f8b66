"""The scenario schema: what every key means, its default and its bounds.

After loading, durations are integer ns, rates bit/s, sizes bytes, losses shares between 0 and 1.
What spans several keys, such as a node that does not exist, is checked in `emu.scenario.checks`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, model_validator

from agents.wire.addresses import is_source_specific
from emu.scenario.events import AnyEvent
from emu.scenario.fields import (
    AccessRouter,
    Delay,
    EntryName,
    Group,
    IslandName,
    Loss,
    NodeName,
    Rate,
    ScenarioName,
    declared,
    nothing_as,
    within,
)
from emu.scenario.groups import MOST_IN_A_GROUP
from emu.scenario.i3 import I3
from emu.scenario.mobility import Mobility, Whole, whole
from emu.scenario.multicast import Multicast
from emu.scenario.overlay import HOST, MEMBER, AnyOverlay, MemberOverlay, kind_of
from emu.scenario.profiles import PROFILES
from emu.scenario.section import Section
from emu.scenario.services import Services
from emu.scenario.traffic import AnyFlow, MulticastFlow, names_of
from emu.scenario.units import DURATION, SIZE
from emu.schemes.registry import SCHEMES
from emu.topologies import TOPOLOGIES
from topologies.parameters import Quality, Role

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

    def quality(self) -> Quality:
        """The same, for the network that is built."""
        return Quality(self.delay, self.jitter, self.loss, self.rate)


class Access(Link):
    """The radio link between a mobile node and the access router it is attached to."""

    carrier: Literal["drop", "keep"] = "drop"
    """Whether the mobile node's kernel sees a handover: a new network, or roaming inside one."""
    authentication: Annotated[int, within(DURATION, "0s", "10s")] = 0
    """How long a node that has its link is authenticated, until it may send and its MAR is told."""
    profiles: Annotated[dict[AccessRouter, Literal["3g", "wifi", "lte"]], nothing_as(dict)] = {}
    """MARs whose radio is one of `emu.scenario.profiles`, whatever the rest of this says of it."""


class Topology(Section):
    """The network between the nodes."""

    kind: Annotated[str, declared(TOPOLOGIES)] = Field(examples=["dmm-domain"])
    mars: int = Field(default=0, ge=1, le=250)
    """How many mobility access routers (mar1, mar2, …); an internet has none."""
    delays: str | None = None
    """``internet``: a file of round-trip times between sites in ms, in the scenario's folder."""
    routers: int = Field(default=3, ge=1, le=250)
    """How many native multicast routers (mr1 is the root; the others, if any, serve the MARs)."""
    access: Access = Access()
    """A mobile node to its MAR."""
    backhaul: Link = Link()
    """Between MARs (per hop in a line)."""
    cmd: Link = Link()
    """A MAR to the central mobility database, or to the mobility anchor that is in its place."""
    standby: Link = Link()
    """The central mobility database to the second one, if there is one."""
    mcc: Link = Link()
    """A MAR to the multicast channel control, if that is a node of its own."""
    core: Link = Link()
    """A MAR to its native multicast router."""
    home: Link = Link()
    """The mobility anchor, if the scheme has one, to the root multicast router."""

    def radio(self, mar: str) -> tuple[Link, Link]:
        """The link from a MAR to a mobile node that is attached there, and the one back."""
        name = self.access.profiles.get(mar)
        if name is None:
            return self.access, self.access
        profile = PROFILES[name]
        common = {"delay": profile.delay, "jitter": profile.jitter, "loss": profile.loss}
        down, up = ({**common, "rate": rate} for rate in (profile.down, profile.up))
        return Link.model_validate(down), Link.model_validate(up)

    @property
    def access_routers(self) -> tuple[str, ...]:
        """The names of the MARs, in order."""
        return tuple(f"mar{number}" for number in range(1, self.mars + 1))


class Node(Section):
    """A host; routers and the CMD come with the topology."""

    role: Role = Field(examples=["mn"])
    attach: AccessRouter | None = None
    """The MAR that a mobile node starts at; mobile nodes only."""
    dad: Literal["normal", "optimistic", "off"] = "normal"
    """Duplicate address detection of a mobile node: RFC 4862, RFC 4429, or none."""
    site: int | None = Field(default=None, ge=1)
    """``internet``: where it is, a line of the file of delays; None: the next one in turn."""
    island: IslandName | None = Field(default=None, examples=["a"])
    """The network with multicast of its own that it is on: a host, or a member, its gateway."""
    count: int | None = Field(default=None, ge=1, le=MOST_IN_A_GROUP)
    """So many nodes, whose names are this one and a number; the name alone stands for all of them
    (`emu.scenario.groups`)."""


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
        return is_source_specific(self.group)


LISTENERS = ("mn", MEMBER, HOST)
"""The roles of nodes that may listen to channels."""


class Security(Section):
    """What the access network keeps its mobile nodes from."""

    source_guard: Literal["on", "off"] = "on"
    """Whether access points let a mobile node send from its own MAC address only, and MARs from its
    own IPv6 addresses, and keep it from speaking for routers (RFC 7039, RFC 6105)."""


class Scenario(Section):
    """One experiment: a network, its nodes, what they send, and what happens when."""

    model_config = ConfigDict(defer_build=True)  # until all schemes' keys can be asked for

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
    mobility: Annotated[Mobility, Whole] = Field(default_factory=lambda: whole()())
    multicast: Multicast = Multicast()
    security: Security = Security()
    overlay: AnyOverlay | None = None
    nodes: Annotated[dict[NodeName, Node], nothing_as(dict)] = {}
    channels: Annotated[dict[EntryName, Channel], nothing_as(dict)] = {}
    services: Services = {}
    traffic: Annotated[tuple[AnyFlow, ...], nothing_as(tuple)] = ()
    events: Annotated[tuple[AnyEvent, ...], nothing_as(tuple)] = ()

    @model_validator(mode="before")
    @classmethod
    def _multicast_that_goes_with_mobility(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        topology = value.get("topology")
        if isinstance(topology, dict) and topology.get("kind") == "internet":
            value = {"mobility": {"scheme": "none"}, **value}
        mobility, multicast = value.get("mobility"), value.get("multicast", {})
        if not isinstance(mobility, dict) or not isinstance(multicast, dict):
            return value
        if isinstance(value.get("overlay"), dict) and kind_of(value["overlay"]) == "members":
            return {**value, "multicast": {"scheme": "none", **multicast}}
        scheme = str(mobility.get("scheme"))
        if scheme not in SCHEMES.names():
            return value
        default, *_ = SCHEMES.find(scheme).multicast
        return {**value, "multicast": {"scheme": default, **multicast}}

    def nodes_of(self, *roles: str) -> tuple[str, ...]:
        """The names of the nodes of some roles, in the scenario's order."""
        return tuple(name for name, node in self.nodes.items() if node.role in roles)

    @property
    def i3(self) -> I3 | None:
        """The overlay, if it is one of this kind."""
        return self.overlay if isinstance(self.overlay, I3) else None

    @property
    def alm(self) -> MemberOverlay | None:
        """The overlay, if it is one whose members have IP multicast on a virtual interface."""
        return self.overlay if isinstance(self.overlay, MemberOverlay) else None

    @property
    def members(self) -> tuple[str, ...]:
        """Who is in that overlay: every host that may send or listen to a channel."""
        return self.nodes_of("mn", MEMBER, "source") if self.alm else ()

    def is_selective(self, flow: MulticastFlow, node: str) -> bool:
        """Whether a node asks for (source, group) and not for the group: INCLUDE, not EXCLUDE."""
        return self.channels[flow.channel].source_specific or node in flow.only_source

    @property
    def timeline(self) -> tuple[AnyEvent, ...]:
        """The events in the order in which they happen."""
        return tuple(sorted(self.events, key=lambda event: event.at))

    @property
    def flow_names(self) -> tuple[str, ...]:
        """The name of each entry of traffic, in order."""
        return names_of(self.traffic)
