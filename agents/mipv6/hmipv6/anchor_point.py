"""The mobility anchor point (RFC 5380 section 6.2): a home agent of regional care-of addresses.

It is told apart from a home agent by flag M of what it is sent, and knows no home address.
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Address, IPv6Network

from agents.mipv6.authorization import Verification
from agents.mipv6.config import HomeAgentConfig
from agents.mipv6.home_agent import HomeAgentCore
from agents.wire.mobility import BindingUpdate, BindingUpdateFlag

_LOCAL = BindingUpdateFlag.A | BindingUpdateFlag.M


class AnchorPointCore(HomeAgentCore):
    """The binding cache of one MAP, whose pool the regional care-of addresses are of.

    ``links`` are the prefixes that on-link care-of addresses may have; None: any.
    """

    _binds_first = True
    """With the answer the node sends its home agent a Binding Update by the tunnel."""

    def __init__(
        self,
        config: HomeAgentConfig,
        verification: Verification | None = None,
        links: Sequence[IPv6Network] | None = None,
    ) -> None:
        super().__init__(config, verification)
        self._links = links

    def _concerns(self, update: BindingUpdate) -> bool:
        """Flags M and A are a MUST (section 4); H would say that it is for a home agent."""
        return update.flags & (_LOCAL | BindingUpdateFlag.H) == _LOCAL

    def _may_bind(self, home_address: IPv6Address) -> bool:
        """Its own address is of the pool, too."""
        return home_address != self._address and super()._may_bind(home_address)

    def _may_be_at(self, care_of: IPv6Address) -> bool:
        return self._links is None or any(care_of in link for link in self._links)
