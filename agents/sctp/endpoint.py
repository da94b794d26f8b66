"""An SCTP endpoint: its associations with known peers, how they begin and end.

Either side may begin, both at once too: the cookie says which tags count (RFC 9260 section 5.2).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address
from random import Random

from agents.core import Action, Log
from agents.deadlines import Deadlines
from agents.sctp.actions import Deliver, SendPacket
from agents.sctp.association import WINDOW, Association, State, bundles
from agents.sctp.cookie import Cookie, open_cookie
from agents.sctp.guard import Guard
from agents.wire.sctp import Packet
from agents.wire.sctp_authentication import seal
from agents.wire.sctp_chunks import (
    Abort,
    Chunk,
    CookieAck,
    CookieEcho,
    Data,
    Error,
    Heartbeat,
    HeartbeatAck,
    Init,
    InitAck,
    Sack,
    Shutdown,
    ShutdownAck,
    ShutdownComplete,
)

MAXIMUM_FAILURES = 10
"""Association.Max.Retrans (RFC 9260 section 16)."""

_NOT_OPENING = (State.ESTABLISHED, State.SHUTDOWN_SENT, State.SHUTDOWN_ACK_SENT)


@dataclass(frozen=True)
class EndpointConfig:
    """``secret`` makes the cookies; both ends of every association have the same ``port``.

    With a ``key``, which all ends share, chunks are authenticated.
    """

    port: int
    peers: Collection[IPv6Address]
    secret: bytes
    key: bytes | None = None


class Endpoint:
    """All associations of one node. ``dropped`` counts packets that none of them took."""

    def __init__(self, config: EndpointConfig, random: Random) -> None:
        self._config = config
        self._random = random
        self._associations: dict[IPv6Address, Association] = {}
        self._deadlines: Deadlines[IPv6Address] = Deadlines()
        self._guard = Guard(config.key, random)
        self.dropped = 0

    @property
    def unauthentic(self) -> int:
        """The packets that did not prove, under a key, that they are the peer's, and new."""
        return self._guard.unauthentic

    def connect(self, peer: IPv6Address, now: int) -> list[Action]:
        """Begin an association, unless there is one."""
        if peer in self._associations:
            return []
        tag, tsn, vector = self._tag(), self._tag(), self._guard.vector()
        association = self._associations[peer] = Association(peer, tag, tsn, vector)
        return self._transmit(association, now)

    def send(self, peer: IPv6Address, message: bytes, now: int) -> list[Action]:
        """Send a message, as soon as there is an association."""
        actions = self.connect(peer, now)
        association = self._associations[peer]
        association.queue.append(message)
        return [*actions, *self._flush(association, now)]

    def shutdown(self, now: int) -> list[Action]:
        """End all associations: nothing more is sent."""
        actions: list[Action] = []
        for association in list(self._associations.values()):
            if association.state is State.ESTABLISHED:
                association.enter(State.SHUTDOWN_SENT)
                actions += self._transmit(association, now)
            elif association.state not in _NOT_OPENING:
                actions += self._forget(association)
        return actions

    def receive(self, packet: Packet, source: IPv6Address, now: int) -> list[Action]:
        """A packet came in."""
        if source not in self._config.peers or packet.destination_port != self._config.port:
            self.dropped += 1
            return []
        first = packet.chunks[0] if packet.chunks else None
        if isinstance(first, Init):
            return self._greeted(first, packet, source, now)
        actions: list[Action] = []
        chunks = self._guard.chunks(packet)
        if chunks and isinstance(chunks[0], CookieEcho):
            actions += self._echoed(chunks[0], packet, source, now)
        association = self._associations.get(source)
        if association is None or not self._is_ours(packet, association):
            return [*actions, *self._out_of_the_blue(packet, association, source)]
        if not self._guard.admits(packet, association.key):
            return actions
        for chunk in chunks:
            actions += self._receive(chunk, association, now)
            if self._associations.get(source) is not association:
                return actions
        if any(isinstance(chunk, Data) for chunk in chunks):
            actions += self._answer(association, association.acknowledge())
        return [*actions, *self._flush(association, now)]

    def timer(self, now: int) -> list[Action]:
        """Send again what was not answered."""
        actions: list[Action] = []
        for peer in self._deadlines.due(now):
            association = self._associations[peer]
            association.unanswered()
            if association.failures > MAXIMUM_FAILURES:
                if association.peer_tag:
                    actions += self._answer(association, Abort())
                actions += self._forget(association)
            else:
                actions += self._transmit(association, now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def established(self) -> list[IPv6Address]:
        """The peers with which an association stands."""
        associations = self._associations.values()
        return [a.peer for a in associations if a.state is State.ESTABLISHED]

    # How it begins

    def _greeted(self, init: Init, packet: Packet, source: IPv6Address, now: int) -> list[Action]:
        """An INIT is answered from its contents and the cookie's; nothing else is kept of it."""
        if packet.tag or not init.tag or len(packet.chunks) > 1:
            self.dropped += 1
            return []
        present = self._associations.get(source)
        if present is not None and present.state not in _NOT_OPENING:
            tag, tsn, vector = present.tag, present.tsn, present.vector  # both begin at once
        else:
            tag, tsn, vector = self._tag(), self._tag(), self._guard.vector()
        if not self._guard.may_begin(self._guard.agree(vector, init.key_vector)):
            return []
        tie = 0 if present is None else present.tag
        tags = tag, tsn, init.tag, init.tsn, tie
        cookie = Cookie(now, *tags, source, vector, init.key_vector)
        answer = InitAck(tag, WINDOW, tsn, cookie.seal(self._config.secret), vector)
        port = self._config.port
        return [SendPacket(Packet(port, port, init.tag, (answer,)), source)]

    def _echoed(
        self, echo: CookieEcho, packet: Packet, source: IPv6Address, now: int
    ) -> list[Action]:
        cookie = open_cookie(echo.cookie, self._config.secret, source, now)
        if cookie is None or cookie.tag != packet.tag:
            self.dropped += 1
            return []
        key = self._guard.agree(cookie.vector, cookie.peer_vector)
        if not self._guard.admits(packet, key):
            return []
        present = self._associations.get(source)
        if present is None or (cookie.tag != present.tag == cookie.tie
                               and cookie.peer_tag != present.peer_tag):  # fmt: skip
            # It is new, or the peer has started anew.
            if not self._guard.is_new(cookie, now):
                return []
            present = Association(source, cookie.tag, cookie.tsn, cookie.vector)
            self._associations[source] = present
        if present.tag != cookie.tag:
            return []  # of an INIT that came late
        if present.state not in _NOT_OPENING:
            present.greeted(cookie.peer_tag, cookie.peer_tsn, key)
        return [*self._answer(present, CookieAck()), *self._stands(present, now)]

    def _stands(self, association: Association, now: int) -> Iterator[Action]:
        """The peer has our tag, and we have its: the association is established."""
        if association.state in _NOT_OPENING:
            return
        association.enter(State.ESTABLISHED)
        association.answered()
        self._rearm(association, now)
        yield Log("association", {"peer": str(association.peer), "state": "established"})

    # While it stands

    def _receive(self, chunk: Chunk, association: Association, now: int) -> Iterator[Action]:
        peer = association.peer
        if isinstance(chunk, InitAck) and association.state is State.COOKIE_WAIT:
            key = self._guard.agree(association.vector, chunk.key_vector)
            if not self._guard.may_begin(key):
                return
            association.greeted(chunk.tag, chunk.tsn, key)
            association.cookie = chunk.cookie
            association.enter(State.COOKIE_ECHOED)
            association.answered()
            yield from self._transmit(association, now)
        elif isinstance(chunk, CookieAck) and association.state is State.COOKIE_ECHOED:
            yield from self._stands(association, now)
        elif isinstance(chunk, Data) and association.state is not State.COOKIE_WAIT:
            for message in association.take(chunk):
                yield Deliver(peer, message)
        elif isinstance(chunk, Sack) and association.acknowledged(chunk):
            association.answered()
            self._rearm(association, now)
        elif isinstance(chunk, Heartbeat):
            yield from self._answer(association, HeartbeatAck(chunk.information))
        elif isinstance(chunk, Shutdown) and association.state in _NOT_OPENING:
            association.enter(State.SHUTDOWN_ACK_SENT)
            yield from self._transmit(association, now)
        elif isinstance(chunk, ShutdownAck) and association.state in _NOT_OPENING:
            yield from self._answer(association, ShutdownComplete())
            yield from self._forget(association)
        elif isinstance(chunk, Abort) or (
            isinstance(chunk, ShutdownComplete) and association.state is State.SHUTDOWN_ACK_SENT
        ):
            yield from self._forget(association)

    def _flush(self, association: Association, now: int) -> Iterator[Action]:
        """Send what waits, once there is an association."""
        if association.state is not State.ESTABLISHED:
            return
        idle = not association.outstanding
        for bundle in bundles(association.next_data()):
            yield from self._answer(association, *bundle)
        if idle:
            self._rearm(association, now)

    def _transmit(self, association: Association, now: int) -> list[Action]:
        """Send what the peer has to answer, at first and again: T1, T2 or T3 runs."""
        port = self._config.port
        self._deadlines.set(association.peer, now + association.timeout)
        if association.state is State.COOKIE_WAIT:
            init = Init(association.tag, WINDOW, association.tsn, association.vector)
            return [SendPacket(Packet(port, port, 0, (init,)), association.peer)]
        if association.state is State.SHUTDOWN_SENT:
            return self._answer(association, Shutdown(association.cumulative))
        if association.state is State.SHUTDOWN_ACK_SENT:
            return self._answer(association, ShutdownAck())
        if association.state is State.COOKIE_ECHOED:
            association.next_data()  # goes along with the cookie
            first = bundles(list(association.outstanding.values()))[:1]
            return self._answer(association, CookieEcho(association.cookie), *sum(first, ()))
        (bundle, *_) = bundles(list(association.outstanding.values()))
        return self._answer(association, *bundle)

    def _rearm(self, association: Association, now: int) -> None:
        """T3 runs as long as anything is outstanding (section 6.3.2)."""
        if association.state is not State.ESTABLISHED:
            return  # T1 or T2 runs
        if association.outstanding:
            self._deadlines.set(association.peer, now + association.timeout)
        else:
            self._deadlines.cancel(association.peer)

    def _answer(self, association: Association, *chunks: Chunk) -> list[Action]:
        port = self._config.port
        packet = Packet(port, port, association.peer_tag, chunks)
        if association.key is not None:
            packet = seal(packet, association.key)
        return [SendPacket(packet, association.peer)]

    # How it ends

    def _forget(self, association: Association) -> list[Action]:
        del self._associations[association.peer]
        self._deadlines.cancel(association.peer)
        fields = {"peer": str(association.peer), "state": "closed"}
        return [Log("association", fields)]

    def _is_ours(self, packet: Packet, association: Association) -> bool:
        """Whether the verification tag is right (section 8.5)."""
        if packet.tag == association.tag:
            return True
        reflected = any(
            isinstance(chunk, Abort | ShutdownComplete) and chunk.reflected
            for chunk in packet.chunks
        )
        return reflected and packet.tag == association.peer_tag != 0

    def _out_of_the_blue(
        self, packet: Packet, association: Association | None, source: IPv6Address
    ) -> list[Action]:
        """A packet of no association: its sender is told that there is none (section 8.4)."""
        self.dropped += 1
        silent = (Abort, Error, ShutdownComplete, CookieAck, CookieEcho, InitAck)
        if association is not None or any(isinstance(chunk, silent) for chunk in packet.chunks):
            return []
        if any(isinstance(chunk, ShutdownAck) for chunk in packet.chunks):
            answer: Chunk = ShutdownComplete(reflected=True)
        elif self._guard.has_key:
            return []  # it would not be believed
        else:
            answer = Abort(reflected=True)
        port = self._config.port
        return [SendPacket(Packet(port, port, packet.tag, (answer,)), source)]

    def _tag(self) -> int:
        return self._random.randint(1, 0xFFFFFFFF)
