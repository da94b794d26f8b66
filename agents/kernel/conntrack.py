"""The active flows of this host's addresses, as its packets tell: connection tracking.

A socket that is bound to no address is in no table of sockets with one; what it sends and gets is.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Address
from typing import Any

from pyroute2.netlink import NETLINK_NETFILTER, NLM_F_DUMP
from pyroute2.netlink.nfnetlink import NFNL_SUBSYS_CTNETLINK
from pyroute2.netlink.nfnetlink.nfctsocket import IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_NEW, nfct_msg

from agents.kernel import nftables
from agents.kernel.netlink import set_sysctl
from agents.kernel.netlink_socket import NetlinkSocket

_HEAD = struct.pack("!BBH", socket.AF_INET6, 0, 0)
"""struct nfgenmsg: family, version, resource."""
_CONNECTION, _GET_CONNECTIONS = (
    NFNL_SUBSYS_CTNETLINK << 8 | kind for kind in (IPCTNL_MSG_CT_NEW, IPCTNL_MSG_CT_GET)
)
_SIGNALLING = frozenset({41, 135})
"""The protocols of tunnels and of binding messages, which are nobody's flows."""


class Conntrack:
    """Tracks the flows of the network namespace that the caller is in, from its creation on.

    It does so until the namespace goes: a rule of nftables that looks at the state of connections
    has the kernel keep it. OSError if the kernel cannot.
    """

    def __init__(self) -> None:
        self._netlink = NetlinkSocket(NETLINK_NETFILTER, {_CONNECTION: nfct_msg})
        self._packets: dict[int, int] = {}
        try:
            self._track()
        except BaseException:
            self._netlink.close()
            raise

    def addresses_in_use(self) -> frozenset[IPv6Address]:
        """Both ends of every flow that had a packet since this was last asked."""
        packets, used = {}, set()
        for flow in self._netlink.request(_GET_CONNECTIONS, _HEAD, NLM_F_DUMP):
            key, count = flow.get_attr("CTA_ID"), _packets(flow)
            packets[key] = count
            if count != self._packets.get(key, 0):
                used.update(_ends(flow))
        self._packets = packets
        return frozenset(used)

    def _track(self) -> None:
        table = nftables.Table("emu-flows")
        chain = table.chain("output", nftables.OUTPUT, 0)
        rule = table.rule("output", nftables.connection_state())
        nftables.commit(self._netlink, [table.new(), chain, rule])
        set_sysctl("net/netfilter/nf_conntrack_acct", 1)

    def close(self) -> None:
        """Close the netlink socket."""
        self._netlink.close()


def _packets(flow: Any) -> int:
    """How many packets went either way; 0 for a flow that began before they were counted."""
    counters = (flow.get_attr(f"CTA_COUNTERS_{way}") for way in ("ORIG", "REPLY"))
    return sum(c.get_attr("CTA_COUNTERS_PACKETS") for c in counters if c is not None)


def _ends(flow: Any) -> list[IPv6Address]:
    tuple_ = flow.get_attr("CTA_TUPLE_ORIG")
    if tuple_.get_attr("CTA_TUPLE_PROTO").get_attr("CTA_PROTO_NUM") in _SIGNALLING:
        return []
    ends = tuple_.get_attr("CTA_TUPLE_IP")
    return [IPv6Address(ends.get_attr(f"CTA_IP_V6_{end}")) for end in ("SRC", "DST")]
