"""The trees of which this member is the root: one for each source and group that it sends for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from random import Random

from agents.core import MILLISECOND, SECOND, Log, refused
from agents.deadlines import Deadlines
from agents.overlay.config import OverlayConfig
from agents.overlay.coordinates import Coordinates, distance
from agents.overlay.data_path import Channel, DataPath
from agents.overlay.directory import Directory
from agents.overlay.interface import ROOM
from agents.overlay.marking import traffic_class
from agents.overlay.peers import Peers
from agents.overlay.post import Post
from agents.overlay.routes import Routes
from agents.overlay.tree import Plan, Tree
from agents.overlay.trust import Trust
from agents.overlay.watch import Watch
from agents.wire.addresses import is_link_scope, unmapped
from agents.wire.overlay import DATA_HEAD, HEADER, Data, MemberId, Receipt, Route, encode

_CHECK = 250 * MILLISECOND
_IMPROVE = 5 * SECOND
_STABLE = 15 * SECOND
_PLAN_AGAIN = 50 * MILLISECOND
"""Between two plans, so that many who join at once cost few of them."""
_RECEIPTS_A_SECOND = 200
_ASKED = 16
"""Of those who are missed so many are asked at a time whether they are there."""
_SWITCH_AFTER = 50 * MILLISECOND
"""The data path goes on with the version before until the routes of a new one are there."""


@dataclass
class _Rooted:
    """One tree of ours. Times in ns."""

    number: int
    tree: Tree
    interval: int
    version: int = 0
    sequence: int = 0
    """Of the packet that was sent last, as far as it is known here."""
    passed: int = 0
    """How many packets the data path had sent without us."""
    used: int = 0
    """When data was sent last."""
    sent: int = 0
    """When data or a heartbeat was sent last."""
    planned: int = -SECOND
    switch_at: int = 0
    """When the data path is told of the newest version."""
    disturbed: int = 0
    improved: int = 0
    stale: bool = True
    """Whether the tree is to be planned again."""
    wanted: frozenset[MemberId] = frozenset()
    unplaced: frozenset[MemberId] = frozenset()
    watch: Watch = field(default_factory=Watch)


class _View:
    """The members as one plan sees them (``agents.overlay.tree.Network``)."""

    def __init__(self, roots: Roots, rooted: _Rooted, now: int) -> None:
        self._roots, self._rooted, self._now = roots, rooted, now

    def room(self, member: MemberId) -> int:
        roots = self._roots
        if member == roots.member:
            return roots.config.degree
        profile = roots.directory.profiles.get(member)
        unfit = profile is None or profile.leaf or self._rooted.watch.is_silent(member)
        if profile is None or unfit or roots.trust.distrusts(member, self._now):
            return 0
        return profile.degree

    def delay(self, one: MemberId, other: MemberId) -> float:
        if self._roots.member == one:
            measured = self._roots.peers.rtt_ms(other)
            if measured is not None:
                return measured / 2
        return distance(self._place(one), self._place(other)) / 2

    def may_feed(self, parent: MemberId, child: MemberId) -> bool:
        roots = self._roots
        profile = roots.directory.profiles.get(child)
        if profile is None or parent == child or roots.trust.avoids(parent, child, self._now):
            return False
        return not profile.leaf or parent in profile.hubs

    def feeders(self, child: MemberId) -> tuple[MemberId, ...]:
        profile = self._roots.directory.profiles.get(child)
        return profile.hubs if profile is not None and profile.leaf else ()

    def _place(self, member: MemberId) -> Coordinates:
        if member == self._roots.member:
            return self._roots.peers.coordinates
        profile = self._roots.directory.profiles.get(member)
        return Coordinates() if profile is None else Coordinates(*profile.coordinates)


class Roots:
    """Our trees: planned here, and watched by the receipts of those in them."""

    def __init__(
        self,
        member: MemberId,
        config: OverlayConfig,
        directory: Directory,
        peers: Peers,
        post: Post,
        routes: Routes,
        random: Random,
        path: DataPath,
    ) -> None:
        self._path = path
        self.member, self.config, self.directory, self.peers = member, config, directory, peers
        self.trust = Trust(config)
        self._post = post
        self._routes = routes
        self._random = random
        self._trees: dict[Channel, _Rooted] = {}
        self._numbers: dict[int, Channel] = {}
        self._last_number = 0
        self._missed: set[MemberId] = set()
        """Receivers of whom nothing at all has come since they were found behind."""
        self._due: Deadlines[Channel] = Deadlines()

    def send(self, packet: bytes, source: IPv6Address, group: IPv6Address, now: int) -> None:
        """Send a packet down the tree of its source and group."""
        rooted = self._ready((source, group), now)
        if rooted is not None:
            self._emit(rooted, packet, now)

    def send_run(
        self, framed: Sequence[memoryview], source: IPv6Address, group: IPv6Address, now: int
    ) -> None:
        """Send packets of one DSCP and ECN field, each behind room for what goes before it."""
        rooted = self._ready((source, group), now)
        if rooted is not None:
            self._emit_run(rooted, framed, now)

    def changed(self, groups: set[IPv6Address], now: int) -> None:
        """Somebody wants something else of these groups."""
        for channel, rooted in self._trees.items():
            if channel[1] in groups:
                self._make_stale(channel, rooted, now)

    def members_changed(self, now: int) -> None:
        """Somebody came, left, or is reached in another way."""
        for channel, rooted in self._trees.items():
            self._make_stale(channel, rooted, now)

    def receipts(self, receipts: tuple[Receipt, ...], member: MemberId, now: int) -> None:
        """A receiver says what it has."""
        for receipt in receipts:
            channel = self._numbers.get(receipt.tree)
            if channel is not None:
                rooted = self._trees[channel]
                if rooted.watch.is_excluded(member):  # it is there, after all
                    self._make_stale(channel, rooted, now)
                for suspect in rooted.watch.receipt(member, receipt, now):
                    self._blame(suspect, member, now)

    def heard(self, member: MemberId, now: int) -> None:
        """A member may have proved to be there: who was cut off has a place again at once.

        Who is heard while nothing reaches it waits until it is tried again.
        """
        if member in self._missed and self.peers.was_heard(member, now):
            self._missed.discard(member)
            for channel, rooted in self._trees.items():
                if rooted.watch.readmit(member):
                    self._make_stale(channel, rooted, now)

    def gone(self, member: MemberId) -> None:
        """A member left, or is dead; it may come back, and has a place then."""
        self._missed.discard(member)
        self.trust.forget(member)
        for rooted in self._trees.values():
            rooted.watch.readmit(member)

    def missed(self) -> list[MemberId]:
        """Some of those who may be cut off, to be asked whether they are there."""
        missed = sorted(self._missed)
        return self._random.sample(missed, min(_ASKED, len(missed)))

    def timer(self, now: int) -> None:
        """Plan, check and forget what is due."""
        for channel in list(self._due.due(now)):
            rooted = self._trees[channel]
            self._look(rooted, now)
            if now - rooted.used >= self.config.tree_lifetime:
                self._forget(channel)
                continue
            self._check(channel, rooted, now)
            self._due.set(channel, self._next(rooted, now))

    def next_deadline(self) -> int | None:
        """When ``timer`` is due."""
        return self._due.next()

    def trees(self) -> dict[Channel, tuple[Tree, frozenset[MemberId]]]:
        """Each tree, and whom nobody with room can reach."""
        return {channel: (rooted.tree, rooted.unplaced) for channel, rooted in self._trees.items()}

    def _ready(self, channel: Channel, now: int) -> _Rooted | None:
        """The tree of a channel that is sent to now; None: it cannot have one."""
        rooted = self._rooted(channel, now)
        if rooted is not None:
            rooted.used = now
            if rooted.stale:
                self._plan(channel, rooted, now)
        return rooted

    def _rooted(self, channel: Channel, now: int) -> _Rooted | None:
        rooted = self._trees.get(channel)
        if rooted is not None:
            return rooted
        if len(self._trees) >= self.config.maximum_trees:
            why = f"more than {self.config.maximum_trees} channels of one member"
            self._post.act(refused(channel[0], channel[1], why))
            return None
        self._last_number += 1
        rooted = _Rooted(self._last_number, Tree(self.member), self.config.receipt_interval)
        self._trees[channel] = rooted
        self._numbers[rooted.number] = channel
        self._due.set(channel, now + _CHECK)
        return rooted

    def _forget(self, channel: Channel) -> None:
        rooted = self._trees.pop(channel)
        del self._numbers[rooted.number]
        self._path.stop_sending(channel)
        self._path.forget_tree(rooted.number)
        self._routes.replace(self.member, rooted.number, {}, 0)

    def _make_stale(self, channel: Channel, rooted: _Rooted, now: int) -> None:
        rooted.stale = True
        self._due.set(channel, max(now, rooted.planned + _PLAN_AGAIN))

    def _next(self, rooted: _Rooted, now: int) -> int:
        """When a tree is looked after next: often while it is used."""
        if rooted.stale:
            return max(now, rooted.planned) + _PLAN_AGAIN
        if now < rooted.switch_at:
            return rooted.switch_at
        if now - rooted.used < self.config.heartbeat_time:
            return now + _CHECK
        return rooted.used + self.config.tree_lifetime

    def _check(self, channel: Channel, rooted: _Rooted, now: int) -> None:
        if now - rooted.used < self.config.heartbeat_time:
            if now - rooted.sent >= self.config.heartbeat:
                self._emit(rooted, b"", now)
            for failure in rooted.watch.failures(rooted.tree, rooted.interval, now):
                self.trust.avoid(failure.parent, failure.child, now)
                if not failure.silent:
                    self._blame(failure.parent, failure.child, now)
                elif not rooted.watch.is_excluded(failure.child):
                    self._missed.add(failure.child)
                rooted.stale, rooted.disturbed = True, now
                ends = {"parent": failure.parent.hex(), "child": failure.child.hex()}
                self._post.act(Log("overlay_way_failed", {**ends, "silent": failure.silent}))
            returning = rooted.watch.next_return()
            if returning is not None and returning <= now:
                rooted.stale = True
        self._offer(channel, rooted, now)
        if rooted.stale and now - rooted.planned >= _PLAN_AGAIN:
            self._plan(channel, rooted, now)
        elif now - max(rooted.improved, rooted.planned) >= _IMPROVE:
            rooted.improved = now
            if now - rooted.disturbed >= _STABLE:
                self._plan(channel, rooted, now, improve=True)

    def _look(self, rooted: _Rooted, now: int) -> None:
        """The data path may have sent without us."""
        sequence, passed = self._path.sent(rooted.number)
        if passed != rooted.passed:
            rooted.passed, rooted.sequence = passed, sequence
            rooted.used = rooted.sent = now
            rooted.watch.sent(sequence, now)

    def _offer(self, channel: Channel, rooted: _Rooted, now: int) -> None:
        """Let the data path send what comes of a channel, while it is in use."""
        if now < rooted.switch_at:
            return
        children = self._post.endpoints(rooted.tree.children.get(self.member, ()), now)
        unused = now - rooted.used >= self.config.heartbeat_time
        if children is None or unused or is_link_scope(channel[1]):
            self._path.stop_sending(channel)
        else:
            tree = (self.member, rooted.number, rooted.version)
            self._path.send_by(channel, tree, children)

    def _blame(self, parent: MemberId, child: MemberId, now: int) -> None:
        if parent != self.member:
            self.trust.blame(parent, child, now)

    def _plan(self, channel: Channel, rooted: _Rooted, now: int, *, improve: bool = False) -> None:
        before = rooted.tree.parents
        wanted = self.directory.wanting(*channel) - rooted.watch.excluded(now)
        view = _View(self, rooted, now)
        plan = Plan(self.member, wanted, view)
        plan.make(before)
        if plan.unplaced:
            self.trust.forgive(plan.unplaced)
            plan = Plan(self.member, wanted, view)
            plan.make(before)
        if improve:
            plan.improve(self._random)
        rooted.stale, rooted.planned = False, now
        if plan.unplaced - rooted.unplaced:
            for member in sorted(plan.unplaced - rooted.unplaced):
                self._post.act(refused(member.hex(), channel[1], "nobody with room reaches it"))
        rooted.unplaced = frozenset(plan.unplaced)
        if plan.tree.parents == before and wanted == rooted.wanted:
            return
        rooted.wanted, rooted.tree = wanted, plan.tree
        rooted.watch.placed(plan.tree, before, rooted.sequence, now)
        self._announce(channel, rooted, before, now)

    def _announce(
        self, channel: Channel, rooted: _Rooted, before: Mapping[MemberId, MemberId], now: int
    ) -> None:
        """A new version of a tree: its routes are on their way before any data of it."""
        tree = rooted.tree
        rooted.version += 1
        many = len(tree.parents) * SECOND // _RECEIPTS_A_SECOND
        rooted.interval = max(self.config.receipt_interval, many)
        routes = {
            child: Route(
                self.member,
                rooted.number,
                rooted.version,
                min(rooted.interval // MILLISECOND, 0xFFFF),
                tree.hops(child, rooted.wanted),
            )
            for child in tree.children.get(self.member, ())
        }
        self._routes.replace(self.member, rooted.number, routes, now)
        rooted.switch_at = now + _SWITCH_AFTER
        self._due.set(channel, min(rooted.switch_at, self._due.get(channel, rooted.switch_at)))
        source, group = (str(unmapped(address)) for address in channel)
        fields: dict[str, object] = {
            "source": source,
            "group": group,
            "version": rooted.version,
        }
        changes = _changes(before, tree.parents)
        fields |= {"receivers": len(tree.parents), "changes": changes}
        self._post.act(Log("overlay_tree", fields))

    def _emit(self, rooted: _Rooted, packet: bytes, now: int) -> None:
        children = rooted.tree.children.get(self.member)
        if not children:
            return
        rooted.sequence = self._path.draw(rooted.number, 1) + 1
        rooted.sent = now
        rooted.watch.sent(rooted.sequence, now)
        numbers = (rooted.number, rooted.version, rooted.sequence)
        body = encode(Data(self.member, *numbers, packet))
        self._post.send_body(body, children, now, traffic_class(packet) if packet else 0)

    def _emit_run(self, rooted: _Rooted, framed: Sequence[memoryview], now: int) -> None:
        children = rooted.tree.children.get(self.member)
        if not children:
            return
        rooted.sent = now
        first = self._path.draw(rooted.number, len(framed)) + 1
        rooted.watch.sent(first, now)
        tree = (Data.TYPE, self.member, rooted.number, rooted.version)
        for rooted.sequence, view in enumerate(framed, first):
            DATA_HEAD.pack_into(view, HEADER.size, *tree, rooted.sequence)
        self._post.send_run(framed, children, now, traffic_class(framed[0][ROOM:]))


def _changes(
    before: Mapping[MemberId, MemberId], after: Mapping[MemberId, MemberId]
) -> dict[str, str | None]:
    """Whose parent is another one now, and which; None: it is in the tree no more."""
    changed = {child: after.get(child) for child in {**before, **after}}
    return {
        child.hex(): None if parent is None else parent.hex()
        for child, parent in changed.items()
        if before.get(child) != parent
    }
