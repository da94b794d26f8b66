"""Carries the loss of carrier at one end of a delay line's link over to the other end."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import socket
import struct

_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCETHTOOL = 0x8913, 0x8914, 0x8946
_ETHTOOL_GLINK = 0x0A
_IFF_UP = 0x1
_IFREQ = struct.Struct("=16s24s")
_RTMGRP_LINK = 1
_RECEIVE_SIZE = 1 << 16


class CarrierMirror:
    """Keeps the two interfaces of each pair alike: up together, or down together.

    An interface that loses its carrier has its partner set down, so that the node at the other end
    loses its carrier, as if one cable joined the nodes; and up again when the carrier returns.
    """

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self._pairs = pairs
        self._down: set[str] = set()
        self._control = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._events = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        self._events.bind((0, _RTMGRP_LINK))
        for pair in pairs:
            for interface in pair:
                self._set_up(interface)
        self._compare()

    def fileno(self) -> int:
        """The descriptor, readable when links changed."""
        return self._events.fileno()

    def update(self) -> None:
        """Act on the changes that wait."""
        while True:
            try:
                self._events.recv(_RECEIVE_SIZE)
            except BlockingIOError:
                break
            except OSError:  # too many at once to keep; the comparison below needs none of them
                continue
        self._compare()

    def _compare(self) -> None:
        for pair in list(self._pairs):
            try:
                self._align(*pair)
            except OSError as error:
                if error.errno != errno.ENODEV:
                    raise
                self._pairs.remove(pair)  # the link has been deleted

    def _align(self, a: str, b: str) -> None:
        """Compare one pair. At most one of it is set down; the other one shows its carrier."""
        for interface, partner in ((a, b), (b, a)):
            if interface in self._down:
                continue
            carrier = self._carrier(interface)
            if not carrier and partner not in self._down:
                self._set_down(partner)
            elif carrier and partner in self._down:
                self._set_up(partner)

    def _carrier(self, interface: str) -> bool:
        """Whether the other end of the interface is up, at this very moment."""
        # The flag IFF_RUNNING would lag behind: the kernel updates it from a work queue.
        question = ctypes.create_string_buffer(struct.pack("=II", _ETHTOOL_GLINK, 0))
        self._ioctl(_SIOCETHTOOL, interface, struct.pack("@P", ctypes.addressof(question)))
        return bool(struct.unpack_from("=II", question)[1])

    def _flags(self, interface: str) -> int:
        flags: int = struct.unpack_from("=H", self._ioctl(_SIOCGIFFLAGS, interface))[0]
        return flags

    def _set_up(self, interface: str) -> None:
        self._down.discard(interface)
        self._set_flags(interface, self._flags(interface) | _IFF_UP)

    def _set_down(self, interface: str) -> None:
        self._down.add(interface)
        self._set_flags(interface, self._flags(interface) & ~_IFF_UP)

    def _set_flags(self, interface: str, flags: int) -> None:
        self._ioctl(_SIOCSIFFLAGS, interface, struct.pack("=H", flags))

    def _ioctl(self, request: int, interface: str, argument: bytes = b"") -> bytes:
        """Make an interface request: struct ifreq is the name and 24 bytes of its argument."""
        return fcntl.ioctl(self._control, request, _IFREQ.pack(interface.encode(), argument))[16:]
