"""What is sent: sealed once, to whom it concerns."""

from __future__ import annotations

from collections.abc import Iterable

from agents.core import Action
from agents.overlay.actions import SendDatagram
from agents.overlay.nemo.book import Book
from agents.overlay.sealing import Sealer
from agents.wire.i3 import Endpoint
from agents.wire.nemo import Message
from agents.wire.nemo_codec import encode
from agents.wire.overlay import MemberId


class Post:
    """Collects the datagrams, and everything else that is asked for, until they are taken."""

    def __init__(self, sealer: Sealer, book: Book) -> None:
        self._sealer, self._book = sealer, book
        self._actions: list[Action] = []
        self.unreachable = 0
        """Messages to members of whom nobody has told where they are."""

    def act(self, action: Action) -> None:
        """Ask for something else."""
        self._actions.append(action)

    def take(self) -> list[Action]:
        """All that was asked for since it was last taken."""
        actions, self._actions = self._actions, []
        return actions

    def send(self, message: Message, *members: MemberId, traffic_class: int = 0) -> None:
        """Send a message to members, in this order, to each once."""
        endpoints = [self._book.endpoint(member) for member in dict.fromkeys(members)]
        known = tuple(endpoint for endpoint in endpoints if endpoint is not None)
        self.unreachable += len(endpoints) - len(known)
        self.send_to(message, known, traffic_class)

    def send_to(
        self, message: Message, endpoints: Iterable[Endpoint], traffic_class: int = 0
    ) -> None:
        """Send a message to endpoints, whoever is there."""
        destinations = tuple(endpoints)
        if destinations:
            datagram = self._sealer.seal(encode(message))
            self.act(SendDatagram(datagram, destinations, traffic_class))
