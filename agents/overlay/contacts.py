"""Whom a member asks whether they are there: seeds, those who are new, and those who were lost."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

from agents.core import MILLISECOND, SECOND
from agents.deadlines import Deadlines
from agents.overlay.directory import Directory
from agents.overlay.gossip import Gossip
from agents.overlay.peers import Peers
from agents.overlay.post import Post
from agents.wire.i3 import Endpoint
from agents.wire.overlay import MemberId, Ping

_PACE = 20 * MILLISECOND
"""Between pings to members that are new."""
_SEED_INTERVAL = 1 * SECOND
_LOST_INTERVAL = 5 * SECOND
_LOST = 64


class Contacts:
    """Sends pings. ``seeds`` are endpoints of members that are known from the beginning."""

    def __init__(
        self,
        seeds: tuple[Endpoint, ...],
        gossip: Gossip,
        directory: Directory,
        peers: Peers,
        post: Post,
        random: Random,
        now: int,
    ) -> None:
        self._seeds, self._gossip, self._directory = seeds, gossip, directory
        self._peers, self._post, self._random = peers, post, random
        self._new: list[MemberId] = []
        self._lost: list[Endpoint] = []
        self._due: Deadlines[str] = Deadlines()
        self._due.set("seeds", now)

    def new(self, member: MemberId, now: int) -> None:
        """A member has come: ask it soon."""
        self._new.append(member)
        self._due.set("new", min(now, self._due.get("new", now)))

    def all(self, now: int) -> None:
        """We are elsewhere: ask all, one after another."""
        self._new = self._gossip.members()
        self._due.set("new", now)

    def lost(self, endpoints: Iterable[Endpoint]) -> None:
        """A member is gone that was there; it may come back."""
        self._lost = [*self._lost, *endpoints][-_LOST:]

    def ping(self, member: MemberId, now: int) -> None:
        """Ask a member where it may be."""
        profile = self._directory.profiles.get(member)
        if profile is not None and profile.leaf and self._peers.endpoint(member, now) is None:
            return
        for endpoint in self._peers.silent_at(member, now):
            self.ping_at(endpoint, now)

    def ping_at(self, endpoint: Endpoint, now: int) -> None:
        """Ask whoever is there."""
        self._post.send_to(Ping(self._peers.ping(endpoint, now)), endpoint)

    def timer(self, now: int) -> None:
        """Ask those whose time it is."""
        for name in list(self._due.due(now)):
            if name == "seeds":
                self._ask_seeds(now)
            else:
                self._ask_new(now)

    def next_deadline(self) -> int | None:
        """When ``timer`` is due."""
        return self._due.next()

    def _ask_seeds(self, now: int) -> None:
        """Ask those who are known from the beginning, and those who were lost."""
        alone = not self._gossip.members()
        self._due.set("seeds", now + (_SEED_INTERVAL if alone else _LOST_INTERVAL))
        known = [endpoint for endpoint in self._seeds if endpoint not in self._peers.endpoints]
        asked = known if alone else []
        candidates = [*known, *self._lost]
        if not alone and candidates:
            asked = [self._random.choice(candidates)]
        for endpoint in asked:
            self.ping_at(endpoint, now)

    def _ask_new(self, now: int) -> None:
        """Those who are new, one after another."""
        while self._new:
            member = self._new.pop()
            if member in self._gossip:
                self.ping(member, now)
                self._due.set("new", now + _PACE)
                return
