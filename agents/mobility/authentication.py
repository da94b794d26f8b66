"""Signalling under the domain's key: each message once, and in its time (RFC 4285)."""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.core import SECOND
from agents.deadlines import Deadlines
from agents.wire import authentication
from agents.wire.authentication import Ends, Key
from agents.wire.errors import Unauthentic

TOLERANCE = 7 * SECOND
"""How far the clocks of two nodes, and the way between them, may set them apart (section 6)."""

DOMAIN_SPI = 256
"""The index of the domain's key: the first that is not reserved (section 5)."""


class Replayed(Unauthentic):
    """A message that proves who sent it, but not that it was sent now."""


class Authenticator:
    """Seals what a node sends, and opens what comes in, under one key.

    Times are in ns since 1970. A message is accepted once, while its time is within ``TOLERANCE``
    of ``now``; none from before ``started``, since what was accepted then is not known any more.
    Messages may overtake each other.
    """

    def __init__(self, secret: bytes, started: int) -> None:
        self._key = Key(DOMAIN_SPI, secret)
        self._started = authentication.ntp_time(started)
        self._last_sent = 0
        self._accepted: Deadlines[tuple[IPv6Address, int]] = Deadlines()

    def seal(
        self,
        message: bytes,
        source: IPv6Address,
        destination: IPv6Address,
        now: int,
        ends: Ends | None = None,
    ) -> bytes:
        """The message as it is sent: no two have the same time."""
        self._last_sent = max(self._last_sent + 1, now)
        time = authentication.ntp_time(self._last_sent)
        return authentication.seal(message, source, destination, time, self._key, ends)

    def open(
        self,
        message: bytes,
        source: IPv6Address,
        destination: IPv6Address,
        now: int,
        ends: Ends | None = None,
    ) -> bytes:
        """The message as it was before it was sealed; ``Unauthentic`` or ``Replayed``."""
        original, time = authentication.unseal(message, source, destination, self._key, ends)
        for _ in self._accepted.due(now):
            pass  # too old to be accepted again
        age = authentication.nanoseconds_between(time, authentication.ntp_time(now))
        if not -TOLERANCE < age < TOLERANCE:
            raise Replayed(f"sent {age / SECOND:.1f} s ago")
        if authentication.nanoseconds_between(self._started, time) < 0:
            raise Replayed("sent before this node began to listen")
        if (source, time) in self._accepted:
            raise Replayed("it has come before")
        self._accepted.set((source, time), now - age + TOLERANCE)
        return original
