"""How datagrams to an endpoint leave this host: the kernel's answer, for IPv4 and IPv6 alike."""

from __future__ import annotations

import fcntl
import socket
import struct
from ipaddress import IPv4Address, IPv6Address
from typing import Any

from pyroute2.netlink import rtnl

from agents.kernel.attributes import ROUTE_HEAD, attribute
from agents.kernel.netlink_socket import NetlinkSocket
from agents.kernel.replication_layout import Way

_DESTINATION = 1
"""RTA_DST."""
_UNICAST = 1
"""RTN_UNICAST."""
_SIOCGIFMTU, _SIOCGIFHWADDR = 0x8921, 0x8927
_ETHERNET = 1
"""ARPHRD_ETHER."""


def way_to(netlink: NetlinkSocket, address: IPv6Address) -> Way | None:
    """The way to an address, mapped if it is one of IPv4; None: there is none now.

    Nor is there one to an address that is no other host's: it may be a stranger's wish.
    """
    plain = address.ipv4_mapped or address
    if plain.is_multicast or plain.is_unspecified or plain.is_link_local or plain.is_loopback:
        return None
    family = socket.AF_INET if plain.version == 4 else socket.AF_INET6
    head = ROUTE_HEAD.pack(family, plain.max_prefixlen, 0, 0, 0, 0, 0, 0, 0)
    try:
        answer = netlink.request(rtnl.RTM_GETROUTE, head + attribute(_DESTINATION, plain.packed))[0]
        output = answer.get_attr("RTA_OIF")
        source = answer.get_attr("RTA_PREFSRC")
        if output is None or source is None or answer["type"] != _UNICAST:
            return None
        mtu = _metric_mtu(answer) or _device_mtu(output)
    except OSError:
        return None
    return Way(output, _mapped(_next_hop(answer) or str(plain)), _mapped(source), mtu)


def _next_hop(answer: Any) -> str | None:
    gateway = answer.get_attr("RTA_GATEWAY")
    via = answer.get_attr("RTA_VIA")
    if gateway is None and via is not None:
        gateway = via["addr"]
    return None if gateway is None else str(gateway)


def _metric_mtu(answer: Any) -> int | None:
    """What routers, or the route, say."""
    metrics = answer.get_attr("RTA_METRICS")
    mtu = None if metrics is None else metrics.get_attr("RTAX_MTU")
    return None if mtu is None else int(mtu)


def is_ethernet(name: str) -> bool:
    """Whether packets of a link have Ethernet headers; OSError: it is not there."""
    (kind,) = struct.unpack_from("H", _ask(name, _SIOCGIFHWADDR), 16)
    return bool(kind == _ETHERNET)


def _device_mtu(index: int) -> int:
    (mtu,) = struct.unpack_from("i", _ask(socket.if_indextoname(index), _SIOCGIFMTU), 16)
    return int(mtu)


def _ask(name: str, number: int) -> bytes:
    """The struct ifreq that the kernel answers with."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        return fcntl.ioctl(control, number, struct.pack("16s24x", name.encode()))


def _mapped(text: str) -> IPv6Address:
    if ":" in text:
        return IPv6Address(text)
    return IPv6Address(bytes(10) + b"\xff\xff" + IPv4Address(text).packed)
