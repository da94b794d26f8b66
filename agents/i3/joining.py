"""Looking for the place in the tree: the branch and bound of figures 4 and 6.

It begins above the root and goes down, one level a step, always to the full receiver that is
nearest, until that is no nearer than the best joinable one found. Distances are sums of differences
between two clocks, the requester's and the source's; their skew is in all of them alike (3.2.1).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.i3.identifiers import above_root, sets_of
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
    entry: Identifier | None = None
    """Where one of several roots is asked first, whichever it is; None: begin above the root."""
    path: tuple[Identifier, ...] = ()
    """The identifiers from the root's to the one below which is being asked."""
    _alone: bool = True
    """Whether one answer is all that can come: the first level has a root, and nobody else."""
    _joinable: dict[Identifier, tuple[int, Endpoint]] = field(default_factory=dict)
    """Of this level: how far those are at whose identifiers one can join, and who they are."""
    _full: dict[Identifier, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._aim(self.path)

    @property
    def queries(self) -> tuple[Identifier, ...]:
        """The joinable set and the full set of the level, or where a root can be asked."""
        if self.entry is not None and self._alone:
            return (self.entry,)
        return self._joinable_set, self._full_set

    def hear(self, reply: Distance, of: Identifier, owner: Endpoint, now: int) -> bool:
        """A receiver of one of the two sets answers; whether the level is complete by that."""
        if self._alone and self.entry is not None and of in sets_of(self.root):
            self._aim((self.root,))  # It is not the founder who answers, but a child of it.
        distance = reply.source_distance
        if self.by_delay:
            distance += now - reply.time_stamp
        joinable, full, expected = self._joinable, self._full, self.replies_expected
        if len(joinable) + len(full) < 2 * expected:
            # Who has become full meanwhile may be asked by both sets: the last word holds.
            if of == self._joinable_set:
                full.pop(reply.identifier, None)
                joinable[reply.identifier] = distance, owner
            elif of == self._full_set:
                joinable.pop(reply.identifier, None)
                full[reply.identifier] = distance
        return len(joinable) + len(full) >= (1 if self._alone else expected)

    def step(self) -> bool:
        """Take stock of the level; whether there is another one to ask."""
        self.places += [
            Place((*self.path, identifier), distance, owner)
            for identifier, (distance, owner) in self._joinable.items()
        ]
        self.places.sort(key=lambda place: place.distance)
        if not self._full:
            return False
        onward = min(self._full, key=self._full.__getitem__)
        if self.places and self._full[onward] >= self.places[0].distance:
            return False
        self._alone = False
        self._aim((*self.path, onward))
        return True

    def _aim(self, path: tuple[Identifier, ...]) -> None:
        self.path = path
        self._joinable_set, self._full_set = sets_of(path[-1] if path else above_root(self.root))
        self._joinable, self._full = {}, {}
