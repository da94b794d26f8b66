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

from agents.core import MILLISECOND, SECOND, Action, Log, refused
from agents.deadlines import Deadlines
from agents.overlay.branches import Branches
from agents.overlay.config import OverlayConfig
from agents.overlay.coordinates import distance
from agents.overlay.directory import Directory
from agents.overlay.gossip import Change, Gossip, packed
from agents.overlay.marking import is_marked
from agents.overlay.peers import Peers
from agents.overlay.post import Post
from agents.overlay.rates import Rates
from agents.overlay.roots import Roots
from agents.overlay.routes import Routes
from agents.overlay.runs import Run, runs
from agents.overlay.sealing import Sealer
from agents.wire.addresses import unmapped
from agents.wire.errors import MalformedPacket, Unauthentic
from agents.wire.i3 import Endpoint
from agents.wire.overlay import (
    FIRST_INTEREST_SLOT,
    LIFE_SLOT,
    PROFILE_SLOT,
    Data,
    Digest,
    Forwarded,
    Interest,
    MemberId,
    Message,
    News,
    Origin,
    Ping,
    Pong,
    Profile,
    Receipts,
    Route,
    RouteAck,
    decode,
    encode,
    encode_interest,
    encode_profile,
)

_NEWS_SPACE = 1100
_DIGEST_ENTRIES = 90
_TELL_ALL = 128
"""Up to so many members are told of our own change at once; of more, some, who tell it on."""
_TELL = 4
_TELL_ON_AFTER = 20 * MILLISECOND
"""What others say is collected for so long, and told on together."""
_PING_PACE = 20 * MILLISECOND
_SEED_INTERVAL = 1 * SECOND
_LOST_INTERVAL = 5 * SECOND
_LOST = 64
_PLACED = 10 * SECOND
"""Between two changes of our coordinates."""
_DRIFT_MS = 2.0
_DRIFT = 0.2


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
    ) -> None:
        self._me, self._seeds, self._config, self._random = me, seeds, config, random
        self._sealer = sealer
        self.directory = Directory()
        self._gossip = Gossip(me.member, config, now)
        self._peers = Peers(config, self.directory, me.endpoints, random, reachable=me.reachable)
        self._post = Post(me.member, sealer, self._peers)
        self._routes = Routes(config, self._post)
        self._branches = Branches(me.member, config, self._post, self._routes)
        self._roots = Roots(
            me.member, config, self.directory, self._peers, self._post, self._routes, random
        )
        self._rates = Rates(config.control_rate)
        self._slots: dict[IPv6Address, int] = {}
        self._free = list(range(FIRST_INTEREST_SLOT, FIRST_INTEREST_SLOT + config.maximum_groups))
        self._free.reverse()
        self._to_ping: list[MemberId] = []
        self._to_tell: list[Origin] = []
        self._lost: list[Endpoint] = []
        self._profile: Profile | None = None
        self._placed = now
        self._due: Deadlines[str] = Deadlines()
        for name in ("gossip", "life", "seeds", "keep_alive"):
            self._due.set(name, now)
        self.counters: Counter[str] = Counter()
        self._say_profile()

    # What the daemon calls (agents.overlay.interface).

    def want(self, group: IPv6Address, interest: Interest | None, now: int) -> list[Action]:
        """Somebody here wants this of a group; None: nothing any more."""
        slot = self._slots.get(group)
        if interest is None:
            if slot is not None:
                self._free.append(self._slots.pop(group))
                self._gossip.say(slot, b"")
                self._tell_own(now)
            return self._post.take()
        content = encode_interest(interest)
        if len(content) > self._config.maximum_item:
            self._post.act(refused(self._me.name, group, "more sources than a message holds"))
            return self._post.take()
        if slot is None:
            if not self._free:
                why = f"more than {self._config.maximum_groups} groups of one member"
                self._post.act(refused(self._me.name, group, why))
                return self._post.take()
            slot = self._slots[group] = self._free.pop()
        self._gossip.say(slot, content)
        self._tell_own(now)
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
        if self._peers.heard(member, sender, now) and self._rates.allows(member, now):
            self._post.send_to(Ping(self._peers.ping(sender, now)), sender)

    def leave(self, now: int) -> list[Action]:
        """This member is about to end: tell the others."""
        self._gossip.say(PROFILE_SLOT, b"")
        self._tell_own(now)
        return self._post.take()

    def set_endpoints(self, endpoints: tuple[Endpoint, ...], now: int) -> list[Action]:
        """This member has other addresses: all that it talks to are told from there."""
        self._peers.moved(endpoints)
        self._update_profile(now)
        self._to_ping = self._gossip.members()
        self._due.set("pings", now)
        return self._post.take()

    def set_keys(self, keys: Mapping[int, bytes], current: int) -> None:
        """Other shared secrets from now on."""
        self._sealer.set_keys(keys, current)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        for name in list(self._due.due(now)):
            getattr(self, f"_do_{name}")(now)
        self._routes.timer(now)
        self._branches.timer(now)
        self._roots.timer(now)
        return self._post.take()

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        parts = (self._due, self._routes, self._branches, self._roots)
        times = [self._due.next(), *(part.next_deadline() for part in parts[1:])]
        return min((time for time in times if time is not None), default=None)

    def status(self, now: int) -> dict[str, Any]:
        """Members, groups, trees and counters."""
        return {
            "member": self._me.member.hex(),
            "name": self._me.name,
            "behind_nat": self._peers.is_leaf,
            "members": [self._member_status(m, now) for m in sorted(self.directory.profiles)],
            "groups": [str(unmapped(group)) for group in sorted(self._slots)],
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
                self._compare(message, member, now)
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
        if member not in self._gossip:  # what it answers tells who it is
            self._send_digest(member, now)
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

    def _compare(self, digest: Digest, member: MemberId, now: int) -> None:
        news, asked = self._gossip.compare(digest.versions)
        for part in packed(news, _NEWS_SPACE):
            self._post.send(News(part), member, now)
        for start in range(0, len(asked), _DIGEST_ENTRIES):
            part_asked = tuple(asked[start : start + _DIGEST_ENTRIES])
            self._post.send(Digest(part_asked), member, now)

    def _learn(self, news: News, member: MemberId, now: int) -> None:
        new, changes, missing = self._gossip.apply(news.origins, now)
        if missing:
            self._post.send(Digest(tuple(missing[:_DIGEST_ENTRIES])), member, now)
        self._follow(changes, now)
        if news.urgent and new:
            self._to_tell += new
            self._due.set("telling", self._due.get("telling", now + _TELL_ON_AFTER))

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
                self._to_ping.append(change.member)
                self._due.set("pings", min(now, self._due.get("pings", now)))
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
        self._roots.trust.forget(member)
        if profile is not None:
            self._post.act(Log("overlay_member", {"name": profile.name, "is": "gone"}))
            self._lost = [*self._lost, *profile.endpoints][-_LOST:]

    def _tell_own(self, now: int) -> None:
        self._tell([self._gossip.untold()], now)

    def _tell(self, origins: list[Origin], now: int, *, at_most: int = _TELL_ALL) -> None:
        """Tell others at once: all, if they are few, else some."""
        members = self._gossip.members()
        if len(members) > at_most:
            members = self._random.sample(members, at_most)
        for part in packed(origins, _NEWS_SPACE):
            body = encode(News(part, urgent=True))
            self._post.send_body(body, members, now)

    def _send_digest(self, member: MemberId, now: int) -> None:
        versions = self._gossip.versions()
        for start in range(0, len(versions), _DIGEST_ENTRIES):
            part = tuple(versions[start : start + _DIGEST_ENTRIES])
            self._post.send(Digest(part), member, now)

    def _say_profile(self) -> None:
        peers = self._peers
        self._profile = Profile(
            self._me.name,
            self._config.degree,
            peers.advertised(),
            peers.is_leaf,
            peers.hubs,
            (*peers.coordinates,),
        )
        self._gossip.say(PROFILE_SLOT, encode_profile(self._profile))

    def _update_profile(self, now: int) -> None:
        """Say it again if it is another one; coordinates count when they have moved far."""
        peers, said = self._peers, self._profile
        assert said is not None
        told = type(peers.coordinates)(*said.coordinates)
        moved = distance(told, peers.coordinates) - told.height - peers.coordinates.height
        moved += abs(told.height - peers.coordinates.height)
        far = moved > max(_DRIFT_MS, _DRIFT * told.height) or (
            told.error - peers.coordinates.error > _DRIFT
        )
        if (peers.advertised(), peers.is_leaf, peers.hubs) != (
            said.endpoints,
            said.leaf,
            said.hubs,
        ):
            self._say_profile()
            self._tell_own(now)
        elif far and now - self._placed >= _PLACED:  # the next digests tell it
            self._placed = now
            self._say_profile()

    # What is due from time to time.

    def _do_gossip(self, now: int) -> None:
        self._due.set("gossip", now + self._config.gossip_interval)
        self._follow(self._gossip.expire(now), now)
        members = self._gossip.members()
        if members:
            member = self._random.choice(members)
            self._send_digest(member, now)
            self._ping(member, now)
        self._update_profile(now)

    def _do_telling(self, now: int) -> None:
        told, self._to_tell = self._to_tell, []
        self._tell(told, now, at_most=_TELL)

    def _do_life(self, now: int) -> None:
        self._due.set("life", now + self._config.life_interval)
        self._gossip.say(LIFE_SLOT, b"")

    def _do_seeds(self, now: int) -> None:
        """Ask those who are known from the beginning, and those who were lost."""
        alone = not self._gossip.members()
        self._due.set("seeds", now + (_SEED_INTERVAL if alone else _LOST_INTERVAL))
        known = [endpoint for endpoint in self._seeds if endpoint not in self._peers.endpoints]
        asked = known if alone else []
        candidates = [*known, *self._lost]
        if not alone and candidates:
            asked = [self._random.choice(candidates)]
        for endpoint in asked:
            self._post.send_to(Ping(self._peers.ping(endpoint, now)), endpoint)

    def _do_keep_alive(self, now: int) -> None:
        """Behind a NAT: keep the mappings to the hubs, and the hubs."""
        self._due.set("keep_alive", now + self._config.keep_alive)
        if self._peers.choose_hubs(now):
            self._update_profile(now)
        for hub in self._peers.hubs:
            self._ping(hub, now)

    def _do_pings(self, now: int) -> None:
        """Those who are new, one after another."""
        while self._to_ping:
            member = self._to_ping.pop()
            if member in self._gossip:
                self._ping(member, now)
                self._due.set("pings", now + _PING_PACE)
                return

    def _ping(self, member: MemberId, now: int) -> None:
        profile = self.directory.profiles.get(member)
        if profile is not None and profile.leaf and self._peers.endpoint(member, now) is None:
            return
        for endpoint in self._peers.silent_at(member, now):
            self._post.send_to(Ping(self._peers.ping(endpoint, now)), endpoint)

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
