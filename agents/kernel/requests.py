"""The messages that ask the kernel about links, addresses, routes and neighbours."""

from __future__ import annotations

import socket
import struct
from ipaddress import IPv6Address, IPv6Interface, IPv6Network

from agents.kernel.attributes import (
    ADDRESS_HEAD,
    LINK_HEAD,
    NEIGHBOUR_HEAD,
    ROUTE_HEAD,
    address,
    attribute,
    nested,
    number,
    octet,
    text,
)

_NAME, _MTU, _KIND_OF_LINK, _FAMILIES = 3, 4, 18, 26
"""IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINKINFO, IFLA_AF_SPEC."""
_INFO_KIND, _INFO_DATA = 1, 2
_ADDR_GEN_MODE, _ADDR_GEN_MODE_NONE = 8, 1
_ADDRESS, _LOCAL, _CACHE_INFO, _FLAGS = 1, 2, 6, 8
"""IFA_ADDRESS, IFA_LOCAL, IFA_CACHEINFO, IFA_FLAGS."""
_LIFETIMES = struct.Struct("=4I")
_DESTINATION, _SOURCE, _OUTPUT, _GATEWAY, _PRIORITY, _PREFERRED_SOURCE, _TABLE = (
    1,
    2,
    4,
    5,
    6,
    7,
    15,
)
"""RTA_DST, RTA_SRC, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_TABLE."""
PROTOCOL_STATIC = 4
_TYPE_UNICAST, _TYPE_LOCAL = 1, 2
_NEIGHBOUR, _NEIGHBOUR_ADDRESS = 1, 2
"""NDA_DST, NDA_LLADDR."""
_STALE = 0x04
"""NUD_STALE."""


def link(index: int, *, flags: int = 0, change: int = 0) -> bytes:
    """A link that is there, and those of its flags that are to change."""
    return LINK_HEAD.pack(socket.AF_UNSPEC, 0, index, flags, change)


def new_link(name: str, kind: str, data: bytes) -> bytes:
    """A link to be; ``data`` are its kind's own attributes."""
    information = text(_INFO_KIND, kind) + (attribute(_INFO_DATA, data) if data else b"")
    return link(0) + text(_NAME, name) + nested(_KIND_OF_LINK, information)


def mtu(octets: int) -> bytes:
    """Of a link."""
    return number(_MTU, octets)


def no_address_generation() -> bytes:
    """The link gets no link-local address of the kernel's choice."""
    mode = octet(_ADDR_GEN_MODE, _ADDR_GEN_MODE_NONE)
    return nested(_FAMILIES, nested(socket.AF_INET6, mode))


def ip_address(
    index: int,
    interface: IPv6Interface,
    flags: int = 0,
    lifetimes: tuple[int, int] | None = None,
) -> bytes:
    """An address on a link; ``lifetimes`` are the preferred and the valid one, in s."""
    length = interface.network.prefixlen
    message = ADDRESS_HEAD.pack(socket.AF_INET6, length, 0, 0, index)
    message += address(_LOCAL, interface.ip) + address(_ADDRESS, interface.ip)
    if flags:
        message += number(_FLAGS, flags)
    if lifetimes is not None:
        message += attribute(_CACHE_INFO, _LIFETIMES.pack(*lifetimes, 0, 0))
    return message


def all_addresses() -> bytes:
    """The IPv6 addresses of all links."""
    return ADDRESS_HEAD.pack(socket.AF_INET6, 0, 0, 0, 0)


def lookup(destination: IPv6Address, source: IPv6Address | None) -> bytes:
    """How a packet to this destination would leave."""
    length = 0 if source is None else source.max_prefixlen
    message = _route_head(destination.max_prefixlen, length) + address(_DESTINATION, destination)
    return message if source is None else message + address(_SOURCE, source)


def all_routes() -> bytes:
    """The IPv6 routes of all tables."""
    return _route_head(0)


def route(
    prefix: IPv6Network,
    table: int,
    metric: int,
    *,
    output: int | None = None,
    via: IPv6Address | None = None,
    source: IPv6Address | None = None,
) -> bytes:
    """A static route by a link, a next hop or both."""
    message = _route(prefix, table, metric, PROTOCOL_STATIC, _TYPE_UNICAST)
    if output is not None:
        message += number(_OUTPUT, output)
    if via is not None:
        message += address(_GATEWAY, via)
    if source is not None:
        message += address(_PREFERRED_SOURCE, source)
    return message


def local_route(prefix: IPv6Network, table: int, output: int) -> bytes:
    """A route that says: this host itself."""
    message = _route(prefix, table, 0, PROTOCOL_STATIC, _TYPE_LOCAL)
    return message + number(_OUTPUT, output)


def any_route(
    prefix: IPv6Network, table: int, metric: int, via: IPv6Address | None = None
) -> bytes:
    """Whatever route there is: whoever made it, and, without ``via``, wherever it leads."""
    message = _route(prefix, table, metric)
    return message if via is None else message + address(_GATEWAY, via)


def neighbour(index: int, host: IPv6Address, link_layer: bytes) -> bytes:
    """Where on a link a host is said to be: used at once, and verified by its use."""
    head = NEIGHBOUR_HEAD.pack(socket.AF_INET6, index, _STALE, 0, 0)
    return head + address(_NEIGHBOUR, host) + attribute(_NEIGHBOUR_ADDRESS, link_layer)


def _route(prefix: IPv6Network, table: int, metric: int, protocol: int = 0, kind: int = 0) -> bytes:
    message = _route_head(prefix.prefixlen, protocol=protocol, kind=kind)
    message += address(_DESTINATION, prefix.network_address)
    return message + number(_TABLE, table) + number(_PRIORITY, metric)


def _route_head(
    destination_length: int, source_length: int = 0, *, protocol: int = 0, kind: int = 0
) -> bytes:
    return ROUTE_HEAD.pack(
        socket.AF_INET6, destination_length, source_length, 0, 0, protocol, 0, kind, 0
    )
