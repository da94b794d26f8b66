"""Triggers that one end host keeps: asked for, proved, refreshed (sections 3.2 and 4)."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from agents.core import SECOND, Action
from agents.deadlines import Deadlines
from agents.i3.actions import SendDatagram
from agents.i3.config import GroupConfig, Refresh
from agents.i3.positions import is_in, position
from agents.i3.ring import HostDirectory
from agents.wire import i3_group
from agents.wire.i3 import (
    NO_TOKEN,
    Challenge,
    Endpoint,
    Identifier,
    Insert,
    Packet,
    Remove,
    Target,
)

RETRY = 1 * SECOND
"""After which an insertion that nobody answered is sent again; ns."""
PATIENCE = 2
"""After so many of them the server is taken for gone."""
MAXIMUM_TOKENS = 64
"""Of how many servers one is remembered."""
NEAR = 2
"""Members so many levels below a trigger, or fewer, are the first to refresh it (section 6.2)."""
ALONE = -1
"""The distance of a trigger that nobody else knows."""

Key = tuple[Identifier, Target]


@dataclass(slots=True)
class _Kept:
    """A trigger; ``below`` is how many levels this host is below its target, or ``ALONE``."""

    below: int
    unanswered: int = 0
    """How many insertions have been sent since the server said last that it is there."""


class Keeper:
    """The triggers of one end host."""

    def __init__(self, directory: HostDirectory, random: Random, config: GroupConfig) -> None:
        self._directory = directory
        self._random = random
        self._config = config
        self._by_level = config.refresh is Refresh.LEVEL
        self._kept: dict[Key, _Kept] = {}
        self._shared: dict[Identifier, Key] = {}
        """Those on the way from the root, by where they are."""
        self.deadlines: Deadlines[Key] = Deadlines()
        self._tokens: dict[Endpoint, bytes] = {}

    def __contains__(self, key: Key) -> bool:
        """Whether this trigger is kept."""
        return key in self._kept

    def is_shared(self, key: Key) -> bool:
        """Whether this is a trigger on the way from the root, and so others' as well."""
        return key in self._kept and self._kept[key].below != ALONE

    def keep(self, key: Key, now: int, below: int = ALONE) -> list[Action]:
        """Have a trigger put there, and refreshed from now on."""
        self._kept[key] = _Kept(below)
        if below != ALONE:
            self._shared[key[0]] = key
        return self._insert(key, now)

    def expect(self, key: Key, below: int, now: int) -> None:
        """Refresh a trigger that others have put there."""
        self._kept[key] = _Kept(below)
        self._shared[key[0]] = key
        self.deadlines.set(key, now + self._interval(below))

    def drop(self, key: Key) -> list[Action]:
        """Refresh a trigger no more, and take it away if nobody else needs it."""
        kept = self._kept.pop(key, None)
        self.deadlines.cancel(key)
        if kept is None:
            return []
        if kept.below != ALONE:
            del self._shared[key[0]]
            return []
        return [self.request(Remove, key)]

    def drop_all(self) -> list[Action]:
        """Refresh no trigger any more."""
        return [action for key in [*self._kept] for action in self.drop(key)]

    def moved(self, before: Endpoint, after: Endpoint, now: int) -> list[Action]:
        """This host is at another endpoint: triggers that lead to it are to lead there.

        Who has a token of the endpoint before may still take its triggers away.
        """
        keys = [key for key in self._kept if key[1] == before]
        actions = [action for key in keys for action in self.drop(key)]
        self._tokens.clear()
        for identifier, _ in keys:
            actions += self.keep((identifier, after), now)
        return actions

    def accepted(self, key: Key, now: int) -> bool:
        """A server has it; whether that has been asked for."""
        kept = self._kept.get(key)
        if kept is None or not kept.unanswered:
            return False
        kept.unanswered = 0
        self.deadlines.set(key, now + self._interval(kept.below))
        return True

    def challenged(self, challenge: Challenge, server: Endpoint) -> list[Action]:
        """A server wants to know whether this host receives where it says."""
        key = (challenge.identifier, challenge.target)
        if not self._directory.is_of(challenge.identifier, server):
            return []
        self._tokens.pop(server, None)
        self._tokens[server] = challenge.token
        if len(self._tokens) > MAXIMUM_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        return [self.request(Insert, key)] if key in self._kept else []

    def located(self, after: int, up_to: int, now: int) -> list[Action]:
        """The server of these positions is known now: insert at once what waits for that."""
        waiting = [
            key
            for key, kept in self._kept.items()
            if kept.unanswered and is_in(position(key[0]), after, up_to)
        ]
        return [action for key in waiting for action in self._insert(key, now)]

    def refreshed(self, identifier: Identifier, now: int) -> None:
        """Somebody else has refreshed the trigger above this host that is at an identifier."""
        key = self._shared.get(identifier)
        if key is not None and not self._kept[key].unanswered:
            self.deadlines.set(key, now + self._interval(self._kept[key].below))

    def timer(self, now: int) -> list[Action]:
        """Insert again what is not there, refresh what is."""
        actions: list[Action] = []
        for key in self.deadlines.due(now):
            kept = self._kept[key]
            again = kept.unanswered > 0
            if kept.unanswered >= PATIENCE:
                self._directory.silent(key[0])
            actions += self._insert(key, now)
            shared = kept.below != ALONE and self._config.refresh is not Refresh.NAIVE
            if shared and not again:
                acknowledgement = i3_group.encode(i3_group.RefreshAck(key[0]))
                below = Identifier(key[1])
                packet = Packet(below, acknowledgement)
                actions.append(SendDatagram(packet, self._directory.server_of(below)))
        return actions

    def request(self, kind: type[Insert] | type[Remove], key: Key) -> Action:
        """Ask the server for it, with the token that it has given."""
        server = self._directory.server_of(key[0])
        return SendDatagram(kind(*key, self._tokens.get(server, NO_TOKEN)), server)

    def _insert(self, key: Key, now: int) -> list[Action]:
        self._kept[key].unanswered += 1
        self.deadlines.set(key, now + RETRY)
        return [self.request(Insert, key)]

    def _interval(self, below: int) -> int:
        """A random time until the next refresh (section 4, alpha 1/2, beta 3/4 or 1)."""
        start, end = 0.5, 1.0
        if self._by_level and below != ALONE:
            start, end = (0.5, 0.75) if below <= NEAR else (0.75, 1.0)
        share = start + (end - start) * self._random.random()
        return int(share * self._config.refresh_period)
