"""The messages that add and delete rules of routing."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, IPv6Network

from pyroute2.netlink import nlmsg
from pyroute2.netlink.rtnl.fibmsg import FR_ACT_BLACKHOLE, FR_ACT_TO_TBL, fibmsg

_EVERYWHERE = IPv6Network("::/0")
_WHOLE_MARK = 0xFFFFFFFF


def rule(source: IPv6Network, iif: str | None, table: int | None, priority: int) -> nlmsg:
    """Packets from ``source`` (that came in by ``iif``) look in ``table``; None: drop them."""
    message = fibmsg()
    message["family"] = socket.AF_INET6
    message["src_len"] = source.prefixlen
    message["action"] = FR_ACT_BLACKHOLE if table is None else FR_ACT_TO_TBL
    message["attrs"] = [("FRA_SRC", str(source.network_address)), ("FRA_PRIORITY", priority)]
    if table is not None:
        message["attrs"].append(("FRA_TABLE", table))
    if iif is not None:
        message["attrs"].append(("FRA_IIFNAME", iif))
    return message


def unmarked(destination: IPv6Address, table: int, priority: int) -> nlmsg:
    """Packets to an address look in ``table``, but not those of sockets with SO_MARK."""
    message = rule(_EVERYWHERE, None, table, priority)
    message["dst_len"] = destination.max_prefixlen
    message["attrs"] += [
        ("FRA_DST", str(destination)),
        ("FRA_FWMARK", 0),
        ("FRA_FWMASK", _WHOLE_MARK),
    ]
    return message
