"""The messages that add and delete rules of routing."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, IPv6Network

from agents.kernel.attributes import ROUTE_HEAD, address, number, text

_EVERYWHERE = IPv6Network("::/0")
_WHOLE_MARK = 0xFFFFFFFF
_TO_TABLE, _BLACKHOLE = 1, 6
"""FR_ACT_TO_TBL, FR_ACT_BLACKHOLE."""
_DESTINATION, _SOURCE, _INPUT, _PRIORITY, _MARK = 1, 2, 3, 6, 10
"""FRA_DST, FRA_SRC, FRA_IIFNAME, FRA_PRIORITY, FRA_FWMARK."""
_SUPPRESS_PREFIX_LENGTH, _TABLE, _MARK_MASK = 14, 15, 16
"""FRA_SUPPRESS_PREFIXLEN, FRA_TABLE, FRA_FWMASK."""


def rule(source: IPv6Network, iif: str | None, table: int | None, priority: int) -> bytes:
    """Packets from ``source`` (that came in by ``iif``) look in ``table``; None: drop them."""
    return _rule(_EVERYWHERE, source, iif, table, priority)


def longer_routes(length: int, iif: str, table: int, priority: int) -> bytes:
    """Packets that came in by ``iif`` look in ``table`` for prefixes longer than ``length``."""
    shorter = number(_SUPPRESS_PREFIX_LENGTH, length)
    return _rule(_EVERYWHERE, _EVERYWHERE, iif, table, priority) + shorter


def unmarked(
    destination: IPv6Address, source: IPv6Address | None, table: int, priority: int
) -> bytes:
    """Packets to an address, from one or (None) from any, look in ``table``, unless the socket that
    sends them has SO_MARK.
    """
    origin = _EVERYWHERE if source is None else IPv6Network(source)
    return (
        _rule(IPv6Network(destination), origin, None, table, priority)
        + number(_MARK, 0)
        + number(_MARK_MASK, _WHOLE_MARK)
    )


def marked(mark: int, table: int, priority: int) -> bytes:
    """Packets with a mark look in ``table``."""
    return _rule(_EVERYWHERE, _EVERYWHERE, None, table, priority) + number(_MARK, mark)


def of_priority(priority: int) -> bytes:
    """Any rule of this priority."""
    return _head(0, 0, 0) + number(_PRIORITY, priority)


def of_interface(iif: str) -> bytes:
    """Any rule for what comes in by ``iif``, even if it has gone."""
    return _head(0, 0, 0) + text(_INPUT, iif)


def _rule(
    destination: IPv6Network,
    source: IPv6Network,
    iif: str | None,
    table: int | None,
    priority: int,
) -> bytes:
    action = _BLACKHOLE if table is None else _TO_TABLE
    message = _head(destination.prefixlen, source.prefixlen, action) + number(_PRIORITY, priority)
    if destination.prefixlen:
        message += address(_DESTINATION, destination.network_address)
    if source.prefixlen:
        message += address(_SOURCE, source.network_address)
    if table is not None:
        message += number(_TABLE, table)
    if iif is not None:
        message += text(_INPUT, iif)
    return message


def _head(destination_length: int, source_length: int, action: int) -> bytes:
    return ROUTE_HEAD.pack(
        socket.AF_INET6, destination_length, source_length, 0, 0, 0, 0, action, 0
    )
