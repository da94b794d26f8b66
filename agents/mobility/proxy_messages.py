"""The PBU and PBA of Proxy Mobile IPv6 (RFC 5213 sections 8.1, 8.2): made, and read."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from agents.mobility.actions import MobileNode
from agents.mobility.messages import END_OF_TIME
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingAcknowledgementFlag,
    BindingUpdate,
    BindingUpdateFlag,
    Status,
)
from agents.wire.mobility_options import (
    AccessTechnology,
    AccessTechnologyType,
    Handoff,
    HandoffIndicator,
    HomeNetworkPrefix,
    LinkLocalAddress,
    MobileNodeIdentifier,
    MobileNodeLinkLayerIdentifier,
    MobilityOption,
    Timestamp,
)

ANY_PREFIX = IPv6Network("::/0")
"""ALL_ZERO: the LMA is to choose the home network prefix (RFC 5213 section 6.9.1.1)."""

_PREFIX_LENGTH = 64
"""What a host makes itself an address from (RFC 4862)."""

_UPDATE_FLAGS = BindingUpdateFlag.A | BindingUpdateFlag.P
_COPIED: tuple[type[MobilityOption], ...] = (
    MobileNodeIdentifier,
    HandoffIndicator,
    AccessTechnologyType,
    MobileNodeLinkLayerIdentifier,
    LinkLocalAddress,
    Timestamp,
)
_REQUIRED: dict[type[MobilityOption], Status] = {
    MobileNodeIdentifier: Status.MISSING_MOBILE_NODE_IDENTIFIER_OPTION,
    HomeNetworkPrefix: Status.MISSING_HOME_NETWORK_PREFIX_OPTION,
    HandoffIndicator: Status.MISSING_HANDOFF_INDICATOR_OPTION,
    AccessTechnologyType: Status.MISSING_ACCESS_TECHNOLOGY_TYPE_OPTION,
    Timestamp: Status.REASON_UNSPECIFIED,
}
"""What a PBU must have, and what it is refused with if it has not (RFC 5213 section 5.3.1)."""


@dataclass(frozen=True)
class ProxyRegistration:
    """What a PBU says."""

    identifier: str
    sequence: int
    lifetime: int
    timestamp: int
    prefix: IPv6Network | None
    """What the mobile node has; None: the LMA is to choose."""


@dataclass(frozen=True)
class ProxyAcknowledgement:
    """What a PBA says."""

    identifier: str
    sequence: int
    lifetime: int
    timestamp: int
    status: int
    prefix: IPv6Network | None

    @property
    def accepted(self) -> bool:
        """Whether the PBU was accepted (RFC 6275 section 6.1.8)."""
        return self.status < Status.REASON_UNSPECIFIED


def proxy_registration(
    mobile_node: MobileNode,
    prefix: IPv6Network | None,
    link_local: IPv6Address,
    sequence: int,
    lifetime: int,
    timestamp: int,
    handoff: Handoff,
) -> BindingUpdate:
    """MAG to LMA: this mobile node is (lifetime 0: no longer is) here.

    ``link_local`` is what every MAG has on its access links (section 6.8).
    """
    options: tuple[MobilityOption, ...] = (
        MobileNodeIdentifier(mobile_node.identifier),
        HomeNetworkPrefix(prefix or ANY_PREFIX),
        HandoffIndicator(handoff),
        AccessTechnologyType(AccessTechnology.WLAN),
        MobileNodeLinkLayerIdentifier(mobile_node.link_layer_address),
        LinkLocalAddress(link_local),
        Timestamp(timestamp),
    )
    return BindingUpdate(sequence, lifetime, _UPDATE_FLAGS, options)


def read_proxy_registration(message: BindingUpdate) -> ProxyRegistration | Status:
    """Read what :func:`proxy_registration` made; a status: why it is to be refused."""
    identifier = message.option(MobileNodeIdentifier)
    prefix = message.option(HomeNetworkPrefix)
    timestamp = message.option(Timestamp)
    missing = [status for kind, status in _REQUIRED.items() if message.option(kind) is None]
    if missing or identifier is None or prefix is None or timestamp is None:
        return missing[0]
    if timestamp.time >= END_OF_TIME:
        return Status.TIMESTAMP_MISMATCH
    return ProxyRegistration(
        identifier.identifier,
        message.sequence,
        message.lifetime,
        timestamp.time,
        None if prefix.prefix == ANY_PREFIX else prefix.prefix,
    )


def proxy_acknowledgement(
    request: BindingUpdate, status: Status, lifetime: int, prefix: IPv6Network | None = None
) -> BindingAcknowledgement:
    """LMA to MAG: what section 5.3.6 has copied, and the home network prefix."""
    options = request.some(_COPIED)
    if prefix is not None:
        options.insert(1, HomeNetworkPrefix(prefix))
    elif asked := request.option(HomeNetworkPrefix):
        options.append(asked)
    flags = BindingAcknowledgementFlag.P
    return BindingAcknowledgement(status, request.sequence, lifetime, flags, tuple(options))


def read_proxy_acknowledgement(message: BindingAcknowledgement) -> ProxyAcknowledgement | None:
    """Read what :func:`proxy_acknowledgement` made; None if it lacks what it must have."""
    identifier = message.option(MobileNodeIdentifier)
    prefix = message.option(HomeNetworkPrefix)
    timestamp = message.option(Timestamp)
    if not (identifier and timestamp):
        return None
    answer = ProxyAcknowledgement(
        identifier.identifier,
        message.sequence,
        message.lifetime,
        timestamp.time,
        message.status,
        prefix.prefix if prefix and prefix.prefix != ANY_PREFIX else None,
    )
    binds = answer.accepted and answer.lifetime
    usable = answer.prefix is not None and answer.prefix.prefixlen == _PREFIX_LENGTH
    return None if binds and not usable else answer


def is_for_pmipv6(message: BindingUpdate | BindingAcknowledgement) -> bool:
    """Whether the flags say proxy registration (RFC 5213), and not distributed (RFC 8885)."""
    if isinstance(message, BindingUpdate):
        relevant = _UPDATE_FLAGS | BindingUpdateFlag.D
        return message.flags & relevant == _UPDATE_FLAGS
    distributed = BindingAcknowledgementFlag.P | BindingAcknowledgementFlag.D
    return message.flags & distributed == BindingAcknowledgementFlag.P
