"""How many control messages are taken from each member, or address: nobody floods the others."""

from __future__ import annotations

from collections import OrderedDict

from agents.core import SECOND

_SENDERS = 8192


class Rates:
    """A token bucket a sender, by its octets: ``rate`` a second, and twice as many at once."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._full: OrderedDict[bytes, int] = OrderedDict()
        """When each bucket is full again, ns."""

    def allows(self, sender: bytes, now: int) -> bool:
        """Whether one message more may come."""
        full = max(self._full.pop(sender, now), now) + SECOND // self._rate
        allowed = full - now <= 2 * SECOND
        self._full[sender] = full if allowed else full - SECOND // self._rate
        if len(self._full) > _SENDERS:
            self._full.popitem(last=False)
        return allowed
