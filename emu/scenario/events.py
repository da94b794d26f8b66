"""The ``events:`` section of a scenario: what may happen in a run, and when."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Discriminator, Field, Tag

from emu.scenario.fields import AccessRouter, Instant, PolicyName, within
from emu.scenario.multicast import Scope
from emu.scenario.section import Section
from emu.scenario.units import DURATION


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


class NewPolicy(Event):
    """The operator has another policy decide about the channels that are not set."""

    verb = "new_policy"
    new_policy: PolicyName
    """As ``policy`` in ``channel_control``, whose other keys it has, too."""


class Crash(Event):
    """The agent of a router or of the CMD, or a web server, is killed; the node stays."""

    verb = "crash"
    crash: str = Field(examples=["cmd"])


class Restart(Event):
    """An agent that was killed is started again."""

    verb = "restart"
    restart: str = Field(examples=["cmd"])


class Partition(Event):
    """Some hosts and all others do not hear each other any more."""

    verb = "partition"
    partition: tuple[str, ...] = Field(examples=["[m1, m2]"])

    @property
    def hosts(self) -> tuple[str, ...]:
        """Those that are cut off from the rest."""
        return self.partition


class Heal(Event):
    """The hosts of a partition and all others hear each other again."""

    verb = "heal"
    heal: tuple[str, ...] = Field(examples=["[m1, m2]"])

    @property
    def hosts(self) -> tuple[str, ...]:
        """Those that were cut off."""
        return self.heal


EVENTS: dict[str, type[Event]] = {
    event.verb: event
    for event in (
        *(Handover, Detach, Join, Leave, PolicyChange, NewPolicy),
        *(Crash, Restart, Partition, Heal),
    )
}
"""The kinds of event."""


def _verb(value: Any) -> str | None:
    if isinstance(value, Event):
        return value.verb
    keys = value if isinstance(value, dict) else ()
    return next((verb for verb in EVENTS if verb in keys), None)


AnyEvent = Annotated[
    Annotated[Handover, Tag("handover")]
    | Annotated[Detach, Tag("detach")]
    | Annotated[Join, Tag("join")]
    | Annotated[Leave, Tag("leave")]
    | Annotated[PolicyChange, Tag("policy")]
    | Annotated[NewPolicy, Tag("new_policy")]
    | Annotated[Crash, Tag("crash")]
    | Annotated[Restart, Tag("restart")]
    | Annotated[Partition, Tag("partition")]
    | Annotated[Heal, Tag("heal")],
    Discriminator(_verb),
]
