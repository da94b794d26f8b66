"""eBPF programs on the ingress and egress of a link: clsact and direct-action filters."""

from __future__ import annotations

import errno
import socket

from pyroute2.netlink import NLM_F_CREATE, NLM_F_EXCL, nlmsg, rtnl
from pyroute2.netlink.rtnl.tcmsg import tcmsg

from agents.kernel.rtnetlink import RtNetlink

INGRESS, EGRESS = 0xFFFFFFF2, 0xFFFFFFF3

_CLSACT_HANDLE, _CLSACT_PARENT = 0xFFFF0000, 0xFFFFFFF1
_PRIORITY = 0x2473
"""All our filters have this one, so a user's own can go before or after them."""
_ETH_P_ALL = 0x0003
_DIRECT_ACTION = 1
_ABSENT = frozenset({errno.ENOENT, errno.ENODEV, errno.EINVAL})


def add_clsact(netlink: RtNetlink, index: int) -> None:
    """Give a link the place where programs hang; one that is there serves as well."""
    message = _message(index, _CLSACT_PARENT, _CLSACT_HANDLE, "clsact")
    try:
        netlink.request(rtnl.RTM_NEWQDISC, message, NLM_F_CREATE | NLM_F_EXCL)
    except FileExistsError:
        return


def attach(
    netlink: RtNetlink, index: int, direction: int, handle: int, program: int, name: str
) -> None:
    """Hang a loaded program on a link; ``handle`` is unique among the link's programs."""
    message = _message(index, direction, handle, "bpf", _filter_information())
    options = [
        ("TCA_BPF_FD", program),
        ("TCA_BPF_NAME", name),
        ("TCA_BPF_FLAGS", _DIRECT_ACTION),
    ]
    message["attrs"].append(("TCA_OPTIONS", {"attrs": options}))
    netlink.request(rtnl.RTM_NEWTFILTER, message, NLM_F_CREATE | NLM_F_EXCL)


def detach(netlink: RtNetlink, index: int, direction: int, handle: int) -> None:
    """Take a program off a link; none is left if the link itself has gone."""
    message = _message(index, direction, handle, "bpf", _filter_information())
    try:
        netlink.request(rtnl.RTM_DELTFILTER, message)
    except OSError as error:
        if error.errno not in _ABSENT:
            raise


def detach_all(netlink: RtNetlink, index: int, direction: int) -> None:
    """Take every program of ours off a link, whoever attached it."""
    detach(netlink, index, direction, 0)


def _filter_information() -> int:
    return _PRIORITY << 16 | socket.htons(_ETH_P_ALL)


def _message(index: int, parent: int, handle: int, kind: str, information: int = 0) -> nlmsg:
    message = tcmsg()
    message["family"] = socket.AF_UNSPEC
    message["index"] = index
    message["parent"] = parent
    message["handle"] = handle
    message["info"] = information
    message["attrs"] = [("TCA_KIND", kind)]
    return message
