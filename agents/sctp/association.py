"""One association: what is numbered, acknowledged and sent again (RFC 9260 section 6)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv6Address

from agents.core import SECOND
from agents.transitions import StateMachine, Transition, ways
from agents.wire.sctp_authentication import Key
from agents.wire.sctp_chunks import Data, Sack

RTO_INITIAL = 1 * SECOND
RTO_MAXIMUM = 60 * SECOND
WINDOW = 1 << 16
"""The receive window that is advertised: messages are delivered at once, so it never shrinks."""
MAXIMUM_OUTSTANDING = 16
MAXIMUM_AHEAD = 64
"""How far beyond a gap what comes is kept."""
MAXIMUM_BUNDLE = 1200
"""Octets of messages in a packet."""

_STREAM = 0
_MODULUS = 1 << 32
_HALF = 1 << 31


class State(Enum):
    """Where an association stands (section 4); closed ones are forgotten. `LIFE` has the ways."""

    COOKIE_WAIT = "cookie wait"
    COOKIE_ECHOED = "cookie echoed"
    ESTABLISHED = "established"
    SHUTDOWN_SENT = "shutdown sent"
    SHUTDOWN_ACK_SENT = "shutdown ack sent"


LIFE: StateMachine[State] = StateMachine(
    (
        Transition(None, State.COOKIE_WAIT, "a message to send / INIT"),
        Transition(None, State.ESTABLISHED, "COOKIE ECHO / COOKIE ACK"),
        Transition(State.COOKIE_WAIT, State.COOKIE_ECHOED, "INIT ACK / COOKIE ECHO"),
        *ways((State.COOKIE_WAIT, State.COOKIE_ECHOED), State.ESTABLISHED, "COOKIE ECHO"),
        Transition(State.COOKIE_ECHOED, State.ESTABLISHED, "COOKIE ACK"),
        Transition(State.ESTABLISHED, State.SHUTDOWN_SENT, "the end / SHUTDOWN"),
        *ways(
            (State.ESTABLISHED, State.SHUTDOWN_SENT),
            State.SHUTDOWN_ACK_SENT,
            "SHUTDOWN / SHUTDOWN ACK",
        ),
        *ways(
            (State.ESTABLISHED, State.SHUTDOWN_SENT, State.SHUTDOWN_ACK_SENT),
            None,
            "SHUTDOWN ACK / SHUTDOWN COMPLETE",
        ),
        Transition(State.SHUTDOWN_ACK_SENT, None, "SHUTDOWN COMPLETE"),
    )
)
"""The life of an association; ABORT, the end, or too many transmissions without an answer end it
wherever it stands."""


@dataclass
class Association:
    """The state kept for one peer; ``tag`` and ``tsn`` are ours, drawn at random."""

    peer: IPv6Address
    tag: int
    tsn: int
    vector: bytes = b""
    """What we say of authentication."""
    state: State = State.COOKIE_WAIT
    key: Key | None = None
    peer_tag: int = 0
    cookie: bytes = b""
    cumulative: int = 0
    """The peer's TSN up to which all has come."""
    timeout: int = RTO_INITIAL
    failures: int = 0
    """Transmissions in a row that nothing answered."""
    queue: deque[bytes] = field(default_factory=deque)
    outstanding: dict[int, Data] = field(default_factory=dict)
    received: dict[int, Data] = field(default_factory=dict)
    """What has come beyond a gap."""

    def __post_init__(self) -> None:
        self.next_tsn = self.tsn

    def enter(self, state: State) -> None:
        """Go on to a state that there is a way to."""
        self.state = LIFE.follow(self.state, state)

    def greeted(self, peer_tag: int, peer_tsn: int, key: Key | None) -> None:
        """The peer's tag and first TSN are known, and the key with it, if there is one."""
        if peer_tag == self.peer_tag:
            return  # heard before: what has come since stays (section 5.2.4, action D)
        self.peer_tag = peer_tag
        self.key = key
        self.cumulative = (peer_tsn - 1) % _MODULUS
        self.received.clear()

    def answered(self) -> None:
        """The peer is alive."""
        self.failures = 0
        self.timeout = RTO_INITIAL

    def unanswered(self) -> None:
        """A timer has run out (section 6.3.3)."""
        self.failures += 1
        self.timeout = min(2 * self.timeout, RTO_MAXIMUM)

    def next_data(self) -> list[Data]:
        """Number and take out of the queue what may be sent now."""
        chunks: list[Data] = []
        while self.queue and len(self.outstanding) < MAXIMUM_OUTSTANDING:
            data = Data(self.next_tsn, 0, self.queue.popleft(), unordered=True)
            self.outstanding[data.tsn] = data
            self.next_tsn = (self.next_tsn + 1) % _MODULUS
            chunks.append(data)
        return chunks

    def take(self, data: Data) -> list[bytes]:
        """A DATA chunk came: the messages that may be delivered now.

        What is unordered is delivered at once, each once (section 6.6); what is of another stream
        than the only one is acknowledged only (section 6.5).
        """
        messages = []
        ahead = (data.tsn - self.cumulative) % _MODULUS
        if 0 < ahead <= MAXIMUM_AHEAD and data.tsn not in self.received:
            self.received[data.tsn] = data
            if data.unordered and data.stream == _STREAM:
                messages.append(data.payload)
        while (tsn := (self.cumulative + 1) % _MODULUS) in self.received:
            first = self.received.pop(tsn)
            self.cumulative = tsn
            if not first.unordered and first.stream == _STREAM:
                messages.append(first.payload)
        return messages

    def acknowledge(self) -> Sack:
        """What has come."""
        aheads = sorted((tsn - self.cumulative) % _MODULUS for tsn in self.received)
        gaps: list[tuple[int, int]] = []
        for ahead in aheads:
            if gaps and gaps[-1][1] == ahead - 1:
                gaps[-1] = (gaps[-1][0], ahead)
            else:
                gaps.append((ahead, ahead))
        return Sack(self.cumulative, WINDOW, tuple(gaps))

    def acknowledged(self, sack: Sack) -> bool:
        """A SACK came; whether it acknowledges anything new, up to its cumulative TSN.

        What came beyond a gap is kept until the gap is closed: the peer may still drop it.
        """
        done = [tsn for tsn in self.outstanding if (sack.cumulative - tsn) % _MODULUS < _HALF]
        for tsn in done:
            del self.outstanding[tsn]
        return bool(done)


def bundles(chunks: list[Data]) -> list[tuple[Data, ...]]:
    """The chunks in as few packets as they fit in."""
    packets: list[list[Data]] = []
    room = 0
    for chunk in chunks:
        if not packets or room < len(chunk.payload):
            packets.append([])
            room = MAXIMUM_BUNDLE
        packets[-1].append(chunk)
        room -= len(chunk.payload)
    return [tuple(packet) for packet in packets]
