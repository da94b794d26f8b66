"""One member of the overlay: the protocol of our own (docs/overlay.md says how it works).

Members know each other and what each wants by gossip. Who has a source plans the tree of each
channel, from delays that are measured, and says its part to each branch. Receivers say what they
have got; who gets nothing is placed elsewhere.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from random import Random
from typing import Any

from agents.core import Action, Log, refused
from agents.deadlines import Deadlines
from agents.overlay.branches import Branches
from agents.overlay.config import OverlayConfig
from agents.overlay.contacts import Contacts
from agents.overlay.data_path import DataPath, InPython
from agents.overlay.directory import Directory
from agents.overlay.gossip import Change, Gossip
from agents.overlay.introduction import Introduction
from agents.overlay.marking import is_marked
from agents.overlay.peers import Peers
from agents.overlay.post import Post
from agents.overlay.rates import Rates
from agents.overlay.roots import Roots
from agents.overlay.routes import Routes
from agents.overlay.runs import Run, runs
from agents.overlay.sealing import Sealer
from agents.overlay.telling import Telling
from agents.overlay.wants import TooMuch, Wants
from agents.wire.addresses import unmapped
from agents.wire.errors import MalformedPacket, Unauthentic
from agents.wire.i3 import Endpoint
from agents.wire.overlay import (
    Data,
    Digest,
    Forwarded,
    MemberId,
    Message,
    News,
    Ping,
    Pong,
    Receipts,
    Route,
    RouteAck,
    decode,
)
from agents.wire.overlay_items import (
    LIFE_SLOT,
    Interest,
    Profile,
)

_MORE = 4
"""So many more pings a second while nobody answers: it may be those who are asked that are gone."""


@dataclass(frozen=True)
class Self:
    """Who this member is: its number of this start, its name, and where it is reached.

    ``reachable``: whether others may send to it first; None: as it turns out.
    """

    member: MemberId
    name: str
    endpoints: tuple[Endpoint, ...]
    reachable: bool | None = None


class Member:
    """The core. ``seeds`` are endpoints of members that are known from the beginning."""

    def __init__(
        self,
        me: Self,
        seeds: tuple[Endpoint, ...],
        sealer: Sealer,
        config: OverlayConfig,
        random: Random,
        now: int,
        path: DataPath | None = None,
    ) -> None:
        path = path or InPython()
        self._me, self._config, self._random = me, config, random
        self._sealer = sealer
        self.directory = Directory()
        self._gossip = Gossip(me.member, config, now)
        self._peers = Peers(config, self.directory, me.endpoints, random, reachable=me.reachable)
        self._post = Post(me.member, sealer, self._peers)
        self._routes = Routes(config, self._post)
        self._branches = Branches(me.member, config, self._post, self._routes, path)
        self._roots = Roots(
            me.member, config, self.directory, self._peers, self._post, self._routes, random, path
        )
        self._rates = Rates(config.control_rate)
        self._wants = Wants(config, self._gossip)
        self._telling = Telling(self._gossip, self._post, random)
        self._contacts = Contacts(
            seeds, self._gossip, self.directory, self._peers, self._post, random, now
        )
        self._introduction = Introduction(
            me.name, config, self._peers, self._gossip, self._telling, now
        )
        self._due: Deadlines[str] = Deadlines()
        for name in ("gossip", "life", "keep_alive"):
            self._due.set(name, now)
        self.counters: Counter[str] = Counter()

    # What the daemon calls (agents.overlay.interface).

    def want(self, group: IPv6Address, interest: Interest | None, now: int) -> list[Action]:
        """Somebody here wants this of a group; None: nothing any more."""
        try:
            if self._wants.say(group, interest):
                self._telling.own(now)
        except TooMuch as much:
            self._post.act(refused(self._me.name, group, str(much)))
        return self._post.take()

    def send(
        self, packet: bytes, source: IPv6Address, group: IPv6Address, now: int
    ) -> list[Action]:
        """Somebody here sent a packet to a group."""
        self._roots.send(packet, source, group, now)
        return self._post.take()

    def send_run(
        self, framed: Sequence[memoryview], source: IPv6Address, group: IPv6Address, now: int
    ) -> list[Action]:
        """Somebody here sent packets to a group, all of one DSCP and ECN field."""
        self._roots.send_run(framed, source, group, now)
        return self._post.take()

    def receive_run(
        self, datagrams: Sequence[memoryview], sender: Endpoint, now: int, ecn: int = 0
    ) -> list[Action]:
        """Datagrams came together, from anybody, all with this ECN field."""
        if is_marked(ecn):
            for datagram in datagrams:
                self._receive(bytes(datagram), sender, now, ecn)
            return self._post.take()
        for part in runs(datagrams, self._sealer):
            if isinstance(part, memoryview):
                self._receive(bytes(part), sender, now, ecn)
            elif not self._take_run(part, sender, now):
                for datagram in part.datagrams:
                    self._receive(bytes(datagram), sender, now, ecn)
        return self._post.take()

    def receive(self, datagram: bytes, sender: Endpoint, now: int, ecn: int = 0) -> list[Action]:
        """A datagram came, from anybody, with this ECN field."""
        self._receive(datagram, sender, now, ecn)
        return self._post.take()

    def _receive(self, datagram: bytes, sender: Endpoint, now: int, ecn: int) -> None:
        try:
            member, body = self._sealer.open(datagram)
            message = decode(body)
        except Unauthentic:
            self.counters["unauthentic"] += 1
            return
        except MalformedPacket:
            self.counters["malformed"] += 1
            return
        self._heard(member, sender, now)
        if isinstance(message, Data):
            self._branches.data(message, member, now, ecn=ecn)
        else:
            self._take(message, member, sender, now)

    def _take_run(self, run: Run, sender: Endpoint, now: int) -> bool:
        """Take all of a run at once; False: each of it has to be looked at."""
        ahead = run.is_data and self._sealer.is_ahead(run.sender, run.counter)
        if not ahead or not self._branches.is_ahead(run):
            return False
        self._sealer.accept_run(run.sender, run.counter, len(run.framed))
        self._heard(run.sender, sender, now)
        self._branches.data_run(run, now)
        return True

    def _heard(self, member: MemberId, sender: Endpoint, now: int) -> None:
        """An authentic datagram came; an endpoint that is new has to prove itself."""
        if not self._peers.heard(member, sender, now):
            self._roots.heard(member, now)
        elif self._rates.allows(member, now):
            self._contacts.ping_at(sender, now)

    def leave(self, now: int) -> list[Action]:
        """This member is about to end: tell the others."""
        self._introduction.end(now)
        return self._post.take()

    def set_endpoints(self, endpoints: tuple[Endpoint, ...], now: int) -> list[Action]:
        """This member has other addresses: all that it talks to are told from there."""
        self._peers.moved(endpoints)
        self._introduction.update(now)
        self._contacts.all(now)
        return self._post.take()

    def set_keys(self, keys: Mapping[int, bytes], current: int) -> None:
        """Other shared secrets from now on."""
        self._sealer.set_keys(keys, current)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        for name in list(self._due.due(now)):
            getattr(self, f"_do_{name}")(now)
        for part in self._parts():
            part.timer(now)
        return self._post.take()

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        times = [self._due.next(), *(part.next_deadline() for part in self._parts())]
        return min((time for time in times if time is not None), default=None)

    def _parts(self) -> tuple[Telling | Contacts | Routes | Branches | Roots, ...]:
        return self._telling, self._contacts, self._routes, self._branches, self._roots

    def is_alone(self) -> bool:
        """Whether nobody answers any more, though somebody did."""
        return self._peers.is_alone

    def status(self, now: int) -> dict[str, Any]:
        """Members, groups, trees and counters."""
        return {
            "member": self._me.member.hex(),
            "name": self._me.name,
            "behind_nat": self._peers.is_leaf,
            "members": [self._member_status(m, now) for m in sorted(self.directory.profiles)],
            "groups": [str(unmapped(group)) for group in sorted(self._wants.groups())],
            "roots": [
                {
                    "source": str(unmapped(source)),
                    "group": str(unmapped(group)),
                    "parents": {c.hex(): p.hex() for c, p in tree.parents.items()},
                    "unplaced": sorted(member.hex() for member in unplaced),
                }
                for (source, group), (tree, unplaced) in self._roots.trees().items()
            ],
            "branches": self._branches.status(),
            "dropped": {**self.counters, **self._branches.dropped},
        }

    def trees(self) -> dict[tuple[IPv6Address, IPv6Address], dict[MemberId, MemberId]]:
        """By source and group, who has which parent in the trees of this member."""
        return {channel: dict(tree.parents) for channel, (tree, _) in self._roots.trees().items()}

    # What messages do.

    def _take(self, message: Message, member: MemberId, sender: Endpoint | None, now: int) -> None:
        """Act on a message; ``sender`` None: it came by way of a hub."""
        match message:
            case Data():
                self._branches.data(message, member, now)
                return
            case Ping() if sender is not None:
                if self._rates.allows(member, now):
                    self._post.send_to(Pong(message.nonce, sender), sender)
                return
            case Pong() if sender is not None:
                self._answered(message, member, now)
                return
        if not (member in self._gossip or self._peers.is_confirmed(member)):
            self.counters["stranger"] += 1
        elif not self._rates.allows(member, now):
            self.counters["too many"] += 1
        else:
            self._act_on(message, member, sender, now)

    def _act_on(
        self, message: Message, member: MemberId, sender: Endpoint | None, now: int
    ) -> None:
        match message:
            case Digest():
                self._telling.compare(message, member, now)
            case News():
                self._learn(message, member, now)
            case Route():
                self._branches.route(message, member, now)
            case RouteAck():
                self._routes.acknowledged(member, message)
            case Receipts():
                self._roots.receipts(message.receipts, member, now)
            case Forwarded() if sender is not None:
                self._forward(message, now)
            case _:
                self.counters["malformed"] += 1

    def _answered(self, pong: Pong, member: MemberId, now: int) -> None:
        before = self._peers.is_leaf
        if not self._peers.answered(member, pong.nonce, pong.observed, now):
            return
        self._roots.heard(member, now)
        if member not in self._gossip:  # what it answers tells who it is
            self._telling.digest(member, now)
        if self._peers.is_leaf != before:
            self._due.set("keep_alive", now)

    def _forward(self, message: Forwarded, now: int) -> None:
        """Pass on to one that we are a hub of, or take what is for us."""
        if message.destination == self._me.member:
            if message.source not in self._gossip:
                self.counters["stranger"] += 1
                return
            try:
                inner = decode(message.body)
            except MalformedPacket:
                self.counters["malformed"] += 1
                return
            self._take(inner, message.source, None, now)
            return
        endpoint = self._peers.endpoint(message.destination, now)
        if endpoint is not None and message.source in self._gossip:
            self._post.send_to(message, endpoint)

    # Gossip.

    def _learn(self, news: News, member: MemberId, now: int) -> None:
        new, changes, missing = self._gossip.apply(news.origins, now)
        if missing:
            self._telling.ask_once(missing, member, now)
        self._follow(changes, now)
        if news.urgent and new:
            self._telling.on(new, now)

    def _follow(self, changes: list[Change], now: int) -> None:
        """Act on what members say now."""
        groups: set[IPv6Address] = set()
        others = False
        for change in changes:
            profile = self.directory.profiles.get(change.member)
            groups |= self.directory.learn(change)
            current = self.directory.profiles.get(change.member)
            if change.item is None:
                self._gone(change.member, profile)
                others = True
            elif profile is None and current is not None:
                self._post.act(Log("overlay_member", {"name": current.name, "is": "here"}))
                self._contacts.new(change.member, now)
                others = True
            elif profile is not None and current is not None:
                others |= (profile.leaf, profile.hubs, profile.degree) != (
                    current.leaf,
                    current.hubs,
                    current.degree,
                )
        if others:
            self._roots.members_changed(now)
        elif groups:
            self._roots.changed(groups, now)

    def _gone(self, member: MemberId, profile: Profile | None) -> None:
        self._branches.forget_root(member)
        self._roots.gone(member)
        if profile is not None:
            self._post.act(Log("overlay_member", {"name": profile.name, "is": "gone"}))
            self._contacts.lost(profile.endpoints)

    # What is due from time to time.

    def _do_gossip(self, now: int) -> None:
        self._due.set("gossip", now + self._config.gossip_interval)
        self._follow(self._gossip.expire(now), now)
        silent = self._peers.end_round()
        members = self._gossip.members()
        if members:
            member = self._random.choice(members)
            self._telling.digest(member, now)
            self._contacts.ping(member, now)
            for more in self._random.choices(members, k=_MORE) if silent else ():
                self._contacts.ping(more, now)
        for missed in self._roots.missed():
            self._contacts.ping(missed, now)
        self._introduction.update(now)

    def _do_life(self, now: int) -> None:
        self._due.set("life", now + self._config.life_interval)
        self._gossip.say(LIFE_SLOT, b"")

    def _do_keep_alive(self, now: int) -> None:
        """Behind a NAT: keep the mappings to the hubs, and the hubs."""
        self._due.set("keep_alive", now + self._config.keep_alive)
        if self._peers.choose_hubs(now):
            self._introduction.update(now)
        for hub in self._peers.hubs:
            self._contacts.ping(hub, now)

    def _member_status(self, member: MemberId, now: int) -> dict[str, Any]:
        profile = self.directory.profiles[member]
        return {
            "member": member.hex(),
            "name": profile.name,
            "behind_nat": profile.leaf,
            "rtt_ms": self._peers.rtt_ms(member),
            "direct": self._peers.endpoint(member, now) is not None,
            "groups": [str(unmapped(group)) for group in self.directory.groups_of(member)],
        }
