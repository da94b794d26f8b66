"""Doing things inside a network namespace from outside, many at a time."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from agents.kernel.libc import enter_network

_SIOCETHTOOL = 0x8946
_ETHTOOL_STXCSUM, _ETHTOOL_SGSO = 0x17, 0x24


@contextlib.contextmanager
def entered(namespace: Path) -> Iterator[None]:
    """Run the body, in this thread, inside the network namespace that the file stands for."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    target = os.open(namespace, os.O_RDONLY)
    try:
        enter_network(target)
        try:
            yield
        finally:
            enter_network(home)
    finally:
        os.close(target)
        os.close(home)


def batch(tool: str, commands: Iterable[str]) -> None:
    """Run many ``ip`` or ``tc`` commands in one process; the first that fails is an error."""
    lines = list(commands)
    if not lines:
        return
    done = subprocess.run(
        [tool, "-batch", "-"], input="\n".join(lines) + "\n", encoding="utf-8", capture_output=True
    )
    if done.returncode != 0:
        raise RuntimeError(f"{tool}: {done.stderr.strip()}")


def set_ipv6(settings: Mapping[str, int]) -> None:
    """Write sysctls below net.ipv6.conf, such as ``all/forwarding``."""
    for name, value in settings.items():
        Path("/proc/sys/net/ipv6/conf", name).write_text(str(value), encoding="utf-8")


def disable_offload(interfaces: Iterable[str]) -> None:
    """Have the interfaces send packets as they are on a wire: with checksums, none above the MTU.

    User-space switches, delay lines and captures would otherwise see what the kernel leaves to
    hardware.
    """
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
        for interface in interfaces:
            for command in (_ETHTOOL_STXCSUM, _ETHTOOL_SGSO):
                value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
                pointer = ctypes.addressof(value)
                request = struct.pack("16sP16x", interface.encode(), pointer)
                fcntl.ioctl(control, _SIOCETHTOOL, request)
