"""Whether the receivers of one tree get what is sent: by their receipts.

A receiver is behind when it lacks several of the packets (heartbeats count) that were sent long
enough ago. If its parent is not behind, the way between the two is what failed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from agents.core import MILLISECOND, SECOND
from agents.overlay.tree import Tree
from agents.wire.overlay import MemberId, Receipt

_MISSED = 6
_SAMPLE = 100 * MILLISECOND
_SAMPLES = 256
_GRACE = 500 * MILLISECOND
_TRIES = 3
_EXCLUDED = 10 * SECOND


@dataclass
class _Receiver:
    """What is known of one receiver. Times in ns."""

    since: int
    """When it got its place in the tree."""
    highest: int
    """What it is known to have, or need not have."""
    heard: int
    """When its last receipt came."""
    tries: int = 0
    """In how many places it was without having sent a receipt."""
    silent: bool = False
    suspects: set[MemberId] = field(default_factory=set)
    """By whom it got nothing while nothing was heard of it."""


@dataclass(frozen=True)
class Failure:
    """A receiver gets nothing from its parent; ``silent``: nor is anything heard of it."""

    parent: MemberId
    child: MemberId
    silent: bool


class Watch:
    """The receivers of one tree."""

    def __init__(self) -> None:
        self._receivers: dict[MemberId, _Receiver] = {}
        self._samples: deque[tuple[int, int]] = deque(maxlen=_SAMPLES)
        self._excluded: dict[MemberId, int] = {}

    def sent(self, sequence: int, now: int) -> None:
        """A packet was sent down the tree."""
        if not self._samples or now - self._samples[-1][0] >= _SAMPLE:
            self._samples.append((now, sequence))

    def placed(self, tree: Tree, before: dict[MemberId, MemberId], sequence: int, now: int) -> None:
        """A plan was made: who got another parent gets time to get its packets by it."""
        self._receivers = {m: r for m, r in self._receivers.items() if m in tree.parents}
        for top in tree.children.get(tree.root, ()):
            self._place(tree, before, top, sequence, now, moved=False)

    def _place(
        self,
        tree: Tree,
        before: dict[MemberId, MemberId],
        member: MemberId,
        sequence: int,
        now: int,
        *,
        moved: bool,
    ) -> None:
        receiver = self._receivers.get(member)
        moved = moved or before.get(member) != tree.parents[member]
        if receiver is None:
            self._receivers[member] = _Receiver(now, sequence, now)
        elif moved:
            receiver.since, receiver.highest = now, max(receiver.highest, sequence)
        for child in tree.children.get(member, ()):
            self._place(tree, before, child, sequence, now, moved=moved)

    def receipt(self, member: MemberId, receipt: Receipt, now: int) -> set[MemberId]:
        """A receiver says what it has; by whom it did not get it, as turns out now."""
        self._excluded.pop(member, None)
        receiver = self._receivers.get(member)
        if receiver is None:
            return set()
        receiver.heard, receiver.silent = now, False
        if receipt.highest <= receiver.highest:
            return set()
        receiver.highest, receiver.tries = receipt.highest, 0
        suspects, receiver.suspects = receiver.suspects, set()
        return suspects

    def is_excluded(self, member: MemberId) -> bool:
        """Whether a receiver is left out of the tree, as nothing reaches it."""
        return member in self._excluded

    def readmit(self, member: MemberId) -> bool:
        """It is there again, or another one: do not wait to try it; whether it was left out."""
        return self._excluded.pop(member, None) is not None

    def excluded(self, now: int) -> frozenset[MemberId]:
        """Those whom nothing reaches; they are tried again later."""
        self._excluded = {m: until for m, until in self._excluded.items() if until > now}
        return frozenset(self._excluded)

    def next_return(self) -> int | None:
        """When the next of them is tried again."""
        return min(self._excluded.values(), default=None)

    def is_silent(self, member: MemberId) -> bool:
        """Whether nothing was heard of a receiver for too long: it is not to have children."""
        receiver = self._receivers.get(member)
        return receiver is not None and receiver.silent

    def failures(self, tree: Tree, interval: int, now: int) -> list[Failure]:
        """The topmost receivers that are behind."""
        patience = 3 * interval + _GRACE
        behind = {m for m in tree.parents if self._is_behind(m, tree, patience, now)}
        found = []
        for member in behind:
            parent = tree.parents[member]
            if parent in behind:
                continue
            receiver = self._receivers[member]
            receiver.silent = now - receiver.heard > patience
            receiver.since = now  # it may keep this place, and gets as long again in it
            if receiver.silent:
                receiver.suspects.add(parent)
                receiver.tries += 1
                if receiver.tries >= _TRIES:
                    receiver.tries = 0
                    self._excluded[member] = now + _EXCLUDED
            found.append(Failure(parent, member, receiver.silent))
        return found

    def _is_behind(self, member: MemberId, tree: Tree, patience: int, now: int) -> bool:
        receiver = self._receivers[member]
        wait = patience + int(2 * tree.delays[member] * MILLISECOND)
        if now - receiver.since <= wait:
            return False
        required = next((s for when, s in reversed(self._samples) if when <= now - wait), 0)
        return required - receiver.highest >= _MISSED
