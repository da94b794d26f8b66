"""Who carries the data: this program, packet by packet, or programs in the kernel beside it.

Both draw sequence numbers and counters from one place, and look into one window for each version
of a tree: so a packet that the kernel leaves to us is as good as one that it carries itself, and
none is taken twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Protocol

from agents.overlay.window import Window
from agents.wire.i3 import Endpoint
from agents.wire.overlay import MemberId

Channel = tuple[IPv6Address, IPv6Address]
"""Source and group."""
TreeVersion = tuple[MemberId, int, int]
"""Root, tree, version."""
COUNTERS = 0
"""The number of no tree: counters of datagrams are drawn by it."""


@dataclass(frozen=True)
class Capacity:
    """How much a data path has to be ready for."""

    degree: int
    """Children of a member in one tree."""
    trees: int


class Arrivals(Protocol):
    """What came by one version of a tree."""

    def take(self, sequence: int) -> bool:
        """Note that it came; False: it did before, or is too old to tell."""

    def is_ahead(self, sequence: int) -> bool:
        """Whether it is surely higher than all that came: so are those that follow it."""

    def take_run(self, first: int, count: int) -> None:
        """Note that so many came, one after another, all ahead."""

    def read(self) -> tuple[int, int]:
        """The highest number that came (0: none), and how many did."""


class DataPath(Protocol):
    """What carries data, if it is told how; what it is not told is left to us."""

    def draw(self, number: int, count: int) -> int:
        """Draw so many sequence numbers of a tree of ours; the one before the first of them."""

    def sent(self, number: int) -> tuple[int, int]:
        """The last sequence number of a tree of ours; how many packets went by without us."""

    def send_by(self, channel: Channel, tree: TreeVersion, children: Sequence[Endpoint]) -> None:
        """Packets of a channel go down this tree of ours."""

    def stop_sending(self, channel: Channel) -> None:
        """We send what comes of a channel."""

    def forget_tree(self, number: int) -> None:
        """A tree of ours is gone."""

    def arrivals(self, tree: TreeVersion) -> Arrivals:
        """A version of a tree that nothing has come by."""

    def receive_by(
        self,
        member: MemberId,
        tree: TreeVersion,
        parent: tuple[MemberId, Endpoint],
        children: Sequence[Endpoint],
        *,
        deliver: bool,
    ) -> None:
        """What a parent sends down a tree comes in here, if it is to, and goes on to others."""

    def stop_receiving(self, tree: TreeVersion, parent: MemberId) -> None:
        """We take what comes by a tree."""

    def forget_arrivals(self, tree: TreeVersion) -> None:
        """A version of a tree is gone."""


class _Arrivals:
    """By this program alone."""

    def __init__(self) -> None:
        self._window = Window()
        self._highest = self._received = 0

    def take(self, sequence: int) -> bool:
        if not self._window.is_new(sequence):
            return False
        self._window.accept(sequence)
        self._highest = max(self._highest, sequence)
        self._received += 1
        return True

    def is_ahead(self, sequence: int) -> bool:
        return self._window.is_ahead(sequence)

    def take_run(self, first: int, count: int) -> None:
        self._window.accept_run(first, count)
        self._highest = first + count - 1
        self._received += count

    def read(self) -> tuple[int, int]:
        return self._highest, self._received


class InPython:
    """This program carries everything."""

    def __init__(self) -> None:
        self._drawn: dict[int, int] = defaultdict(int)

    def draw(self, number: int, count: int) -> int:
        """Draw numbers."""
        before = self._drawn[number]
        self._drawn[number] += count
        return before

    def sent(self, number: int) -> tuple[int, int]:
        """Nothing goes by without us."""
        return self._drawn[number], 0

    def send_by(self, channel: Channel, tree: TreeVersion, children: Sequence[Endpoint]) -> None:
        """We do it."""

    def stop_sending(self, channel: Channel) -> None:
        """We did it."""

    def forget_tree(self, number: int) -> None:
        """Its numbers are not drawn from any more."""
        self._drawn.pop(number, None)

    def arrivals(self, tree: TreeVersion) -> Arrivals:
        """A new window."""
        return _Arrivals()

    def receive_by(
        self,
        member: MemberId,
        tree: TreeVersion,
        parent: tuple[MemberId, Endpoint],
        children: Sequence[Endpoint],
        *,
        deliver: bool,
    ) -> None:
        """We do it."""

    def stop_receiving(self, tree: TreeVersion, parent: MemberId) -> None:
        """We did it."""

    def forget_arrivals(self, tree: TreeVersion) -> None:
        """There is nothing but what we have."""
