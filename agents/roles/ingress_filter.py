"""What a router forwards of that which comes from mobile nodes, and from tunnels to other routers.

By an access link, packets whose source is a mobile node's own (RFC 2827). By a tunnel, those of
mobile nodes that this router anchors, and those to mobile nodes: what finds none must be dropped
(RFC 5213 section 6.10.5). Routed on, it would come back, and again, until the other end learns that
the mobile node has left.
"""

from __future__ import annotations

from ipaddress import IPv6Network

from agents.kernel.netlink import MAIN_TABLE, Netlink

SOURCE_ROUTE_PRIORITY = 1000
"""Of the rules for the prefixes of single mobile nodes; they come before those of this file."""
_OWN_PRIORITY, _MOBILE_NODE_PRIORITY, _FORBIDDEN_PRIORITY = 1001, 1002, 1003
_EVERYWHERE = IPv6Network("::/0")
_NO_MOBILE_NODE = 63
"""Mobile nodes have prefixes of 64 bits; shorter ones lead to other routers."""


def route_only(access: str, *pools: IPv6Network) -> None:
    """Route what comes in by ``access`` if its source is of the pools, or has a source route.

    What is for the router itself, or multicast, is left alone.
    """
    with Netlink() as netlink:
        for pool in pools:
            netlink.rule_add(pool, iif=access, table=MAIN_TABLE, priority=_OWN_PRIORITY)
        netlink.rule_add(_EVERYWHERE, iif=access, table=None, priority=_FORBIDDEN_PRIORITY)


def deliver_only(tunnel: str, pool: IPv6Network | None) -> None:
    """Route what comes out of a tunnel if its source is of the pool, or it is for a mobile node.

    What is for the router itself, or multicast, is left alone.
    """
    with Netlink() as netlink:
        if pool is not None:
            netlink.rule_add(pool, iif=tunnel, table=MAIN_TABLE, priority=_OWN_PRIORITY)
        netlink.rule_add_longer_routes(
            _NO_MOBILE_NODE, iif=tunnel, table=MAIN_TABLE, priority=_MOBILE_NODE_PRIORITY
        )
        netlink.rule_add(_EVERYWHERE, iif=tunnel, table=None, priority=_FORBIDDEN_PRIORITY)


def forget(tunnel: str) -> None:
    """Take back what ``deliver_only`` did; the tunnel may have gone."""
    with Netlink() as netlink:
        netlink.rules_delete_of(tunnel)
