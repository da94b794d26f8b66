"""An entry of the CMD's binding cache: where a mobile node is, and who anchors a prefix for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network

from agents.mobility.anchors import Anchor, Anchors
from agents.mobility.context import Context
from agents.mobility.messages import MAXIMUM_PREVIOUS_MARS, Registration
from agents.mobility.retransmission import PendingUpdate
from agents.wire.mobility import BindingUpdate


@dataclass(slots=True, eq=False)
class AnchorTask(PendingUpdate):
    """What one previous MAR has to be told, and was not yet heard to know."""

    identifier: str
    """The mobile node's."""
    anchor: Anchor
    serving: IPv6Address | None
    """Where the mobile node is; None: it has left the domain."""
    asks: bool
    """Whether the anchor is asked for the context, too."""
    give_up: int
    """When the anchor has forgotten the mobile node anyway, ns."""
    transmissions: int = 1


@dataclass(frozen=True)
class CmdBinding:
    """What the CMD shows of an entry."""

    serving: IPv6Address
    prefix: IPv6Network
    """Of the serving MAR."""
    previous: tuple[Anchor, ...]
    """The previous MARs, latest left last."""


@dataclass(slots=True)
class Binding:
    """One mobile node's binding cache entry."""

    identifier: str
    timestamp: int
    """Of its latest attachment known, ns since 1970."""
    sequence: int
    """Of the latest PBU about that attachment."""
    serving: IPv6Address
    """The MAR that sent it."""
    lifetime: int
    """Seconds granted."""
    anchors: Anchors = field(default_factory=Anchors)
    """In the order of their latest attachments, the serving MAR last; empty: not bound."""
    context: Context = field(default_factory=Context)
    """What the mobile node listens to, for the context transfer."""
    change: int = 0
    """How often the entry was changed, modulo 2^16: the last changes of one PBU count."""
    update_sequence: int = 0
    """Of the latest PBU sent to a previous MAR."""
    tasks: dict[IPv6Address, AnchorTask] = field(default_factory=dict)
    waiting: BindingUpdate | None = None
    """The serving MAR's PBU, as long as the CMD still may have to answer it."""

    @classmethod
    def of(cls, request: Registration) -> Binding:
        """The entry of a mobile node of which nothing was known."""
        anchor = request.anchor.address
        return cls(request.identifier, request.timestamp, request.sequence, anchor, lifetime=0)

    @property
    def is_bound(self) -> bool:
        """Whether the mobile node is in the domain; else the entry is only remembered."""
        return bool(self.anchors)

    @property
    def is_busy(self) -> bool:
        """Whether answers are due, to the CMD or by it."""
        return bool(self.tasks) or self.waiting is not None

    def previous(self) -> list[Anchor]:
        """The previous MARs, latest left last."""
        return self.anchors.others(self.serving)

    def shown(self) -> CmdBinding:
        """The entry for others to see; it is bound."""
        prefix = self.anchors.get(self.serving).prefix
        return CmdBinding(self.serving, prefix, tuple(self.previous()))

    def register(self, request: Registration, lifetime: int) -> list[Anchor]:
        """The mobile node is there now; gives the anchors that are not needed any more.

        Those that the S-MAR releases, and those for which there is no more room.
        """
        if self.is_bound and request.timestamp > self.timestamp:
            self.context.moved(self.serving, self.timestamp)
        self.note(request)
        self.lifetime = lifetime
        self.anchors.add(request.anchor)
        if not request.released and len(self.anchors) <= MAXIMUM_PREVIOUS_MARS + 1:
            return []
        released = [a for a in self.previous() if a.prefix in request.released]
        kept = [anchor for anchor in self.previous() if anchor not in released]
        surplus = released + kept[:-MAXIMUM_PREVIOUS_MARS]
        for anchor in surplus:
            self.anchors.remove(anchor.address)
        return surplus

    def note(self, request: Registration) -> None:
        """Take over which PBU is now the latest; the anchors stay as they are."""
        self.timestamp = request.timestamp
        self.sequence = request.sequence
        self.serving = request.anchor.address
