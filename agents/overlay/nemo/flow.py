"""One group's packets: who brings them to whom.

A packet goes up layer by layer, and from each cluster on its way down to all parts of it that it
does not come from; in each cluster it is brought on by its leader or one of the co-leaders, by lot.
On the way up layers only grow, on the way down they only shrink, so no packet goes in a circle.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass, field, replace

from agents.overlay.actions import Deliver
from agents.overlay.marking import received, traffic_class
from agents.overlay.nemo.draw import Draw
from agents.overlay.nemo.hierarchy import Hierarchy
from agents.overlay.nemo.recovery import Recovery
from agents.overlay.window import Window
from agents.wire.nemo import MAXIMUM_LAYERS, NOBODY, Data, Way
from agents.wire.overlay import MemberId
from agents.wire.overlay_items import Interest

_NEAR = 4096
"""A number that is farther from the others is that of a forged packet, or of a long silence."""
_TOGETHER = 64


@dataclass
class _Publisher:
    """Which packets of a publisher came, and which we have brought on in each layer."""

    seen: Window = field(default_factory=Window)
    brought: dict[int, Window] = field(default_factory=dict)
    newest: int | None = None
    odd: int | None = None
    """The last number that was far from the others."""

    def is_odd(self, sequence: int) -> bool:
        """Whether a number does not fit; a second one near to it begins anew (RFC 3550, A.1)."""
        if self.newest is None or abs(sequence - self.newest) <= _NEAR:
            self.newest = max(sequence, self.newest or 0)
            return False
        if self.odd is None or not 0 < abs(sequence - self.odd) <= _TOGETHER:
            self.odd = sequence
            return True
        self.seen, self.brought, self.newest, self.odd = Window(), {}, sequence, None
        return False


class Flow:
    """The packets of a group in which somebody here is interested."""

    def __init__(self, hierarchy: Hierarchy, interest: Interest, counters: Counter[str]) -> None:
        self._hierarchy, self._context = hierarchy, hierarchy.context
        self.interest, self._counters = interest, counters
        self._publishers: OrderedDict[MemberId, _Publisher] = OrderedDict()
        self._draw = Draw(hierarchy.context)
        self.recovery = Recovery(hierarchy.group, hierarchy.context, self._neighbours)

    def publish(self, data: Data, now: int) -> None:
        """A packet of our own."""
        hierarchy, me = self._hierarchy, self._context.me
        ours = self._publisher(me)
        ours.is_odd(data.sequence)
        ours.seen.accept(data.sequence)
        self.recovery.came(data, me, now)
        cluster = hierarchy.clusters[0]
        if me == cluster.leader or me in cluster.crew:
            self._bring(data, Way.UP, 0, me, now)
        else:
            handler = self._draw.one_of(0, (cluster.leader, *cluster.crew), now)
            self._send(data, Way.UP, 0, me, (handler,))

    def on_data(self, data: Data, sender: MemberId, now: int, ecn: int = 0) -> None:
        """A packet came."""
        packet = received(data.packet, ecn)
        if packet is None:
            self._counters["congested"] += 1
            return
        data = replace(data, packet=packet)
        publisher = self._publisher(data.publisher)
        if publisher.is_odd(data.sequence):
            self._counters["out of place"] += 1
            return
        if publisher.seen.is_new(data.sequence):
            publisher.seen.accept(data.sequence)
            self.recovery.came(data, sender, now)
            if self.interest.accepts(data.source) and data.publisher != self._context.me:
                self._context.post.act(Deliver(packet))
        else:
            self._counters["twice"] += 1
        if data.way in (Way.DOWN, Way.UP):
            self._bring(data, data.way, data.layer, data.skip, now)

    def _bring(self, data: Data, way: Way, layer: int, skip: MemberId, now: int) -> None:
        """To all in the cluster of a layer but one; on its way up to the next cluster, too."""
        hierarchy, me = self._hierarchy, self._context.me
        if hierarchy.top < 0:
            self._counters["no such cluster"] += 1
            return
        if layer > hierarchy.top:  # it is gone, and the sender has not heard of that yet
            layer, way = hierarchy.top, Way.DOWN
        brought = self._publisher(data.publisher).brought.setdefault(layer, Window())
        if not brought.is_new(data.sequence):
            return
        brought.accept(data.sequence)
        cluster, above = hierarchy.clusters[layer], hierarchy.above(layer)
        up = way is Way.UP and bool(above) and layer + 1 < MAXIMUM_LAYERS
        at_top = up and layer == hierarchy.top
        handler = self._draw.one_of(layer + 1, above, now) if at_top else None
        others = [member for member in cluster.seats if member not in (me, skip)]
        if layer == 0:
            lacking = [m for m in others if m not in (data.publisher, handler)]
            self._send(data, Way.KEEP, 0, NOBODY, lacking)
        else:
            crews = [(other, *cluster.seats[other].crew) for other in others]
            handlers = [self._draw.one_of(layer - 1, crew, now) for crew in crews]
            self._send(data, Way.DOWN, layer - 1, NOBODY, handlers)
            if skip != me:
                self._bring(data, Way.DOWN, layer - 1, NOBODY, now)
        if handler is not None:
            self._send(data, Way.UP, layer + 1, cluster.leader, (handler,))
        elif up:
            self._bring(data, Way.UP, layer + 1, me, now)

    def _send(
        self,
        data: Data,
        way: Way,
        layer: int,
        skip: MemberId,
        members: tuple[MemberId, ...] | list[MemberId],
    ) -> None:
        had = self.recovery.had(self._publisher(data.publisher).seen, data.sequence)
        message = replace(data, way=way, layer=layer, skip=skip, had=had)
        self._context.post.send(message, *members, traffic_class=traffic_class(data.packet))

    def _publisher(self, member: MemberId) -> _Publisher:
        publisher = self._publishers.get(member)
        if publisher is None:
            publisher = self._publishers[member] = _Publisher()
            if len(self._publishers) > self._context.config.maximum_publishers:
                self._publishers.popitem(last=False)
        else:
            self._publishers.move_to_end(member)
        return publisher

    def _neighbours(self) -> list[MemberId]:
        """Whoever may have what we lack: those in our clusters, and in the one above."""
        hierarchy = self._hierarchy
        members = {member for cluster in hierarchy.clusters for member in cluster.seats}
        if hierarchy.clusters:
            members.update(hierarchy.above(hierarchy.top))
        return sorted(members - {self._context.me})
