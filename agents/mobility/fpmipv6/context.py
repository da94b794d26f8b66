"""What one MAG tells another of a mobile node: messages of RFC 5949, made and read."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from agents.wire import ipv6
from agents.wire.fast_handover import (
    AcknowledgeFlag,
    Code,
    HandoverAcknowledge,
    HandoverInitiate,
    InitiateCode,
    InitiateFlag,
)
from agents.wire.mobility_options import (
    ContextRequest,
    HomeNetworkPrefix,
    LocalMobilityAnchorAddress,
    MobileNodeIdentifier,
    MobileNodeInterfaceIdentifier,
    MobileNodeLinkLayerIdentifier,
    MobilityOption,
    Timestamp,
)

PREFIX_LENGTH = 64
"""Of a home network prefix, from which a host makes itself an address (RFC 4862)."""
_LINK_LAYER_ADDRESS_LENGTH = 6
_ASKED = (HomeNetworkPrefix, LocalMobilityAnchorAddress, MobileNodeLinkLayerIdentifier)


@dataclass(frozen=True)
class Context:
    """Of one mobile node: what the next MAG would otherwise have to ask the LMA for."""

    identifier: str
    link_layer_address: bytes
    prefix: IPv6Network
    lma: IPv6Address
    timestamp: int
    """Of its attachment at the MAG that says it, ns since 1970."""

    def options(self) -> tuple[MobilityOption, ...]:
        """The mobile node, what it has, and where it is registered (section 4.1, steps c and d)."""
        host = ipv6.link_local(self.link_layer_address)
        return (
            MobileNodeIdentifier(self.identifier),
            HomeNetworkPrefix(self.prefix),
            LocalMobilityAnchorAddress(self.lma),
            MobileNodeLinkLayerIdentifier(self.link_layer_address),
            MobileNodeInterfaceIdentifier(host.packed[8:]),
            Timestamp(self.timestamp),
        )


def announcement(context: Context, sequence: int) -> HandoverInitiate:
    """Previous to next MAG: it will come to you, and what is for it I send you from now on."""
    flags = InitiateFlag.P | InitiateFlag.F
    code = InitiateCode.ALL_CONTEXT_TRANSFERRED
    return HandoverInitiate(sequence, flags, code, context.options())


def question(
    identifier: str, link_layer_address: bytes, timestamp: int, sequence: int
) -> HandoverInitiate:
    """Next to previous MAG: it came here at this time; who is it? Keep what is for it meanwhile."""
    options = (
        MobileNodeIdentifier(identifier),
        ContextRequest.of(_ASKED),
        MobileNodeLinkLayerIdentifier(link_layer_address),
        Timestamp(timestamp),
    )
    return HandoverInitiate(sequence, InitiateFlag.P | InitiateFlag.U, 0, options)


def request(question: HandoverInitiate, sequence: int) -> HandoverInitiate:
    """Next to previous MAG, after the question: forward what you have kept, and what will come."""
    kinds = (MobileNodeIdentifier, MobileNodeLinkLayerIdentifier, Timestamp)
    options = tuple(question.some(kinds))
    return HandoverInitiate(sequence, InitiateFlag.P | InitiateFlag.F, 0, options)


def completion(identifier: str, sequence: int) -> HandoverInitiate:
    """Previous to next MAG: I forward nothing any more."""
    flags = InitiateFlag.P | InitiateFlag.F
    options = (MobileNodeIdentifier(identifier),)
    return HandoverInitiate(sequence, flags, InitiateCode.FORWARDING_COMPLETED, options)


def answer(
    request: HandoverInitiate, code: Code, context: Context | None = None
) -> HandoverAcknowledge:
    """The acknowledgement of an HI; what identifies the node is copied from it (section 6.1.2)."""
    flags = AcknowledgeFlag.P
    if code < Code.NOT_ACCEPTED:
        flags |= AcknowledgeFlag.F if request.flags & InitiateFlag.F else 0
        flags |= AcknowledgeFlag.U if request.flags & InitiateFlag.U else 0
    identifier = request.option(MobileNodeIdentifier)
    assert identifier is not None  # or there would be no answer
    options = context.options() if context else (identifier,)
    return HandoverAcknowledge(request.sequence, flags, code, options)


def read_context(message: HandoverInitiate | HandoverAcknowledge) -> Context | None:
    """The context in a message; None if it is not whole, or contradicts itself."""
    identifier = message.option(MobileNodeIdentifier)
    prefix = message.option(HomeNetworkPrefix)
    anchor = message.option(LocalMobilityAnchorAddress)
    link_layer = message.option(MobileNodeLinkLayerIdentifier)
    timestamp = message.option(Timestamp)
    if not (identifier and prefix and anchor and link_layer and timestamp):
        return None
    address = anchor.address
    if not isinstance(address, IPv6Address) or prefix.prefix.prefixlen != PREFIX_LENGTH:
        return None
    if len(link_layer.address) != _LINK_LAYER_ADDRESS_LENGTH:
        return None
    return Context(
        identifier.identifier, link_layer.address, prefix.prefix, address, timestamp.time
    )
