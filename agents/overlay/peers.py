"""How the other members are reached: endpoints that have proved themselves, delays, NAT.

An endpoint counts for a member once a ping there was answered, since the nonce shows that the
answer is no replay; so a session survives any change of address. A member behind a NAT keeps the
mappings to its hubs alive, and is reached by way of them.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import dataclass
from random import Random

from agents.core import MILLISECOND, SECOND
from agents.overlay.config import OverlayConfig
from agents.overlay.coordinates import Coordinates, measured
from agents.overlay.directory import Directory
from agents.wire.i3 import Endpoint
from agents.wire.overlay import MemberId

_PENDING = 1024
_PEERS = 8192
_PING_TIMEOUT = 2 * SECOND
_RECENT = 20 * SECOND
"""A mapping of a NAT that was used so lately is still there (RFC 4787: at least 2 minutes)."""
_VOTES = 9
_ALONE = 4
"""After so many rounds without an answer of anybody."""


@dataclass
class _Peer:
    """What was found out about one member."""

    endpoint: Endpoint | None = None
    """Where it has answered."""
    heard: int = -_RECENT
    """When it last proved to be there, ns."""
    rtt_ms: float | None = None


@dataclass(frozen=True)
class _Pending:
    """A ping without its answer."""

    endpoint: Endpoint
    sent: int


class Peers:
    """Endpoints and delays of members, and what they tell of our own."""

    def __init__(
        self,
        config: OverlayConfig,
        directory: Directory,
        endpoints: tuple[Endpoint, ...],
        random: Random,
        *,
        reachable: bool | None,
    ) -> None:
        self._config = config
        self._directory = directory
        self._random = random
        self._reachable = reachable
        self._peers: OrderedDict[MemberId, _Peer] = OrderedDict()
        self._pending: OrderedDict[int, _Pending] = OrderedDict()
        self._seen_as: OrderedDict[MemberId, Endpoint] = OrderedDict()
        """As what the last members that answered saw us."""
        self._answer: int | None = None
        """When any member answered last."""
        self._answer_before: int | None = None
        """The same, at the last round."""
        self._silent_rounds = 0
        self.endpoints = endpoints
        """Our own ones."""
        self.coordinates = Coordinates()
        self.hubs: tuple[MemberId, ...] = ()

    @property
    def is_leaf(self) -> bool:
        """Whether only those reach this member to whom it has sent: it is behind a NAT."""
        if self._reachable is not None:
            return not self._reachable
        ours = [endpoint in self.endpoints for endpoint in self._seen_as.values()]
        return 2 * sum(ours) < len(ours)  # who lies is outvoted

    def advertised(self) -> tuple[Endpoint, ...]:
        """Where others may try to reach this member."""
        if not self._reachable or not self._seen_as:
            return self.endpoints
        ((usual, _),) = Counter(self._seen_as.values()).most_common(1)
        return self.endpoints if usual in self.endpoints else (*self.endpoints, usual)

    def moved(self, endpoints: tuple[Endpoint, ...]) -> None:
        """These are our own endpoints now; as what others saw us before says nothing any more."""
        self.endpoints = endpoints
        self._seen_as.clear()

    def ping(self, endpoint: Endpoint, now: int) -> int:
        """The nonce of a new ping to an endpoint."""
        nonce = self._random.getrandbits(64)
        self._pending[nonce] = _Pending(endpoint, now)
        if len(self._pending) > _PENDING:
            self._pending.popitem(last=False)
        return nonce

    def answered(self, member: MemberId, nonce: int, observed: Endpoint, now: int) -> bool:
        """A pong came; whether it answers a ping of ours."""
        pending = self._pending.pop(nonce, None)
        if pending is None or now - pending.sent > _PING_TIMEOUT:
            return False
        peer = self._peer(member)
        peer.endpoint, peer.heard, self._answer = pending.endpoint, now, now
        sample = (now - pending.sent) / MILLISECOND
        peer.rtt_ms = sample if peer.rtt_ms is None else 0.8 * peer.rtt_ms + 0.2 * sample
        self._seen_as[member] = observed
        self._seen_as.move_to_end(member)
        if len(self._seen_as) > _VOTES:
            self._seen_as.popitem(last=False)
        profile = self._directory.profiles.get(member)
        if profile is not None:
            theirs = Coordinates(*profile.coordinates)
            self.coordinates = measured(self.coordinates, theirs, sample, self._random)
        return True

    def heard(self, member: MemberId, endpoint: Endpoint, now: int) -> bool:
        """A datagram came; whether its endpoint has still to prove itself."""
        peer = self._peer(member)
        if peer.endpoint != endpoint:
            return not any(pending.endpoint == endpoint for pending in self._waiting(now))
        peer.heard = now
        return False

    @property
    def is_alone(self) -> bool:
        """Whether nobody has answered for some rounds, though somebody did before."""
        return self._silent_rounds >= _ALONE

    def end_round(self) -> bool:
        """A second of ours is over; whether nobody answered in it, though somebody did before.

        A process that stood still for longer had but one.
        """
        silent = self._answer is not None and self._answer == self._answer_before
        self._silent_rounds = self._silent_rounds + 1 if silent else 0
        self._answer_before = self._answer
        return silent

    def is_confirmed(self, member: MemberId) -> bool:
        """Whether a member has answered a ping."""
        peer = self._peers.get(member)
        return peer is not None and peer.endpoint is not None

    def was_heard(self, member: MemberId, since: int) -> bool:
        """Whether it was there, directly, since that time."""
        peer = self._peers.get(member)
        return peer is not None and peer.heard >= since

    def rtt_ms(self, member: MemberId) -> float | None:
        """The round-trip time as measured; None: it was not."""
        peer = self._peers.get(member)
        return None if peer is None else peer.rtt_ms

    def endpoint(self, member: MemberId, now: int) -> Endpoint | None:
        """Where to send to a member; None: it is reached by its hubs only."""
        peer = self._peers.get(member)
        profile = self._directory.profiles.get(member)
        proved = None if peer is None else peer.endpoint
        if profile is None:
            return proved
        if profile.leaf:
            fresh = peer is not None and now - peer.heard < _RECENT
            return proved if fresh else None
        if proved is not None:
            return proved
        return profile.endpoints[0] if profile.endpoints else None

    def silent_at(self, member: MemberId, now: int) -> list[Endpoint]:
        """Where else a member may be that does not answer where it was."""
        profile = self._directory.profiles.get(member)
        peer = self._peers.get(member)
        known = [] if peer is None or peer.endpoint is None else [peer.endpoint]
        advertised = () if profile is None else profile.endpoints
        if known and now - self._peers[member].heard < 3 * self._config.gossip_interval:
            return known
        return list(dict.fromkeys([*known, *advertised]))

    def hub_of(self, member: MemberId, now: int) -> Endpoint | None:
        """Where to send what one of a member's hubs shall pass on to it."""
        profile = self._directory.profiles.get(member)
        for hub in () if profile is None else profile.hubs:
            endpoint = self.endpoint(hub, now) if hub in self._directory.profiles else None
            if endpoint is not None:
                return endpoint
        return None

    def choose_hubs(self, now: int) -> bool:
        """Keep those that answer, and take others for those that do not; whether any changed."""
        if not self.is_leaf:
            changed = bool(self.hubs)
            self.hubs = ()
            return changed
        profiles = self._directory.profiles
        limit = now - 3 * self._config.keep_alive
        kept = [hub for hub in self.hubs if hub in profiles and self.was_heard(hub, limit)]
        others = sorted(
            (self.rtt_ms(m) or 0.0, m)
            for m, profile in profiles.items()
            if not profile.leaf and m not in kept and self.was_heard(m, limit)
        )
        missing = self._config.hubs - len(kept)
        near = others[: 4 * missing]
        chosen = self._random.sample(near, min(missing, len(near))) if missing > 0 else []
        hubs = tuple(kept + [member for _, member in chosen])
        changed, self.hubs = hubs != self.hubs, hubs
        return changed

    def _peer(self, member: MemberId) -> _Peer:
        peer = self._peers.get(member)
        if peer is None:
            peer = self._peers[member] = _Peer()
            if len(self._peers) > _PEERS:
                self._peers.popitem(last=False)
        else:
            self._peers.move_to_end(member)
        return peer

    def _waiting(self, now: int) -> list[_Pending]:
        """The pings that may still be answered."""
        while self._pending:
            nonce, first = next(iter(self._pending.items()))
            if now - first.sent <= _PING_TIMEOUT:
                break
            del self._pending[nonce]
        return list(self._pending.values())
