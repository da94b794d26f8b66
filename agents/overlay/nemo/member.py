"""One member that speaks NEMO: its groups, and which message is whose."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Any

from agents.core import Action, refused
from agents.deadlines import Deadlines
from agents.overlay.interface import Overlay, Place
from agents.overlay.nemo.book import Book
from agents.overlay.nemo.config import NemoConfig
from agents.overlay.nemo.context import Context
from agents.overlay.nemo.flow import Flow
from agents.overlay.nemo.hierarchy import Hierarchy
from agents.overlay.nemo.post import Post
from agents.overlay.nemo.publication import Publication
from agents.overlay.nemo.rendezvous import Rendezvous, Top
from agents.overlay.nemo.status import clusters, seen
from agents.overlay.nemo.upkeep import Upkeep
from agents.overlay.rates import Rates
from agents.overlay.sealing import Sealer
from agents.wire.addresses import unmapped
from agents.wire.errors import MalformedPacket, Unauthentic
from agents.wire.i3 import Endpoint
from agents.wire.nemo import (
    Alive,
    Data,
    Find,
    Join,
    Lead,
    Leave,
    Members,
    Message,
    Move,
    Nack,
    Ping,
    Pong,
    Query,
    Register,
    Root,
    View,
)
from agents.wire.nemo_codec import decode
from agents.wire.overlay import MEMBER_ID_LENGTH, MemberId
from agents.wire.overlay_items import Interest


class _Group:
    """What a member has of a group in which somebody here is interested."""

    def __init__(
        self,
        group: IPv6Address,
        context: Context,
        interest: Interest,
        counters: Counter[str],
        now: int,
    ) -> None:
        self.hierarchy = Hierarchy(group, context, now)
        self.upkeep = Upkeep(self.hierarchy, now)
        self.flow = Flow(self.hierarchy, interest, counters)

    def timer(self, now: int) -> None:
        self.upkeep.timer(now)
        self.flow.recovery.timer(now)

    def next_deadline(self) -> int:
        asking = self.flow.recovery.next_deadline()
        beat = self.upkeep.next_deadline()
        return beat if asking is None else min(beat, asking)


class NemoMember(Overlay):
    """The core. The members that the place names are the rendezvous points."""

    def __init__(self, place: Place, config: NemoConfig) -> None:
        self._name, self._seeds, self._config = place.name, place.seeds, config
        self.member = MemberId(place.random.randbytes(MEMBER_ID_LENGTH))
        self._sealer = Sealer(self.member, place.secrets, place.current)
        self._book = Book(self.member, place.random)
        self._post = Post(self._sealer, self._book)
        self._rendezvous = Rendezvous(config)
        self._context = Context(
            self.member,
            config,
            self._book,
            self._post,
            place.random,
            self._rendezvous,
            self._points(place.endpoints),
        )
        self._groups: dict[IPv6Address, _Group] = {}
        self._publications: OrderedDict[IPv6Address, Publication] = OrderedDict()
        self._due: Deadlines[IPv6Address] = Deadlines()
        self._rates = Rates(config.control_rate)
        self.counters: Counter[str] = Counter()

    def want(self, group: IPv6Address, interest: Interest | None, now: int) -> list[Action]:
        """Somebody here wants this of a group; None: nothing any more."""
        known = self._groups.get(group)
        if interest is None:
            if known is not None:
                known.upkeep.leave(now)
                del self._groups[group]
        elif known is not None:
            known.flow.interest = interest
        elif len(self._groups) >= self._config.maximum_groups:
            why = f"more than {self._config.maximum_groups} groups of one member"
            self._post.act(refused(self._name, group, why))
        else:
            made = _Group(group, self._context, interest, self.counters, now)
            self._groups[group] = made
        return self._done(group)

    def send(
        self, packet: bytes, source: IPv6Address, group: IPv6Address, now: int
    ) -> list[Action]:
        """Somebody here sent a packet to a group."""
        publication = self._publications.get(group)
        if publication is None:
            publication = Publication(group, self._context, self.counters)
            self._publications[group] = publication
            if len(self._publications) > self._config.maximum_groups:
                self._publications.popitem(last=False)
        self._publications.move_to_end(group)
        data = publication.number(packet, source)
        known = self._groups.get(group)
        if known is not None and known.hierarchy.clusters:
            known.flow.publish(data, now)
        else:
            publication.send(data, now)
        return self._done(group)

    def receive(self, datagram: bytes, sender: Endpoint, now: int, ecn: int = 0) -> list[Action]:
        """A datagram came, from anybody, with this ECN field."""
        try:
            member, body = self._sealer.open(datagram)
            message = decode(body)
        except Unauthentic:
            self.counters["unauthentic"] += 1
            return []
        except MalformedPacket:
            self.counters["malformed"] += 1
            return []
        self._book.heard(member, sender, now)
        if isinstance(message, Data):
            self._on_data(message, member, now, ecn)
        elif self._rates.allows(member, now):
            self._take(message, member, now)
        else:
            self.counters["too many"] += 1
        return self._done(None if isinstance(message, (Ping, Pong)) else message.group)

    def leave(self, now: int) -> list[Action]:
        """This member is about to end: others lead in its stead."""
        for group in self._groups.values():
            group.upkeep.leave(now)
        self._groups.clear()
        return self._post.take()

    def set_endpoints(self, endpoints: tuple[Endpoint, ...], now: int) -> list[Action]:
        """This host has other addresses: others see that by the next heartbeat."""
        self._context.points = self._points(endpoints)
        for group, known in self._groups.items():
            known.upkeep.hurry(now)
            self._plan(group)
        return self._post.take()

    def set_keys(self, keys: Mapping[int, bytes], current: int) -> None:
        """Other shared secrets from now on."""
        self._sealer.set_keys(keys, current)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        for group in list(self._due.due(now)):
            if group in self._groups:
                self._groups[group].timer(now)
            if group in self._publications:
                self._publications[group].timer(now)
            self._plan(group)
        return self._post.take()

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._due.next()

    def clusters(self, group: IPv6Address) -> list[tuple[MemberId, frozenset[MemberId]]]:
        """Leader and members of our cluster in each layer."""
        known = self._groups.get(group)
        clusters = known.hierarchy.clusters if known else []
        return [(cluster.leader, frozenset(cluster.seats)) for cluster in clusters]

    def status(self, now: int) -> dict[str, Any]:
        """Members, groups with their clusters, and counters."""
        hierarchies = [known.hierarchy for known in self._groups.values()]
        recoveries = [g.flow.recovery for g in self._groups.values()]
        recoveries += [p.recovery for p in self._publications.values()]
        return {
            "member": self.member.hex(),
            "members": seen(self._book, hierarchies),
            "groups": {str(unmapped(h.group)): clusters(h) for h in hierarchies},
            "retransmissions": {
                "asked for": sum(recovery.asked for recovery in recoveries),
                "sent again": sum(recovery.sent_again for recovery in recoveries),
                "given up": sum(recovery.given_up for recovery in recoveries),
            },
            "dropped": {**self.counters, "unreachable": self._post.unreachable},
        }

    # What messages do.

    def _on_data(self, message: Data, member: MemberId, now: int, ecn: int) -> None:
        known = self._groups.get(message.group)
        if known is None:
            self.counters["not wanted"] += 1
        else:
            known.flow.on_data(message, member, now, ecn)

    def _take(self, message: Message, member: MemberId, now: int) -> None:
        match message:
            case Ping():
                self._post.send(Pong(message.nonce), member)
            case Pong():
                self._book.answered(member, message.nonce, now)
            case Find():
                self._say_top(self._rendezvous.top(message.group, now), message.group, member)
            case Register():
                self._register(message, member, now)
            case Root():
                self._found(message, now)
            case Nack():
                if message.group in self._groups:
                    self._groups[message.group].flow.recovery.asked_for(message, member, now)
                if message.group in self._publications:
                    self._publications[message.group].recovery.asked_for(message, member, now)
            case Data():
                pass
            case _:
                self._about_clusters(message, member, now)

    def _about_clusters(
        self,
        message: Query | Members | Join | Leave | View | Alive | Lead | Move,
        member: MemberId,
        now: int,
    ) -> None:
        known = self._groups.get(message.group)
        if known is None:
            self._not_there(message, member)
            return
        hierarchy = known.hierarchy
        match message:
            case Query():
                hierarchy.on_query(message, member)
            case Members():
                self._book.told(message.peers, now)
                hierarchy.on_members(message, member, now)
            case Join():
                hierarchy.on_join(message, member, now)
            case Leave():
                hierarchy.on_leave(message, member, now)
            case View():
                hierarchy.on_view(message, member, now)
            case Alive():
                hierarchy.on_alive(message, member, now)
            case Lead():
                hierarchy.on_lead(message, member, now)
            case Move():
                hierarchy.on_move(message, member, now)

    def _not_there(self, message: Message, member: MemberId) -> None:
        """Others take us for a member of a group: they are told that we are none."""
        match message:
            case Query():
                self._post.send(Members(message.group, message.layer, ()), member)
            case Join() | View() | Alive() | Lead():
                self._post.send(Leave(message.group, message.layer), member)

    # The rendezvous.

    def _register(self, message: Register, member: MemberId, now: int) -> None:
        crew = message.crew[: self._config.maximum_cluster]
        if crew and crew[0].member != member:
            self.counters["malformed"] += 1
            return
        self._book.told(crew, now)
        top = Top(message.layer, tuple(peer.member for peer in crew)) if crew else None
        now_top = self._rendezvous.register(message.group, member, top, now)
        if top is not None:
            self._say_top(now_top, message.group, member)

    def _say_top(self, top: Top | None, group: IPv6Address, member: MemberId) -> None:
        crew = self._book.peers(top.crew) if top else ()
        self._post.send(Root(group, top.layer if top else 0, crew), member)

    def _found(self, message: Root, now: int) -> None:
        crew = message.crew[: self._config.maximum_cluster]
        self._book.told(crew, now)
        top = Top(message.layer, tuple(peer.member for peer in crew)) if crew else None
        if message.group in self._groups:
            self._groups[message.group].hierarchy.on_top(top, now)
        if message.group in self._publications:
            self._publications[message.group].found(top, now)

    def _points(self, ours: tuple[Endpoint, ...]) -> tuple[Endpoint, ...]:
        return tuple(seed for seed in self._seeds if seed not in ours)

    # Deadlines and status.

    def _done(self, group: IPv6Address | None) -> list[Action]:
        if group is not None:
            self._plan(group)
        return self._post.take()

    def _plan(self, group: IPv6Address) -> None:
        known, publication = self._groups.get(group), self._publications.get(group)
        times = [known.next_deadline()] if known else []
        if publication is not None and publication.due is not None:
            times.append(publication.due)
        self._due.plan(group, min(times, default=None))
