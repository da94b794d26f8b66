"""What is sent: sealed once, to whom it concerns, directly or by way of a hub."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agents.core import Action
from agents.overlay.actions import SendDatagram, SendDatagrams
from agents.overlay.peers import Peers
from agents.overlay.sealing import Sealer
from agents.wire.i3 import Endpoint
from agents.wire.overlay import HEADER, Forwarded, MemberId, Message, encode


class Post:
    """Collects the datagrams, and everything else that is asked for, until they are taken."""

    def __init__(self, member: MemberId, sealer: Sealer, peers: Peers) -> None:
        self._member = member
        self._sealer = sealer
        self._peers = peers
        self._actions: list[Action] = []
        self.unreachable = 0
        """Messages to members that there was no way to."""

    def act(self, action: Action) -> None:
        """Ask for something else."""
        self._actions.append(action)

    def take(self) -> list[Action]:
        """All that was asked for since it was last taken."""
        actions, self._actions = self._actions, []
        return actions

    def endpoint(self, member: MemberId, now: int) -> Endpoint | None:
        """Where a member is reached directly; None: it is not."""
        return self._peers.endpoint(member, now)

    def endpoints(self, members: Iterable[MemberId], now: int) -> tuple[Endpoint, ...] | None:
        """Where members are reached directly; None: one of them is not."""
        found = []
        for member in members:
            endpoint = self._peers.endpoint(member, now)
            if endpoint is None:
                return None
            found.append(endpoint)
        return tuple(found)

    def send(self, message: Message, member: MemberId, now: int) -> None:
        """Send a message to one member."""
        self.send_body(encode(message), (member,), now)

    def send_to(self, message: Message, endpoint: Endpoint) -> None:
        """Send a message to an endpoint, whoever is there."""
        self.act(SendDatagram(self._sealer.seal(encode(message)), (endpoint,)))

    def send_body(
        self, body: bytes, members: Iterable[MemberId], now: int, traffic_class: int = 0
    ) -> None:
        """Send a body to several members: it is sealed once."""
        endpoints = []
        for member in members:
            endpoint = self._peers.endpoint(member, now)
            if endpoint is not None:
                endpoints.append(endpoint)
                continue
            hub = self._peers.hub_of(member, now)
            if hub is None:
                self.unreachable += 1
            else:
                self.send_to(Forwarded(self._member, member, body), hub)
        if endpoints:
            datagram = self._sealer.seal(body)
            self.act(SendDatagram(datagram, tuple(endpoints), traffic_class))

    def send_run(
        self,
        framed: Sequence[memoryview],
        members: Iterable[MemberId],
        now: int,
        traffic_class: int,
    ) -> None:
        """Send several bodies to several members; each has room for the header before it."""
        endpoints = []
        for member in members:
            endpoint = self._peers.endpoint(member, now)
            if endpoint is not None:
                endpoints.append(endpoint)
                continue
            for view in framed:
                self.send_body(bytes(view[HEADER.size :]), (member,), now, traffic_class)
        if endpoints:
            datagrams = self._sealer.seal_run(framed)
            self.act(SendDatagrams(datagrams, tuple(endpoints), traffic_class))
