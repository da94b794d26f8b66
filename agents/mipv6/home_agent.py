"""The home agent (RFC 6275 section 10).

There is nobody else on a home link, as each home address has it for itself; so no duplicate address
detection precedes a binding, and none but the home agent's routes attract packets (section 10.4.1).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address

from agents.mipv6.authorization import Verification
from agents.mipv6.binding_cache import BindingCache
from agents.mipv6.config import HomeAgentConfig
from agents.wire.mobility import BindingUpdate, BindingUpdateFlag


class HomeAgentCore(BindingCache):
    """The binding cache of one home agent.

    ``also_serves`` tells of which home addresses that are not of its own pool it is the home agent.
    """

    def __init__(
        self,
        config: HomeAgentConfig,
        verification: Verification | None = None,
        also_serves: Callable[[IPv6Address], bool] = lambda home_address: False,
    ) -> None:
        super().__init__(config.address, config.binding_lifetime_s, verification)
        self._pool = config.pool
        self._also_serves = also_serves

    def _concerns(self, update: BindingUpdate) -> bool:
        return bool(update.flags & BindingUpdateFlag.H)

    def _may_bind(self, home_address: IPv6Address) -> bool:
        return home_address in self._pool or self._also_serves(home_address)
