"""The PBUs and PBAs of the exchange: how each is made, and what its receiver reads in it.

A reader gives None for a message that lacks what it must have, so that a core can count it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network
from typing import NamedTuple

from agents.mobility.actions import MobileNode
from agents.mobility.anchors import SIZE, Anchor, anchor_options, read_anchors
from agents.mobility.context import Records, read_subscriptions, subscription_options
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
    AnchoredPrefix,
    DlifLinkLayerAddress,
    DlifLinkLocalAddress,
    Handoff,
    HandoffIndicator,
    LocalPrefix,
    MobileNodeIdentifier,
    MobileNodeLinkLayerIdentifier,
    MobilityOption,
    ServingMaar,
    Timestamp,
)

_UPDATE_FLAGS = BindingUpdateFlag.A | BindingUpdateFlag.P | BindingUpdateFlag.D
_ACKNOWLEDGEMENT_FLAGS = BindingAcknowledgementFlag.P | BindingAcknowledgementFlag.D
_COPIED: tuple[type[MobilityOption], ...] = (
    MobileNodeIdentifier,
    HandoffIndicator,
    AccessTechnologyType,
    Timestamp,
)

MAXIMUM_PREVIOUS_MARS = 16
"""A PBA is at most 2,048 octets long; each previous MAR takes 72 of them, the context up to
``CONTEXT_ROOM``, authentication 32, the rest under 304."""
TOO_MANY_MARS = f"more than {MAXIMUM_PREVIOUS_MARS} previous MARs"
"""Why the prefix goes that is anchored where the mobile node has not been for the longest time."""

END_OF_TIME = 1 << 63
"""Timestamps from here on (ns since 1970: the year 2262) are no time that a clock shows."""


class Registration(NamedTuple):
    """What a PBU from a serving MAR to the CMD says; ``anchor`` is that MAR itself."""

    identifier: str
    sequence: int
    lifetime: int
    timestamp: int
    anchor: Anchor
    asks: bool
    """Whether it asks for the context that the mobile node brings along."""
    subscriptions: Records
    """The context that the mobile node takes along, which has just left."""
    released: tuple[IPv6Network, ...] = ()
    """Prefixes that others need not anchor any more: no flow uses them."""


class AnchorUpdate(NamedTuple):
    """What a PBU from the CMD to a previous MAR says; without ``serving`` it is the last one."""

    identifier: str
    sequence: int
    lifetime: int
    timestamp: int
    prefix: IPv6Network
    serving: IPv6Address | None
    asks: bool
    """Whether it asks for the context that the mobile node took along."""
    anchors: tuple[Anchor, ...]
    """All previous MARs, if the serving MAR is to be told by them (the CMD is a locator)."""
    claimant: Anchor | None = None
    """Without a CMD: the MAR that sent it, as an anchor itself."""


class Acknowledgement(NamedTuple):
    """What both kinds of PBA say; ``anchors`` are the previous MARs, latest left last."""

    identifier: str
    sequence: int
    lifetime: int
    timestamp: int
    status: int
    anchors: tuple[Anchor, ...]
    subscriptions: Records | None
    """The context that the mobile node brings along; None: it is not in this message."""

    @property
    def accepted(self) -> bool:
        """Whether the PBU was accepted (RFC 6275 section 6.1.8)."""
        return self.status < Status.REASON_UNSPECIFIED


def registration(
    mobile_node: MobileNode,
    anchor: Anchor,
    sequence: int,
    lifetime: int,
    timestamp: int,
    again: bool,
    subscriptions: Records | None = None,
    released: Iterable[IPv6Network] = (),
) -> BindingUpdate:
    """S-MAR to CMD: this mobile node is (lifetime 0: no longer is) here; ``again``: it still is.

    ``subscriptions`` is the context that it took along, or empty to ask for what it brought. The
    prefixes ``released`` need not be anchored any more.
    """
    handoff = Handoff.NOT_CHANGED if again else Handoff.UNKNOWN
    options: tuple[MobilityOption, ...] = (
        MobileNodeIdentifier(mobile_node.identifier),
        LocalPrefix(anchor.prefix),
        HandoffIndicator(handoff),
        AccessTechnologyType(AccessTechnology.WLAN),
        MobileNodeLinkLayerIdentifier(mobile_node.link_layer_address),
        Timestamp(timestamp),
        DlifLinkLocalAddress(anchor.link_local),
        DlifLinkLayerAddress(anchor.link_layer_address),
    )
    options += tuple(AnchoredPrefix(prefix) for prefix in released)
    flags = _UPDATE_FLAGS
    if subscriptions is not None:
        flags |= BindingUpdateFlag.S
        options += tuple(subscription_options(subscriptions))
    return BindingUpdate(sequence, lifetime, flags, options)


def read_registration(message: BindingUpdate, source: IPv6Address) -> Registration | None:
    """Read what :func:`registration` made."""
    identifier = message.option(MobileNodeIdentifier)
    prefix = message.option(LocalPrefix)
    timestamp = message.option(Timestamp)
    link_local = message.option(DlifLinkLocalAddress)
    link_layer = message.option(DlifLinkLayerAddress)
    if not (identifier and prefix and timestamp and link_local and link_layer):
        return None
    anchor, time = Anchor.of_sender(source, prefix, link_local, link_layer), timestamp.time
    if time >= END_OF_TIME or len(anchor.octets) != SIZE:
        return None
    subscriptions = read_subscriptions(message)
    return Registration(
        identifier.identifier,
        message.sequence,
        message.lifetime,
        time,
        anchor,
        BindingUpdateFlag.S in message.flags and not subscriptions,
        subscriptions,
        tuple([option.prefix for option in message.all(AnchoredPrefix)]),
    )


def anchor_update(
    identifier: str,
    anchor: Anchor,
    serving: IPv6Address | None,
    sequence: int,
    lifetime: int,
    timestamp: int,
    asks: bool = False,
    anchors: Iterable[Anchor] = (),
) -> BindingUpdate:
    """CMD to P-MAR: the mobile node that you anchor this prefix for is at the serving MAR.

    Without a serving MAR (lifetime 0): it has left the domain. With ``asks``: what did it listen
    to? With all ``anchors``: answer the serving MAR, too.
    """
    options: tuple[MobilityOption, ...] = (
        MobileNodeIdentifier(identifier),
        anchor.anchored_prefix(),
        Timestamp(timestamp),
    )
    if serving is not None:
        options += (ServingMaar(serving),)
    options += tuple(anchor_options(anchors))
    flags = _UPDATE_FLAGS | BindingUpdateFlag.S if asks else _UPDATE_FLAGS
    return BindingUpdate(sequence, lifetime, flags, options)


def read_anchor_update(message: BindingUpdate) -> AnchorUpdate | None:
    """Read what :func:`anchor_update` made."""
    identifier = message.option(MobileNodeIdentifier)
    prefix = message.option(AnchoredPrefix)
    timestamp = message.option(Timestamp)
    serving = message.option(ServingMaar)
    anchors = read_anchors(message.options)
    if not (identifier and prefix and timestamp) or timestamp.time >= END_OF_TIME:
        return None
    if bool(message.lifetime) != bool(serving):
        return None
    if anchors is None or len(anchors) > MAXIMUM_PREVIOUS_MARS:
        return None
    return AnchorUpdate(
        identifier.identifier,
        message.sequence,
        message.lifetime,
        timestamp.time,
        prefix.prefix,
        serving.address if serving else None,
        BindingUpdateFlag.S in message.flags,
        anchors,
    )


def claim(
    mobile_node: MobileNode,
    own: Anchor,
    anchored: IPv6Network,
    sequence: int,
    lifetime: int,
    timestamp: int,
    again: bool,
    asks: bool,
) -> BindingUpdate:
    """S-MAR to P-MARs, without a CMD: what :func:`registration` says, and what it is asked for."""
    message = registration(
        mobile_node, own, sequence, lifetime, timestamp, again, () if asks else None
    )
    return replace(message, options=(*message.options, AnchoredPrefix(anchored)))


def read_claim(message: BindingUpdate, source: IPv6Address) -> AnchorUpdate | None:
    """Read what :func:`claim` made."""
    request = read_registration(message, source)
    anchored = message.option(AnchoredPrefix)
    if request is None or anchored is None:
        return None
    return AnchorUpdate(
        request.identifier,
        request.sequence,
        request.lifetime,
        request.timestamp,
        anchored.prefix,
        source if request.lifetime else None,
        request.asks,
        (),
        request.anchor,
    )


def acknowledgement(
    request: BindingUpdate,
    status: Status,
    lifetime: int,
    previous: Iterable[Anchor] = (),
    subscriptions: Records | None = None,
) -> BindingAcknowledgement:
    """The answer to either PBU: it copies what RFC 5213 section 5.3.6 has copied.

    The answer to an S-MAR names each previous MAR, followed by the options of its DLIF.
    """
    options = request.some(_COPIED)
    options += anchor_options(previous)
    flags = _ACKNOWLEDGEMENT_FLAGS
    if subscriptions is not None:
        flags |= BindingAcknowledgementFlag.S
        options += subscription_options(subscriptions)
    return BindingAcknowledgement(status, request.sequence, lifetime, flags, tuple(options))


def read_acknowledgement(message: BindingAcknowledgement) -> Acknowledgement | None:
    """Read what :func:`acknowledgement` made."""
    identifier = message.option(MobileNodeIdentifier)
    timestamp = message.option(Timestamp)
    anchors = read_anchors(message.options)
    if not (identifier and timestamp) or anchors is None:
        return None
    return Acknowledgement(
        identifier.identifier,
        message.sequence,
        message.lifetime,
        timestamp.time,
        message.status,
        anchors,
        read_subscriptions(message) if BindingAcknowledgementFlag.S in message.flags else None,
    )


def is_for_dmm(message: BindingUpdate | BindingAcknowledgement) -> bool:
    """Whether the flags say proxy registration (RFC 5213) and distributed (RFC 8885)."""
    if isinstance(message, BindingUpdate):
        return _UPDATE_FLAGS in message.flags
    return _ACKNOWLEDGEMENT_FLAGS in message.flags
