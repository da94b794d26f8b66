"""How many control messages are taken from each member: nobody floods the others."""

from __future__ import annotations

from collections import OrderedDict

from agents.core import SECOND
from agents.wire.overlay import MemberId

_MEMBERS = 8192


class Rates:
    """A token bucket a member: ``rate`` a second, and twice as many at once."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._full: OrderedDict[MemberId, int] = OrderedDict()
        """When each bucket is full again, ns."""

    def allows(self, member: MemberId, now: int) -> bool:
        """Whether one message more may come."""
        full = max(self._full.pop(member, now), now) + SECOND // self._rate
        allowed = full - now <= 2 * SECOND
        self._full[member] = full if allowed else full - SECOND // self._rate
        if len(self._full) > _MEMBERS:
            self._full.popitem(last=False)
        return allowed
