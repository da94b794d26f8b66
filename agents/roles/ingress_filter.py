"""Ingress filtering at an access link (RFC 2827): mobile nodes send from their own prefixes."""

from __future__ import annotations

from ipaddress import IPv6Network

from agents.kernel.netlink import MAIN_TABLE, Netlink
from agents.roles.forwarding_part import RULE_PRIORITY

EVERYWHERE = IPv6Network("::/0")
_OWN_PRIORITY, _FORGED_PRIORITY = RULE_PRIORITY + 1, RULE_PRIORITY + 2


def route_only(pool: IPv6Network, access: str) -> None:
    """Route what comes in by ``access`` if its source is of the pool, or has a source route.

    Those come first. What is for the router itself, or multicast, is left alone.
    """
    with Netlink() as netlink:
        netlink.rule_add(pool, iif=access, table=MAIN_TABLE, priority=_OWN_PRIORITY)
        netlink.rule_add(EVERYWHERE, iif=access, table=None, priority=_FORGED_PRIORITY)
