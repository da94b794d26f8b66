"""Degree-bounded trees of low delay, kept as they are as far as possible when something changes.

A root plans its trees by itself, so that no two members can disagree about them: each plan is a
tree, and a new one has a new version.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from agents.wire.overlay import Hop, MemberId

_LEAST_GAIN_MS = 2.0
_LEAST_GAIN = 0.2
_TRIED = 16


class Network(Protocol):
    """What a plan has to know of the members."""

    def room(self, member: MemberId) -> int:
        """How many children it takes in one tree."""

    def delay(self, one: MemberId, other: MemberId) -> float:
        """How long a packet takes, in ms."""

    def may_feed(self, parent: MemberId, child: MemberId) -> bool:
        """Whether packets can go from the one to the other."""

    def feeders(self, child: MemberId) -> Iterable[MemberId]:
        """The only ones that can reach it, if it is not reached by all; they need not want it."""


@dataclass
class Tree:
    """Who gets packets from whom. ``delays`` are from the root, in ms."""

    root: MemberId
    parents: dict[MemberId, MemberId] = field(default_factory=dict)
    children: dict[MemberId, list[MemberId]] = field(default_factory=lambda: defaultdict(list))
    delays: dict[MemberId, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.delays[self.root] = 0.0

    def below(self, member: MemberId) -> list[MemberId]:
        """A member and all below it, parents before their children."""
        found = [member]
        for each in found:
            found += self.children.get(each, ())
        return found

    def hops(self, top: MemberId, wanted: frozenset[MemberId]) -> tuple[Hop, ...]:
        """The part of the tree below a member, as a route has it."""
        below = [self.hops(child, wanted) for child in self.children.get(top, ())]
        hops = [hop for part in below for hop in part]
        return (Hop(top, len(hops), top not in wanted), *hops)


class Plan:
    """A tree in the making: what it has, and who is still to be placed."""

    def __init__(self, root: MemberId, wanted: frozenset[MemberId], network: Network) -> None:
        self._network = network
        self._wanted = wanted
        self.tree = Tree(root)
        self.unplaced: set[MemberId] = set()
        """Whom nobody with room can reach."""

    def make(self, old: Mapping[MemberId, MemberId]) -> None:
        """Keep of an old tree (its parents) what still holds, and place all others."""
        kept = self._kept(old)
        self._adopt(self.tree.root, kept)
        under = {child for children in kept.values() for child in children}
        # Whole branches first, since they are served the longest way; then who can serve others.
        waiting = sorted(
            self._wanted - self.tree.delays.keys(),
            key=lambda m: (m in under, -len(kept.get(m, ())), -self._network.room(m), m),
        )
        for member in waiting:
            self._place(member, kept)
        for member in sorted(self.unplaced):  # who was placed since may have room for them
            self.unplaced.discard(member)
            self._place(member, kept)
        self._prune()

    def improve(self, random: Random) -> bool:
        """Move one member, with all below it, if it gets its packets clearly sooner so."""
        tree = self.tree
        members = sorted(tree.parents)
        for member in random.sample(members, min(_TRIED, len(members))):
            below = set(tree.below(member))
            parent = self._nearest(member, but=below)
            if parent is None or parent == tree.parents[member]:
                continue
            delay = tree.delays[parent] + self._network.delay(parent, member)
            gain = tree.delays[member] - delay
            if gain > max(_LEAST_GAIN_MS, _LEAST_GAIN * tree.delays[member]):
                tree.children[tree.parents[member]].remove(member)
                self._link(parent, member)
                self._prune()
                return True
        return False

    def _kept(self, old: Mapping[MemberId, MemberId]) -> dict[MemberId, list[MemberId]]:
        """The children of the old tree that may stay where they are."""
        kept: dict[MemberId, list[MemberId]] = defaultdict(list)
        transits = {parent for child, parent in old.items() if self._is_transit(parent, child)}
        for child, parent in old.items():
            stays = child in self._wanted or child in transits
            has_room = len(kept[parent]) < self._network.room(parent)
            if stays and has_room and self._may_feed(parent, child):
                kept[parent].append(child)
        return kept

    def _is_transit(self, parent: MemberId, child: MemberId) -> bool:
        """Whether a parent that does not want the packets is needed for a child that does."""
        needed = child in self._wanted and parent not in self._wanted
        return needed and parent in self._network.feeders(child)

    def _may_feed(self, parent: MemberId, child: MemberId) -> bool:
        """Whether it can, and is there for it: who does not want the packets is for few."""
        there = parent == self.tree.root or parent in self._wanted
        there = there or parent in self._network.feeders(child)
        return there and self._network.may_feed(parent, child)

    def _adopt(self, top: MemberId, kept: Mapping[MemberId, list[MemberId]]) -> None:
        """A member is placed, and so are those that it kept below it."""
        pending = [top]
        for member in pending:
            for child in kept.get(member, ()):
                if child not in self.tree.delays:
                    self._link(member, child)
                    pending.append(child)

    def _place(self, member: MemberId, kept: dict[MemberId, list[MemberId]]) -> None:
        """Place a member with all below it; if it cannot be, those below it by themselves."""
        if member in self.tree.delays:
            return
        parent = self._nearest(member)
        if parent is not None:
            self._link(parent, member)
        elif not self._squeeze_in(member, len(kept.get(member, ()))) and not self._by_transit(
            member
        ):
            self.unplaced.add(member)
            for child in kept.pop(member, ()):
                self._place(child, kept)
            return
        self._adopt(member, kept)

    def _nearest(
        self, member: MemberId, but: Collection[MemberId] = frozenset()
    ) -> MemberId | None:
        """By whom it gets packets soonest, of those that have room."""
        tree, network = self.tree, self._network
        best, soonest = None, float("inf")
        for parent, delay in tree.delays.items():
            if delay >= soonest or parent in but:
                continue
            mine = tree.parents.get(member) == parent
            if len(tree.children.get(parent, ())) - mine >= network.room(parent):
                continue
            arrival = delay + network.delay(parent, member)
            if arrival < soonest and self._may_feed(parent, member):
                best, soonest = parent, arrival
        return best

    def _squeeze_in(self, member: MemberId, has: int) -> bool:
        """Take the place of somebody who can be below the member; whether there is one."""
        if self._network.room(member) <= has:
            return False
        tree, network = self.tree, self._network
        places = [
            (tree.delays[parent] + network.delay(parent, member), other)
            for other, parent in tree.parents.items()
            if self._may_feed(parent, member) and self._may_feed(member, other)
        ]
        if not places:
            return False
        _, other = min(places)
        parent = tree.parents[other]
        tree.children[parent].remove(other)
        self._link(parent, member)
        self._link(member, other)
        return True

    def _by_transit(self, member: MemberId) -> bool:
        """Place somebody who does not want the packets, but can reach the member."""
        for feeder in self._network.feeders(member):
            placed = feeder in self.tree.delays
            if placed or not self._network.room(feeder):
                continue
            if not self._network.may_feed(feeder, member):
                continue
            parent = self._nearest(feeder)
            if parent is not None:
                self._link(parent, feeder)
            elif not self._squeeze_in(feeder, 1):
                continue
            self._link(feeder, member)
            return True
        return False

    def _link(self, parent: MemberId, child: MemberId) -> None:
        tree = self.tree
        tree.parents[child] = parent
        tree.children[parent].append(child)
        for member in tree.below(child):
            above = tree.parents[member]
            tree.delays[member] = tree.delays[above] + self._network.delay(above, member)

    def _prune(self) -> None:
        """Nobody is in the tree who neither wants the packets nor passes them on."""
        tree = self.tree
        useless = [m for m in tree.parents if m not in self._wanted and not tree.children.get(m)]
        while useless:
            member = useless.pop()
            parent = tree.parents.pop(member)
            tree.children[parent].remove(member)
            del tree.delays[member]
            if parent in tree.parents and parent not in self._wanted and not tree.children[parent]:
                useless.append(parent)
