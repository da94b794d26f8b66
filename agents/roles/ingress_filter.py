"""Ingress filtering at an access link (RFC 2827): mobile nodes send from their own prefixes."""

from __future__ import annotations

from ipaddress import IPv6Network

from agents.kernel.netlink import MAIN_TABLE, Netlink
from agents.roles.forwarding_part import RULE_PRIORITY

_EVERYWHERE = IPv6Network("::/0")
_OWN_PRIORITY, _FORGED_PRIORITY = RULE_PRIORITY + 1, RULE_PRIORITY + 2


def route_only(access: str, *pools: IPv6Network) -> None:
    """Route what comes in by ``access`` if its source is of the pools, or has a source route.

    Those come first. What is for the router itself, or multicast, is left alone.
    """
    with Netlink() as netlink:
        for pool in pools:
            netlink.rule_add(pool, iif=access, table=MAIN_TABLE, priority=_OWN_PRIORITY)
        netlink.rule_add(_EVERYWHERE, iif=access, table=None, priority=_FORGED_PRIORITY)
