"""A virtual interface made ready: addresses, MTU, and multicast by it, all gone when it closes.

By ioctls alone, so that a program of its own needs no package for it.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path

from agents.kernel.tun_device import open_tun

_SIOCADDRT, _SIOCSIFFLAGS, _SIOCSIFADDR, _SIOCSIFNETMASK = 0x890B, 0x8914, 0x8916, 0x891C
_SIOCSIFMTU, _SIOCSIFTXQLEN, _SIOCGIFCONF = 0x8922, 0x8943, 0x8912
_IFF_UP, _IFF_MULTICAST = 0x1, 0x1000
_RTF_UP = 0x1
_IFREQ = 40
_QUEUE = 4096
"""Packets that wait to be read: those of some 15 ms at the highest rate."""
_GLOBAL_SCOPE = "00"
_TENTATIVE, _OPTIMISTIC = 0x40, 0x04

Address = IPv4Interface | IPv6Interface


class VirtualInterface:
    """A TUN or TAP interface of this program.

    ``default``: IPv4 groups go by it when a program names no interface. Of IPv6 the kernel takes
    the first interface, whatever routes there are.

    Reads and writes are whole packets, or with ``tap`` whole Ethernet frames. OSError: the kernel
    does not let us have it.
    """

    def __init__(
        self, name: str, addresses: Iterable[Address], mtu: int, *, tap: bool, default: bool
    ) -> None:
        self.name = name
        self._descriptor = open_tun(name, tap=tap)
        try:
            os.set_blocking(self._descriptor, False)
            self._set_up(list(addresses), mtu, default=default)
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        """The descriptor, readable when a packet waits."""
        return self._descriptor

    def read_into(self, buffer: memoryview) -> int:
        """Read the next packet into a buffer; its length, 0: there is none."""
        try:
            return os.readv(self._descriptor, (buffer,))
        except BlockingIOError:
            return 0

    def write(self, packet: bytes | memoryview) -> bool:
        """Let a packet come in here; False: the interface does not take it."""
        try:
            os.write(self._descriptor, packet)
        except OSError:  # set down by somebody, or a packet that is none
            return False
        return True

    def close(self) -> None:
        """The interface is gone, and its addresses and routes with it."""
        os.close(self._descriptor)

    def _set_up(self, addresses: list[Address], mtu: int, *, default: bool) -> None:
        with _control(socket.AF_INET) as control:
            self._request(control, _SIOCSIFMTU, struct.pack("i", mtu))
            self._request(control, _SIOCSIFTXQLEN, struct.pack("i", _QUEUE))
            _filter_nothing(self.name)
            self._request(control, _SIOCSIFFLAGS, struct.pack("h", _IFF_UP | _IFF_MULTICAST))
            for address in addresses:
                if isinstance(address, IPv4Interface):
                    self._request(control, _SIOCSIFADDR, _inet(address.ip))
                    self._request(control, _SIOCSIFNETMASK, _inet(address.netmask))
            if default and any(isinstance(address, IPv4Interface) for address in addresses):
                self._route_groups_v4(control)
        sixes = [address for address in addresses if isinstance(address, IPv6Interface)]
        if sixes:
            self._set_up_v6(sixes)

    def _set_up_v6(self, addresses: list[IPv6Interface]) -> None:
        index = socket.if_nametoindex(self.name)
        with _control(socket.AF_INET6) as control:
            for address in addresses:
                length = address.network.prefixlen
                request = address.ip.packed + struct.pack("Ii", length, index)
                fcntl.ioctl(control, _SIOCSIFADDR, request)

    def _route_groups_v4(self, control: socket.socket) -> None:
        """224.0.0.0/4 goes by the interface: struct rtentry."""
        name = self.name.encode() + b"\0"
        with _pinned(name) as pointer:
            route = struct.pack(
                "@L16s16s16sHhLPhPLLH",
                0,
                _inet(IPv4Address("224.0.0.0")),
                _inet(IPv4Address(0)),
                _inet(IPv4Address("240.0.0.0")),
                _RTF_UP,
                0,
                0,
                0,
                0,
                pointer,
                0,
                0,
                0,
            )
            fcntl.ioctl(control, _SIOCADDRT, route)

    def _request(self, control: socket.socket, number: int, value: bytes) -> None:
        """One of the requests that take a struct ifreq."""
        fcntl.ioctl(control, number, struct.pack("16s24s", self.name.encode(), value))


def local_addresses(besides: str) -> list[IPv4Address | IPv6Address]:
    """The addresses of this host that others may reach, but for those of one interface."""
    return [*_local_v4(besides), *_local_v6(besides)]


def _local_v4(besides: str) -> Iterator[IPv4Address]:
    buffer = bytearray(_IFREQ * 256)
    with _control(socket.AF_INET) as control, _pinned(buffer) as pointer:
        answer = fcntl.ioctl(control, _SIOCGIFCONF, struct.pack("@iP", len(buffer), pointer))
    (length,) = struct.unpack_from("i", answer)
    for start in range(0, length, _IFREQ):
        name = bytes(buffer[start : start + 16]).partition(b"\0")[0].decode()
        address = IPv4Address(bytes(buffer[start + 20 : start + 24]))
        if name.partition(":")[0] != besides and not address.is_loopback:
            yield address


def _local_v6(besides: str) -> Iterator[IPv6Address]:
    try:
        lines = Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:  # a kernel without IPv6
        return
    for line in lines:
        packed, _, _, scope, flags, name = line.split()
        unusable = int(flags, 16) & (_TENTATIVE | _OPTIMISTIC) == _TENTATIVE
        if scope == _GLOBAL_SCOPE and name != besides and not unusable:
            yield IPv6Address(bytes.fromhex(packed))


def _filter_nothing(name: str) -> None:
    """Packets come from any source here: routes say nothing about members of an overlay."""
    with contextlib.suppress(OSError):
        Path(f"/proc/sys/net/ipv4/conf/{name}/rp_filter").write_text("0", encoding="ascii")


def _inet(address: IPv4Address) -> bytes:
    """struct sockaddr_in."""
    return struct.pack("HH4s8x", socket.AF_INET, 0, address.packed)


@contextlib.contextmanager
def _control(family: int) -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_DGRAM) as control:
        yield control


@contextlib.contextmanager
def _pinned(data: bytes | bytearray) -> Iterator[int]:
    """The address of some octets, as long as it is needed."""
    if isinstance(data, bytes):
        kept = ctypes.create_string_buffer(data, len(data))
        yield ctypes.addressof(kept)
    else:
        array = (ctypes.c_char * len(data)).from_buffer(data)
        yield ctypes.addressof(array)
