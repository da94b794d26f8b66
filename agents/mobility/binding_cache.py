"""The CMD's binding cache: where each mobile node is, and who anchors a prefix for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv6Address

from agents.mobility.context import Context
from agents.mobility.messages import MAXIMUM_PREVIOUS_MARS, Anchor, Registration
from agents.mobility.ordering import Verdict, judge
from agents.mobility.retransmission import PendingUpdate
from agents.wire.mobility import BindingUpdate


@dataclass
class AnchorTask:
    """What one previous MAR has to be told, and was not yet heard to know."""

    anchor: Anchor
    serving: IPv6Address | None
    """Where the mobile node is; None: it has left the domain."""
    asks: bool
    """Whether the anchor is asked for the context, too."""
    pending: PendingUpdate
    give_up: int
    """When the anchor has forgotten the mobile node anyway, ns."""
    transmissions: int = 1


@dataclass
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
    anchors: dict[IPv6Address, Anchor] = field(default_factory=dict)
    """In the order of their latest attachments, the serving MAR last; empty: not bound."""
    update_sequence: int = 0
    """Of the latest PBU sent to a previous MAR."""
    tasks: dict[IPv6Address, AnchorTask] = field(default_factory=dict)
    waiting: BindingUpdate | None = None
    """The serving MAR's PBU, as long as the CMD still may have to answer it."""
    context: Context = field(default_factory=Context)
    """What the mobile node listens to, for the context transfer."""

    @property
    def is_bound(self) -> bool:
        """Whether the mobile node is in the domain; else the entry is only remembered."""
        return bool(self.anchors)

    def previous(self) -> list[Anchor]:
        """The previous MARs, latest left last."""
        return [anchor for anchor in self.anchors.values() if anchor.address != self.serving]


class BindingCache:
    """The entries, and how a registration changes them."""

    def __init__(self) -> None:
        self._bindings: dict[str, Binding] = {}

    def get(self, identifier: str) -> Binding | None:
        """The mobile node's entry."""
        return self._bindings.get(identifier)

    def bound(self) -> list[Binding]:
        """The entries of the mobile nodes that are in the domain."""
        return [binding for binding in self._bindings.values() if binding.is_bound]

    def forget(self, binding: Binding) -> None:
        """Drop an entry altogether."""
        del self._bindings[binding.identifier]

    def judge(self, request: Registration) -> Verdict:
        """Compare a registration with what is known."""
        binding = self._bindings.get(request.identifier)
        if binding is None:
            return Verdict.NEW
        return judge(binding, request.timestamp, request.sequence, request.anchor.address)

    def register(self, request: Registration, lifetime: int) -> tuple[Binding, list[Anchor]]:
        """The mobile node is there now; also gives the anchors for which there is no more room."""
        before = self._bindings.get(request.identifier)
        if before is not None and before.is_bound and request.timestamp > before.timestamp:
            before.context.moved(before.serving, before.timestamp)
        binding = self.note(request)
        binding.lifetime = lifetime
        binding.anchors.pop(request.anchor.address, None)
        binding.anchors[request.anchor.address] = request.anchor
        surplus = binding.previous()[:-MAXIMUM_PREVIOUS_MARS]
        for anchor in surplus:
            del binding.anchors[anchor.address]
        return binding, surplus

    def note(self, request: Registration) -> Binding:
        """Take over which PBU is now the latest; the anchors stay as they are."""
        binding = self._bindings.get(request.identifier)
        if binding is None:
            binding = Binding(
                request.identifier, request.timestamp, request.sequence, request.anchor.address, 0
            )
            self._bindings[request.identifier] = binding
        binding.timestamp = request.timestamp
        binding.sequence = request.sequence
        binding.serving = request.anchor.address
        return binding
