"""A cluster, as one of its members knows it, and what its leader finds out about it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from agents.wire.overlay import MemberId

Distance = Callable[[MemberId, MemberId], float | None]
"""Between two members, in ms; None: nobody has measured it."""


@dataclass
class Seated:
    """What is known of one member in a cluster."""

    heard: int
    """When it last gave a sign of life, ns."""
    crew: tuple[MemberId, ...] = ()
    """The co-leaders of the cluster below that it leads."""
    distances: dict[MemberId, int] = field(default_factory=dict)
    """To others, ms."""


@dataclass
class Cluster:
    """The members of a cluster, the leader among them."""

    leader: MemberId
    seats: dict[MemberId, Seated]
    heard: int
    """When the leader last gave a sign of life, ns."""
    after: MemberId
    """Whom the leader follows as leader."""
    crew: tuple[MemberId, ...] = ()
    """The co-leaders, in the order in which they succeed the leader."""
    above: tuple[MemberId, ...] = ()
    """The leader and the co-leaders of the cluster above; none: there is none."""

    def distance(self, one: MemberId, other: MemberId) -> float | None:
        """As either of the two has said."""
        found = self.seats[one].distances.get(other)
        return self.seats[other].distances.get(one) if found is None else found


def radius(member: MemberId, others: Collection[MemberId], distance: Distance) -> float | None:
    """How far the farthest of the others is; None: fewer than half of the distances are known."""
    distances = [distance(member, other) for other in others if other != member]
    known = [d for d in distances if d is not None]
    return max(known) if known and 2 * len(known) >= len(others) - 1 else None


def centre(members: Collection[MemberId], distance: Distance) -> MemberId | None:
    """The member with the smallest radius; None: no radius is known."""
    found = [(r, m) for m in members if (r := radius(m, members, distance)) is not None]
    return min(found)[1] if found else None


def halves(
    leader: MemberId, members: Collection[MemberId], distance: Distance
) -> tuple[list[MemberId], list[MemberId]]:
    """Two parts of like size: what is near to the leader, who is first, and what is far from it."""

    def far(member: MemberId) -> float:
        return distance(leader, member) or 0.0

    others = [member for member in members if member != leader]
    pole = max(others, key=far)

    def nearness(member: MemberId) -> float:
        return far(member) - (0.0 if member == pole else distance(pole, member) or 0.0)

    others.sort(key=lambda member: (member == pole, nearness(member)))
    stay = len(members) // 2
    return [leader, *others[: stay - 1]], others[stay - 1 :]
