"""What members tell each other: a change at once, the rest when digests differ."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

from agents.core import MILLISECOND
from agents.overlay.gossip import Gossip, packed
from agents.overlay.post import Post
from agents.wire.overlay import Digest, MemberId, News, Origin, encode

_NEWS_SPACE = 1100
_DIGEST_ENTRIES = 90
_TELL_ALL = 128
"""Up to so many members are told of our own change at once; of more, some, who tell it on."""
_TELL = 4
_TELL_ON_AFTER = 20 * MILLISECOND
"""What others say is collected for so long, and told on together."""


class Telling:
    """Sends news and digests."""

    def __init__(self, gossip: Gossip, post: Post, random: Random) -> None:
        self._gossip, self._post, self._random = gossip, post, random
        self._collected: list[Origin] = []
        self._due: int | None = None

    def own(self, now: int) -> None:
        """We say something else now: tell it."""
        self._tell([self._gossip.untold()], now, _TELL_ALL)

    def on(self, origins: Sequence[Origin], now: int) -> None:
        """Others say something urgent that is new here: tell it on soon."""
        self._collected += origins
        if self._due is None:
            self._due = now + _TELL_ON_AFTER

    def digest(self, member: MemberId, now: int) -> None:
        """Tell a member what we have."""
        self.ask(self._gossip.versions(), member, now)

    def ask(self, versions: Sequence[tuple[MemberId, int]], member: MemberId, now: int) -> None:
        """Ask a member for what is newer than this."""
        for start in range(0, len(versions), _DIGEST_ENTRIES):
            part = tuple(versions[start : start + _DIGEST_ENTRIES])
            self._post.send(Digest(part), member, now)

    def ask_once(
        self, versions: Sequence[tuple[MemberId, int]], member: MemberId, now: int
    ) -> None:
        """The same, for as much as one message holds."""
        self.ask(versions[:_DIGEST_ENTRIES], member, now)

    def compare(self, digest: Digest, member: MemberId, now: int) -> None:
        """A member says what it has: tell it what it lacks, and ask for what we lack."""
        news, asked = self._gossip.compare(digest.versions)
        for part in packed(news, _NEWS_SPACE):
            self._post.send(News(part), member, now)
        self.ask(asked, member, now)

    def timer(self, now: int) -> None:
        """Tell on what was collected, if it is time."""
        if self._due is not None and self._due <= now:
            told, self._collected, self._due = self._collected, [], None
            self._tell(told, now, _TELL)

    def next_deadline(self) -> int | None:
        """When ``timer`` is due."""
        return self._due

    def _tell(self, origins: list[Origin], now: int, at_most: int) -> None:
        """Tell others at once: all, if they are few, else some."""
        members = self._gossip.members()
        if len(members) > at_most:
            members = self._random.sample(members, at_most)
        for part in packed(origins, _NEWS_SPACE):
            self._post.send_body(encode(News(part, urgent=True)), members, now)
