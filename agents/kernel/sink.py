"""A link that ends in this process: what the kernel sends there is read here."""

from __future__ import annotations

import os
from ipaddress import IPv6Address, IPv6Interface

from agents.kernel.netlink import Netlink
from agents.kernel.tun_device import open_tun

_LINK_LOCAL = IPv6Interface((IPv6Address("fe80::1"), 64))
_MAXIMUM_PACKET = 65575


class Sink:
    """A TUN device, gone with the process. What is not read waits, and soon is dropped."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._descriptor = open_tun(name)
        os.set_blocking(self._descriptor, False)
        with Netlink() as netlink:
            netlink.disable_address_generation(name)
            netlink.up(name)
            netlink.add_address(name, _LINK_LOCAL, nodad=True)

    def fileno(self) -> int:
        """The descriptor, readable when a packet waits."""
        return self._descriptor

    def receive(self) -> bytes | None:
        """The next packet; None when nothing waits."""
        try:
            return os.read(self._descriptor, _MAXIMUM_PACKET)
        except BlockingIOError:
            return None

    def close(self) -> None:
        """Delete the device."""
        os.close(self._descriptor)
