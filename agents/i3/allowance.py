"""How many answers an endpoint gets, whoever asks in its name."""

from __future__ import annotations

from agents.core import SECOND
from agents.deadlines import AT_ONCE
from agents.wire.i3 import Endpoint

WINDOW = 10 * SECOND
"""In which answers are counted; ns."""
MAXIMUM_KNOWN = 1024
"""For how many endpoints at a time."""


class Allowance:
    """What a member sends to endpoints that others have named: so many datagrams each.

    Questions say to whom the answer goes, and nobody proves that it is who asks. So a stranger can
    have members answer to a victim; by this each of them does so a few times only.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._given: dict[Endpoint, int] = {}
        self._until = AT_ONCE

    def grant(self, to: Endpoint, now: int) -> bool:
        """Whether one more may be sent; it counts as sent then."""
        if now >= self._until or len(self._given) >= MAXIMUM_KNOWN:
            self._given.clear()
            self._until = now + WINDOW
        given = self._given.get(to, 0)
        if given >= self._most:
            return False
        self._given[to] = given + 1
        return True
