"""What a node says of Mobility Header messages of a type that it does not know.

RFC 6275 sections 9.2 and 9.3.3.
"""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.core import SECOND
from agents.wire.mobility import BindingError, BindingErrorStatus

BURST = 10
"""So many at once, and as many in a second, as of ICMPv6 errors (RFC 4443 section 2.4)."""

_NO_HOME_ADDRESS = IPv6Address("::")
_INTERVAL = SECOND // BURST


class BindingErrors:
    """Binding Errors of one node, as many as it may send."""

    def __init__(self) -> None:
        self._full_at: int | None = None
        """When all of ``BURST`` may be sent again, ns."""

    def unrecognized(
        self, source: IPv6Address, now: int, home_address: IPv6Address | None = None
    ) -> BindingError | None:
        """The answer to ``source``, which is the address on the wire, or None.

        ``home_address`` is that of the Home Address option, if there was one.
        """
        if source.is_multicast or source.is_unspecified:
            return None
        full_at = now if self._full_at is None else max(self._full_at, now)
        if full_at - now > (BURST - 1) * _INTERVAL:
            return None
        self._full_at = full_at + _INTERVAL
        return BindingError(BindingErrorStatus.UNRECOGNIZED_TYPE, home_address or _NO_HOME_ADDRESS)
