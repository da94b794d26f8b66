"""Looking for the place in the tree: the branch and bound of figures 4 and 6.

It begins above the root and goes down, one level a step, always to the full receiver that is
nearest, until that is no nearer than the best joinable one found. Distances are sums of differences
between two clocks, the requester's and the source's; their skew is in all of them alike (3.2.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.i3.identifiers import above_root, f_hash, j_hash
from agents.wire.i3 import Endpoint, Identifier
from agents.wire.i3_group import Distance


@dataclass(frozen=True)
class Place:
    """Where to join."""

    path: tuple[Identifier, ...]
    """The identifiers from the root's to the one at which to join."""
    distance: int
    """From the source by this path, ns, with the clocks' skew; by another metric what it costs."""
    owner: Endpoint
    """Whose identifier it is."""


@dataclass
class Search:
    """One search. ``queries`` says whom to ask at this level, ``step`` goes on to the next one."""

    root: Identifier
    replies_expected: int
    """As many as a full receiver has children: with these a level is complete."""
    by_delay: bool = True
    """Whether distances are delays, to which the way from who answers is added."""
    places: list[Place] = field(default_factory=list)
    """Where one can join, by what has been heard so far."""
    path: tuple[Identifier, ...] = ()
    """The identifiers from the root's to the one below which is being asked."""
    _joinable: dict[Identifier, Place] = field(default_factory=dict)
    _full: dict[Identifier, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._aim()

    @property
    def queries(self) -> tuple[Identifier, Identifier]:
        """The joinable set and the full set of the level."""
        return self._joinable_set, self._full_set

    def hear(self, reply: Distance, of: Identifier, owner: Endpoint, now: int) -> bool:
        """A receiver of one of the two sets answers; whether the level is complete by that."""
        distance = reply.source_distance
        if self.by_delay:
            distance += now - reply.time_stamp
        if len(self._joinable) + len(self._full) < 2 * self.replies_expected:
            if of == self._joinable_set:
                path = (*self.path, reply.identifier)
                self._joinable[reply.identifier] = Place(path, distance, owner)
            elif of == self._full_set:
                self._full[reply.identifier] = distance
        expected = self.replies_expected if self.path else 1
        return len(self._joinable) + len(self._full) >= expected

    def step(self) -> bool:
        """Take stock of the level; whether there is another one to ask."""
        self.places += self._joinable.values()
        self.places.sort(key=lambda place: place.distance)
        if not self._full:
            return False
        onward = min(self._full, key=self._full.__getitem__)
        if self.places and self._full[onward] >= self.places[0].distance:
            return False
        self.path = (*self.path, onward)
        self._aim()
        return True

    def _aim(self) -> None:
        parent = self.path[-1] if self.path else above_root(self.root)
        self._joinable_set, self._full_set = j_hash(parent), f_hash(parent)
        self._joinable, self._full = {}, {}
