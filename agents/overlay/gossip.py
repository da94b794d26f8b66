"""What members say of themselves, spread by gossip: each member ends up with all of it.

Each member numbers its changes; whoever has its items up to one version asks for those that are
newer, and gets them in order (R. van Renesse et al., "Efficient reconciliation and flow control for
anti-entropy protocols", 2008). A member whose version does not grow for too long is dead; it is
believed to live again when its version has grown.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from agents.overlay.config import OverlayConfig
from agents.wire.overlay import Item, MemberId, Origin
from agents.wire.overlay_items import PROFILE_SLOT

_TOMBSTONES = 4096
_LARGEST_STEP = 1 << 20
"""Nobody says so much at once: versions beyond are forged, and would shut out what is genuine."""
_HIGHEST = 1 << 31
_ITEM_OVERHEAD = 8
_ORIGIN_OVERHEAD = 14


@dataclass
class _Replica:
    """What is known of one member."""

    grown: int
    """When its version grew last, ns."""
    version: int = 0
    items: dict[int, Item] = field(default_factory=dict)

    def newer_than(self, version: int) -> list[Item]:
        """The items that who has this version lacks, in order."""
        if version >= self.version:
            return []
        items = [item for item in self.items.values() if item.version > version]
        return sorted(items, key=lambda item: item.version)


@dataclass(frozen=True)
class Change:
    """A member says something else in one slot; None: it is gone, with all that it said."""

    member: MemberId
    item: Item | None


class Learnt(NamedTuple):
    """What came of news."""

    new: list[Origin]
    """What is to be passed on."""
    changes: list[Change]
    missing: list[tuple[MemberId, int]]
    """Whose items lack some before them, and what we have: to be asked for."""


class Gossip:
    """The items of all members, this one included."""

    def __init__(self, member: MemberId, config: OverlayConfig, now: int) -> None:
        self._member = member
        self._config = config
        self._replicas: dict[MemberId, _Replica] = {member: _Replica(now)}
        self._told = 0
        # Who died or left at which version: only what is newer brings it back.
        self._gone: OrderedDict[MemberId, int] = OrderedDict()

    def __contains__(self, member: MemberId) -> bool:
        """Whether a member is known, and not gone."""
        return member in self._replicas

    def members(self) -> list[MemberId]:
        """All members but this one."""
        return [member for member in self._replicas if member != self._member]

    def say(self, slot: int, content: bytes) -> None:
        """Say something else in a slot of our own."""
        own = self._replicas[self._member]
        own.version += 1
        own.items.pop(slot, None)
        own.items[slot] = Item(slot, own.version, content)

    def untold(self) -> Origin:
        """What was said since this was last asked for: to tell the others at once."""
        own = self._replicas[self._member]
        base, self._told = self._told, own.version
        return Origin(self._member, base, tuple(own.newer_than(base)))

    def versions(self) -> list[tuple[MemberId, int]]:
        """What is known here, for a digest."""
        return [(member, replica.version) for member, replica in self._replicas.items()]

    def compare(
        self, theirs: Iterable[tuple[MemberId, int]]
    ) -> tuple[list[Origin], list[tuple[MemberId, int]]]:
        """What the sender of a digest lacks, and our versions of what we lack ourselves."""
        news, asked = [], []
        for member, version in theirs:
            if member == self._member:
                self._outbid(version)
            replica = self._replicas.get(member)
            known = self._gone.get(member, 0) if replica is None else replica.version
            if version > known and member != self._member:
                asked.append((member, 0 if replica is None else known))
            elif replica is not None and version < known:
                news.append(Origin(member, version, tuple(replica.newer_than(version))))
        return news, asked

    def _outbid(self, version: int) -> None:
        """Others have something of ours that is newer than all we said, so it is not ours."""
        own = self._replicas[self._member]
        if own.version < version <= _HIGHEST:
            own.version = version
            for item in own.newer_than(0):
                self.say(item.slot, item.content)

    def apply(self, origins: Iterable[Origin], now: int) -> Learnt:
        """Take what is new."""
        learnt = Learnt([], [], [])
        new, changes, missing = learnt
        for origin in origins:
            if origin.member == self._member:
                continue
            replica = self._replica(origin, now)
            if replica is None or origin.base > replica.version:
                known = 0 if replica is None else replica.version
                if origin.base > max(known, self._gone.get(origin.member, 0)):
                    missing.append((origin.member, known))
                continue
            highest = replica.version + _LARGEST_STEP if replica.version else _HIGHEST
            items = [i for i in origin.items if replica.version < i.version <= highest]
            if not items or not self._is_bounded(replica, items):
                continue
            for item in items:
                replica.items[item.slot] = item
                replica.version = max(replica.version, item.version)
                changes.append(Change(origin.member, item))
            replica.grown = now
            new.append(Origin(origin.member, origin.base, tuple(items)))
            profile = replica.items.get(PROFILE_SLOT)
            if profile is not None and not profile.content:
                changes.append(self.forget(origin.member))
        return learnt

    def forget(self, member: MemberId) -> Change:
        """A member left, or is dead."""
        self._gone[member] = self._replicas.pop(member).version
        self._gone.move_to_end(member)
        if len(self._gone) > _TOMBSTONES:
            self._gone.popitem(last=False)
        return Change(member, None)

    def expire(self, now: int) -> list[Change]:
        """Forget those of whom nothing new was heard for too long."""
        limit = now - self._config.dead_after
        silent = [m for m in self.members() if self._replicas[m].grown <= limit]
        return [self.forget(member) for member in silent]

    def items(self, member: MemberId) -> dict[int, Item]:
        """What a member says, by slot."""
        return self._replicas[member].items

    def _replica(self, origin: Origin, now: int) -> _Replica | None:
        """What is known of a member, which may be new; None: it is gone, or there is no room."""
        replica = self._replicas.get(origin.member)
        if replica is not None:
            return replica
        gone = self._gone.get(origin.member, 0)
        newest = max((item.version for item in origin.items), default=0)
        full = len(self._replicas) >= self._config.maximum_members
        if full or origin.base or newest <= gone:
            return None
        self._gone.pop(origin.member, None)
        replica = self._replicas[origin.member] = _Replica(now)
        return replica

    def _is_bounded(self, replica: _Replica, items: list[Item]) -> bool:
        slots = replica.items.keys() | {item.slot for item in items}
        longest = max(len(item.content) for item in items)
        return (
            len(slots) <= self._config.maximum_groups + 2 and longest <= self._config.maximum_item
        )


def packed(origins: Iterable[Origin], space: int) -> Iterator[tuple[Origin, ...]]:
    """The origins in parts that fit into messages of so many octets; an item is never cut."""
    part: list[Origin] = []
    left = space
    for origin in origins:
        base, items = origin.base, list(origin.items)
        while items:
            taken = []
            left -= _ORIGIN_OVERHEAD
            while items and _ITEM_OVERHEAD + len(items[0].content) <= left:
                left -= _ITEM_OVERHEAD + len(items[0].content)
                taken.append(items.pop(0))
            if taken:
                part.append(Origin(origin.member, base, tuple(taken)))
                base = taken[-1].version
            elif not part:  # longer than any message: sent all the same, and fragmented
                part.append(Origin(origin.member, base, (items.pop(0),)))
                base = part[-1].items[0].version
            if items:
                yield tuple(part)
                part, left = [], space
    if part:
        yield tuple(part)
