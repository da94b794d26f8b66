"""How many errors a node sends, whoever asks for them and in what name (RFC 4443 section 2.4)."""

from __future__ import annotations

from agents.core import SECOND

BURST = 10
"""So many at once, and as many in a second."""
_INTERVAL = SECOND // BURST


class ErrorLimit:
    """A bucket of ``BURST`` tokens."""

    def __init__(self) -> None:
        self._full_at: int | None = None
        """When all of them are there again, ns."""

    def allows(self, now: int) -> bool:
        """Whether one more may be sent; it counts as sent then."""
        full_at = now if self._full_at is None else max(self._full_at, now)
        if full_at - now > (BURST - 1) * _INTERVAL:
            return False
        self._full_at = full_at + _INTERVAL
        return True
