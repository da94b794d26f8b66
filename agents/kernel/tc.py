"""eBPF programs on the ingress and egress of a link: clsact and direct-action filters."""

from __future__ import annotations

import errno
import socket
from typing import Any

from pyroute2.netlink import NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, rtnl

from agents.kernel.attributes import TRAFFIC_CONTROL_HEAD, nested, number, text
from agents.kernel.netlink_socket import NetlinkSocket

INGRESS, EGRESS = 0xFFFFFFF2, 0xFFFFFFF3

_CLSACT_HANDLE, _CLSACT_PARENT = 0xFFFF0000, 0xFFFFFFF1
_PRIORITY = 0x2473
"""All our filters have this one, so a user's own can go before or after them."""
_ETH_P_ALL = 0x0003
_KIND, _OPTIONS = 1, 2
"""TCA_KIND, TCA_OPTIONS."""
_PROGRAM, _NAME, _FLAGS = 6, 7, 8
"""TCA_BPF_FD, TCA_BPF_NAME, TCA_BPF_FLAGS."""
_DIRECT_ACTION = 1
_ABSENT = frozenset({errno.ENOENT, errno.ENODEV, errno.EINVAL})


def add_clsact(netlink: NetlinkSocket, index: int) -> None:
    """Give a link the place where programs hang; one that is there serves as well."""
    clsact = message(index, _CLSACT_PARENT, _CLSACT_HANDLE, "clsact")
    try:
        netlink.request(rtnl.RTM_NEWQDISC, clsact, NLM_F_CREATE | NLM_F_EXCL)
    except FileExistsError:
        return


def attach(
    netlink: NetlinkSocket,
    index: int,
    direction: int,
    handle: int,
    program: int,
    name: str,
    *,
    replaces: bool = False,
) -> None:
    """Hang a loaded program on a link; ``handle`` is unique among the link's programs.

    If it ``replaces`` the one that has this handle, no packet comes between the two.
    """
    options = nested(
        _OPTIONS, number(_PROGRAM, program), text(_NAME, name), number(_FLAGS, _DIRECT_ACTION)
    )
    whole = message(index, direction, handle, "bpf", _filter_information()) + options
    flags = NLM_F_CREATE if replaces else NLM_F_CREATE | NLM_F_EXCL
    netlink.request(rtnl.RTM_NEWTFILTER, whole, flags)


def detach(netlink: NetlinkSocket, index: int, direction: int, handle: int) -> None:
    """Take a program off a link; none is left if the link itself has gone."""
    program = message(index, direction, handle, "bpf", _filter_information())
    try:
        netlink.request(rtnl.RTM_DELTFILTER, program)
    except OSError as error:
        if error.errno not in _ABSENT:
            raise


def handles(netlink: NetlinkSocket, index: int, direction: int, name: str) -> list[int]:
    """Of the programs of this name on a link, whoever attached them."""
    wanted = message(index, direction, 0, "bpf", _filter_information())
    try:
        filters = netlink.request(rtnl.RTM_GETTFILTER, wanted, NLM_F_DUMP)
    except OSError as error:
        if error.errno not in _ABSENT:
            raise
        return []
    return [one["handle"] for one in filters if _program_name(one) == name]


def _program_name(message: Any) -> str | None:
    options = message.get_attr("TCA_OPTIONS")
    name = None if options is None else options.get_attr("TCA_BPF_NAME")
    return None if name is None else str(name)


def detach_all(netlink: NetlinkSocket, index: int, direction: int) -> None:
    """Take every program of ours off a link, whoever attached it."""
    detach(netlink, index, direction, 0)


def _filter_information() -> int:
    return _PRIORITY << 16 | socket.htons(_ETH_P_ALL)


def message(index: int, parent: int, handle: int, kind: str, information: int = 0) -> bytes:
    """About a queueing discipline or a filter of this kind, on a link."""
    head = TRAFFIC_CONTROL_HEAD.pack(socket.AF_UNSPEC, index, handle, parent, information)
    return head + text(_KIND, kind)
