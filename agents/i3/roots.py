"""Several roots: the founder need not answer every newcomer (section 3.2.1).

A root is a member that newcomers can ask first: the founder, which is number 0, and children of its
that have been given a number. A newcomer asks one of them and looks for its place below that one.
Either it knows how many roots there are, draws one, and asks another if that one says nothing; or
all roots are in an anycast group, and the infrastructure finds one.
"""

from __future__ import annotations

from random import Random

from agents.i3.config import GroupConfig, RootChoice
from agents.i3.identifiers import EXACT, SUFFIX, root_at, roots_group
from agents.wire.i3 import Identifier


class Roots:
    """Where the roots of one group can be asked."""

    def __init__(self, root: Identifier, config: GroupConfig) -> None:
        self._root = root
        self._number = config.roots
        self._anycast = config.root_choice is RootChoice.ANYCAST

    @property
    def are_several(self) -> bool:
        """Whether there are others than the founder."""
        return self._number > 1

    def of(self, number: int) -> Identifier:
        """Where one root has its trigger; in the anycast group they are as far apart as can be."""
        if not self._anycast:
            return root_at(self._root, number)
        return roots_group(self._root, self._suffix((number << 8 * SUFFIX) // self._number))

    def draw(self, random: Random) -> list[Identifier]:
        """Where a newcomer asks, one after another, until a root answers."""
        if not self.are_several:
            return []
        if not self._anycast:
            return [self.of(number) for number in random.sample(range(self._number), self._number)]
        draws = (self._suffix(random.getrandbits(8 * SUFFIX)) for _ in range(self._number))
        return [roots_group(self._root, suffix) for suffix in draws]

    def is_asked_at(self, identifier: Identifier) -> bool:
        """Whether a question to this identifier is one to a root."""
        if self._anycast:
            return self.are_several and identifier[:EXACT] == self.of(0)[:EXACT]
        return any(identifier == self.of(number) for number in range(self._number))

    @staticmethod
    def _suffix(number: int) -> bytes:
        return number.to_bytes(SUFFIX, "big")
