"""TUN and TAP devices: links whose other side is a file descriptor."""

from __future__ import annotations

import fcntl
import os
import struct

_PATH = "/dev/net/tun"
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_TAP, _IFF_NO_PI = 0x0001, 0x0002, 0x1000


def open_tun(name: str, *, tap: bool = False) -> int:
    """Create a TUN device, which has IP packets, or a TAP device, which has Ethernet frames.

    It lives until the returned descriptor is closed.
    """
    kind = _IFF_TAP if tap else _IFF_TUN
    descriptor = os.open(_PATH, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.ioctl(
            descriptor, _TUNSETIFF, struct.pack("16sH22x", name.encode(), kind | _IFF_NO_PI)
        )
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
