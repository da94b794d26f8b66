"""The active flows of this host's addresses, as its packets tell: connection tracking.

A socket that is bound to no address is in no table of sockets with one; what it sends and gets is.
"""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Address
from typing import Any

from pyroute2.netlink import NETLINK_NETFILTER, NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP
from pyroute2.netlink.nfnetlink import NFNL_SUBSYS_CTNETLINK, NFNL_SUBSYS_NFTABLES
from pyroute2.netlink.nfnetlink.nfctsocket import IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_NEW, nfct_msg
from pyroute2.netlink.nfnetlink.nftsocket import (
    NFT_MSG_NEWCHAIN,
    NFT_MSG_NEWRULE,
    NFT_MSG_NEWTABLE,
)

from agents.kernel.attributes import attribute, nested, text
from agents.kernel.netlink import set_sysctl
from agents.kernel.netlink_socket import NetlinkSocket

_HEAD = struct.Struct("!BBH")
"""struct nfgenmsg: family, version, resource."""
_BIG_ENDIAN = struct.Struct("!I")
_BATCH_BEGIN, _BATCH_END = 0x10, 0x11
_CONNECTION, _GET_CONNECTIONS = (
    NFNL_SUBSYS_CTNETLINK << 8 | kind for kind in (IPCTNL_MSG_CT_NEW, IPCTNL_MSG_CT_GET)
)
_NEW_TABLE, _NEW_CHAIN, _NEW_RULE = (
    NFNL_SUBSYS_NFTABLES << 8 | kind
    for kind in (NFT_MSG_NEWTABLE, NFT_MSG_NEWCHAIN, NFT_MSG_NEWRULE)
)
_TABLE, _CHAIN, _HOOK, _TYPE, _EXPRESSIONS = 1, 3, 4, 7, 4
"""NFTA_CHAIN_TABLE (also _TABLE_NAME, _RULE_TABLE), _NAME, _HOOK, _TYPE; _RULE_EXPRESSIONS."""
_RULE_CHAIN, _ELEMENT, _NAME, _DATA = 2, 1, 1, 2
"""NFTA_RULE_CHAIN, NFTA_LIST_ELEM, NFTA_EXPR_NAME, NFTA_EXPR_DATA."""
_HOOK_NUMBER, _HOOK_PRIORITY, _OUTPUT = 1, 2, 3
_CT_REGISTER, _CT_KEY, _STATE = 1, 2, 0
_SIGNALLING = frozenset({41, 135})
"""The protocols of tunnels and of binding messages, which are nobody's flows."""


def _big_endian(kind: int, value: int) -> bytes:
    return attribute(kind, _BIG_ENDIAN.pack(value))


def _head(family: int, resource: int = 0) -> bytes:
    return _HEAD.pack(family, 0, resource)


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
        for flow in self._netlink.request(_GET_CONNECTIONS, _head(socket.AF_INET6), NLM_F_DUMP):
            key, count = flow.get_attr("CTA_ID"), _packets(flow)
            packets[key] = count
            if count != self._packets.get(key, 0):
                used.update(_ends(flow))
        self._packets = packets
        return frozenset(used)

    def _track(self) -> None:
        family, table = _head(socket.AF_INET6), text(_TABLE, "emu-flows")
        hook = nested(_HOOK, _big_endian(_HOOK_NUMBER, _OUTPUT), _big_endian(_HOOK_PRIORITY, 0))
        chain = table + text(_CHAIN, "output") + hook + text(_TYPE, "filter")
        state = nested(_DATA, _big_endian(_CT_REGISTER, 1), _big_endian(_CT_KEY, _STATE))
        expressions = nested(_EXPRESSIONS, nested(_ELEMENT, text(_NAME, "ct") + state))
        rule = table + text(_RULE_CHAIN, "output") + expressions
        self._netlink.batch(
            [
                (_BATCH_BEGIN, _head(socket.AF_UNSPEC, NFNL_SUBSYS_NFTABLES), 0),
                (_NEW_TABLE, family + table, NLM_F_CREATE),
                (_NEW_CHAIN, family + chain, NLM_F_CREATE),
                (_NEW_RULE, family + rule, NLM_F_CREATE | NLM_F_ACK),
                (_BATCH_END, _head(socket.AF_UNSPEC, NFNL_SUBSYS_NFTABLES), 0),
            ]
        )
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
