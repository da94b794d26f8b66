"""The process of a relay tunnel: copies packets between a TUN device and a raw socket.

It runs as a script, on the standard library alone, and ends when the pipe that is its standard
input closes, so it cannot outlive the agent that started it.
"""

from __future__ import annotations

import os
import select
import sys

_MAXIMUM_PACKET = 65575
_BURST = 64


def _copy(source: int, target: int) -> None:
    """Copy waiting packets one by one; what the target refuses (no route, no room) is lost."""
    for _ in range(_BURST):
        try:
            packet = os.read(source, _MAXIMUM_PACKET)
        except BlockingIOError:
            return
        except OSError:  # an ICMPv6 error that came back for an earlier packet
            continue
        try:
            os.write(target, packet)
        except OSError:
            continue


def main(device: int, underlay: int) -> None:
    """Relay between the device and the socket until standard input closes."""
    os.set_blocking(device, False)
    os.set_blocking(underlay, False)
    other = {device: underlay, underlay: device}
    epoll = select.epoll()
    for descriptor in (device, underlay, sys.stdin.fileno()):
        epoll.register(descriptor, select.EPOLLIN)
    while True:
        for descriptor, _ in epoll.poll():
            if descriptor not in other:
                return
            _copy(descriptor, other[descriptor])


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
