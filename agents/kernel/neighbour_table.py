"""The kernel's table of IPv6 neighbours: one for all network namespaces of a machine, and bounded.

Its limit (``net.ipv6.neigh.default.gc_thresh3``) is the first namespace's alone to change; how full
the table is every namespace may ask.
"""

from __future__ import annotations

import socket
import struct
from dataclasses import dataclass

from pyroute2.netlink import NLM_F_DUMP, rtnl
from pyroute2.netlink.rtnl.ndtmsg import ndtmsg

from agents.kernel.netlink_socket import NetlinkSocket

_NAME = "ndisc_cache"
_HEAD = struct.Struct("=B3x")
"""struct ndtmsg."""


class _Table(ndtmsg):  # type: ignore[misc]
    """With the last of ``struct ndt_stats``: how often the table was full."""

    class stats(ndtmsg.stats):  # type: ignore[misc]
        """Since the machine started."""

        fields = (*ndtmsg.stats.fields, ("table_fulls", "Q"))


@dataclass(frozen=True)
class NeighbourTable:
    """The table at a moment."""

    limit: int
    """Entries, beyond the permanent ones, of which further ones are refused."""
    entries: int
    """All that there are."""
    refused: int
    """Entries that were refused since the machine started, each with the packet it was for."""


def neighbour_table() -> NeighbourTable:
    """The table now."""
    netlink = NetlinkSocket(socket.NETLINK_ROUTE, {rtnl.RTM_NEWNEIGHTBL: _Table})
    try:
        answers = netlink.request(rtnl.RTM_GETNEIGHTBL, _HEAD.pack(socket.AF_INET6), NLM_F_DUMP)
    finally:
        netlink.close()
    table = next(
        answer
        for answer in answers
        if answer.get_attr("NDTA_NAME") == _NAME and answer.get_attr("NDTA_CONFIG") is not None
    )
    return NeighbourTable(
        limit=table.get_attr("NDTA_THRESH3"),
        entries=table.get_attr("NDTA_CONFIG")["entries"],
        refused=table.get_attr("NDTA_STATS")["table_fulls"],
    )
