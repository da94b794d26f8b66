"""Routes on their way to the members below: repeated until they are acknowledged."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core import SECOND
from agents.deadlines import Deadlines
from agents.overlay.config import OverlayConfig
from agents.overlay.post import Post
from agents.wire.overlay import MemberId, Route, RouteAck

_LONGEST_WAIT = 2 * SECOND
_TRIES = 30

_Key = tuple[MemberId, MemberId, int]
"""Child, root, tree."""


@dataclass
class _Sent:
    """A route without its acknowledgement."""

    route: Route
    wait: int
    tries: int = 1


class Routes:
    """The newest route of each tree for each child, until it has it."""

    def __init__(self, config: OverlayConfig, post: Post) -> None:
        self._config = config
        self._post = post
        self._sent: dict[_Key, _Sent] = {}
        self._due: Deadlines[_Key] = Deadlines()
        self._children: dict[tuple[MemberId, int], set[MemberId]] = {}

    def replace(self, root: MemberId, tree: int, routes: dict[MemberId, Route], now: int) -> None:
        """Send these to the children of a tree; to who was one before, nothing any more."""
        for child in self._children.pop((root, tree), set()) - routes.keys():
            self._forget((child, root, tree))
        if routes:
            self._children[root, tree] = set(routes)
        for child, route in routes.items():
            key = (child, root, tree)
            self._sent[key] = _Sent(route, self._config.route_retry)
            self._due.set(key, now + self._config.route_retry)
            self._post.send(route, child, now)

    def acknowledged(self, child: MemberId, ack: RouteAck) -> None:
        """A child has a route."""
        key = (child, ack.root, ack.tree)
        sent = self._sent.get(key)
        if sent is not None and sent.route.version <= ack.version:
            self._forget(key)

    def timer(self, now: int) -> None:
        """Send again what is due."""
        for key in self._due.due(now):
            sent = self._sent[key]
            if sent.tries >= _TRIES:
                del self._sent[key]
                continue
            sent.tries += 1
            sent.wait = min(2 * sent.wait, _LONGEST_WAIT)
            self._due.set(key, now + sent.wait)
            self._post.send(sent.route, key[0], now)

    def next_deadline(self) -> int | None:
        """When ``timer`` is due."""
        return self._due.next()

    def _forget(self, key: _Key) -> None:
        self._sent.pop(key, None)
        self._due.cancel(key)
