"""A correspondent that supports route optimisation (RFC 6275 section 9)."""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.core import Action
from agents.mipv6.binding_cache import BindingCache
from agents.mipv6.packets import Packet
from agents.mipv6.security import Security
from agents.mipv6.sending import send
from agents.mipv6.verifier import Verifier
from agents.wire.mobility import (
    BindingError,
    BindingErrorStatus,
    BindingUpdate,
    BindingUpdateFlag,
)

MAX_RR_BINDING_LIFETIME_S = 420
"""The most that a correspondent grants (RFC 6275 section 12), in s."""


class CorrespondentCore(BindingCache):
    """Where the mobile nodes are that a correspondent speaks with, as return routability shows.

    ``secret`` is its Kcn, 20 random octets; for tests it keeps nothing else.
    """

    def __init__(self, address: IPv6Address, secret: bytes) -> None:
        super().__init__(
            address,
            MAX_RR_BINDING_LIFETIME_S,
            Verifier(Security(return_routability=True), address, secret),
        )

    def care_of(self, home_address: IPv6Address) -> IPv6Address | None:
        """Where to send what is for a home address; None: there."""
        entry = self._cache.get(home_address)
        return None if entry is None else entry.care_of

    def admits(self, home_address: IPv6Address, source: IPv6Address) -> bool:
        """Whether data with this Home Address option may come from there (section 9.3.1)."""
        return self.care_of(home_address) == source

    def unknown(self, home_address: IPv6Address, source: IPv6Address) -> list[Action]:
        """Say that data are not admitted (section 9.3.3)."""
        self.counters.unauthentic += 1
        error = BindingError(BindingErrorStatus.UNKNOWN_BINDING, home_address)
        return send(Packet(error, self._address, source), home_address)

    def _concerns(self, update: BindingUpdate) -> bool:
        return not update.flags & BindingUpdateFlag.H

    def _answers(self, update: BindingUpdate) -> bool:
        return bool(update.flags & BindingUpdateFlag.A)
