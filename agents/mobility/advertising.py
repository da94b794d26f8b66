"""The Router Advertisements that a serving MAR sends to one mobile node."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND, Action
from agents.mobility.actions import Advertise, AdvertisedPrefix, MobileNode
from agents.mobility.anchors import Anchor
from agents.mobility.config import MarConfig
from agents.mobility.sessions import Session

_MAXIMUM_ROUTER_LIFETIME = 9000
"""AdvDefaultLifetime's upper bound, seconds (RFC 4861 section 6.2.1)."""

_INITIAL_ADVERTISEMENTS = 3
"""MAX_INITIAL_RTR_ADVERTISEMENTS (RFC 4861 section 10)."""

_INITIAL_INTERVAL = 1 * SECOND


def advertisements(config: MarConfig, session: Session) -> list[Action]:
    """Each anchor's prefix, deprecated, from its DLIF; last its own, as the default router.

    So the mobile node keeps its old addresses for the flows that use them, and takes the new one
    for what is to come; it sees each anchor as a router that is still there (RFC 8885 section 3.6).
    In this order a node that does its mobility itself knows at once what it need not care for.
    """
    mobile_node, lifetime = session.mobile_node, session.lifetime
    actions: list[Action] = []
    for anchor in session.anchors:
        old = AdvertisedPrefix(anchor.prefix, preferred_lifetime=0, valid_lifetime=lifetime)
        actions.append(Advertise(mobile_node, anchor.link_local, 0, (old,)))
    own = advertisement(mobile_node, config.link_local, session.prefix, lifetime)
    return [*actions, replace(own, home_agent=config.address if config.home_agent else None)]


def advertisement(
    mobile_node: MobileNode, router: IPv6Address, prefix: IPv6Network, lifetime: int
) -> Advertise:
    """From the default router: the prefix to use, for ``lifetime`` seconds."""
    own = AdvertisedPrefix(prefix, preferred_lifetime=lifetime, valid_lifetime=lifetime)
    return Advertise(mobile_node, router, min(lifetime, _MAXIMUM_ROUTER_LIFETIME), (own,))


def withdrawals(session: Session, before: Iterable[Anchor]) -> list[Action]:
    """The idle prefixes of anchors of before that are none any more: no lifetime at all.

    A host heeds that for a valid lifetime above two hours only; else the deprecated address stays
    until the lifetime that it had is over (RFC 4862 section 5.5.3).
    """
    gone = (a for a in before if a.prefix in session.idle and a not in session.anchors)
    return [
        Advertise(
            session.mobile_node,
            anchor.link_local,
            0,
            (AdvertisedPrefix(anchor.prefix, preferred_lifetime=0, valid_lifetime=0),),
        )
        for anchor in gone
    ]


def next_advertisement(sent: int, lifetime: int) -> int:
    """ns until the next ones: a few at once, since one may be lost; then thrice a lifetime."""
    if sent < _INITIAL_ADVERTISEMENTS:
        return _INITIAL_INTERVAL
    return min(lifetime, _MAXIMUM_ROUTER_LIFETIME) * SECOND // 3
