"""An RFC 2473 tunnel of a TUN device and a process of plain Python, for kernels without eBPF."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from ipaddress import IPv6Address

from agents.kernel import relay
from agents.kernel.netlink import Netlink
from agents.kernel.tun_device import open_tun

_IPV6_IN_IPV6 = 41
_BUFFER = 4 << 20
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33


class RelayTunnel:
    """The process of one tunnel, which holds its device and its socket."""

    def __init__(
        self, netlink: Netlink, name: str, local: IPv6Address, remote: IPv6Address
    ) -> None:
        device = open_tun(name)
        try:
            with _open_socket(local, remote) as underlay:
                descriptors = device, underlay.fileno()
                self._process = subprocess.Popen(
                    [sys.executable, "-I", relay.__file__, *map(str, descriptors)],
                    stdin=subprocess.PIPE,
                    pass_fds=descriptors,
                    start_new_session=True,
                )
        finally:
            os.close(device)

    def reroute(self) -> None:
        """Nothing to do: the kernel looks for the way of each packet that the socket sends."""

    def close(self) -> None:
        """End the process, and with it the device."""
        self._process.communicate()


def _open_socket(local: IPv6Address, remote: IPv6Address) -> socket.socket:
    """A socket for the payload of packets with next header 41 between the two ends."""
    underlay = socket.socket(socket.AF_INET6, socket.SOCK_RAW, _IPV6_IN_IPV6)
    underlay.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _BUFFER)
    underlay.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    underlay.bind((str(local), 0))
    underlay.connect((str(remote), 0))
    return underlay
