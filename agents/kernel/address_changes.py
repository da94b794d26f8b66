"""Tells that the addresses of this host may have become others, by the standard library alone."""

from __future__ import annotations

import socket

_NETLINK_ROUTE = 0
_IPV4_ADDRESSES, _IPV6_ADDRESSES = 0x10, 0x100
"""RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR."""


class AddressChanges:
    """A descriptor that is readable when an address came, went, or can be used now."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_ROUTE)
        self._socket.setblocking(False)
        self._socket.bind((0, _IPV4_ADDRESSES | _IPV6_ADDRESSES))

    def fileno(self) -> int:
        """The descriptor."""
        return self._socket.fileno()

    def clear(self) -> None:
        """Whatever was told so far is known."""
        while True:
            try:
                self._socket.recv(1 << 16)
            except BlockingIOError:
                return
            except OSError:  # ENOBUFS: there was more than it could tell
                continue

    def close(self) -> None:
        """Close it."""
        self._socket.close()
