"""What a node says of Mobility Header messages of a type that it does not know.

RFC 6275 sections 9.2 and 9.3.3.
"""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.error_limit import ErrorLimit
from agents.wire.mobility import BindingError, BindingErrorStatus

_NO_HOME_ADDRESS = IPv6Address("::")


class BindingErrors:
    """Binding Errors of one node, as many as it may send."""

    def __init__(self) -> None:
        self._limit = ErrorLimit()

    def unrecognized(
        self, source: IPv6Address, now: int, home_address: IPv6Address | None = None
    ) -> BindingError | None:
        """The answer to ``source``, which is the address on the wire, or None.

        ``home_address`` is that of the Home Address option, if there was one.
        """
        if source.is_multicast or source.is_unspecified:
            return None
        if not self._limit.allows(now):
            return None
        return BindingError(BindingErrorStatus.UNRECOGNIZED_TYPE, home_address or _NO_HOME_ADDRESS)
