"""Watching packets in namespaces, with patience instead of fixed waits."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agents.kernel.sockets import Frame, LinkSocket
from tests.namespaces import Namespace
from tests.patience import PATIENCE_S, eventually

_ETH_P_ALL = 3
_ETH_P_IPV6 = 0x86DD


@contextmanager
def capture(namespace: Namespace, interface: str) -> Iterator[socket.socket]:
    """A socket that sees every packet of an interface, in both directions."""
    with namespace:
        frames = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
        frames.bind((interface, _ETH_P_ALL))
    with frames:
        yield frames


def wait_for(frames: socket.socket, wanted: Callable[[bytes], bool]) -> bytes:
    """The first captured IPv6 packet that is wanted."""
    frames.settimeout(PATIENCE_S)
    while True:
        packet, sender = frames.recvfrom(1 << 17)
        if sender[1] == _ETH_P_IPV6 and wanted(packet.ljust(64, b"\0")):
            return packet


def receive(link: LinkSocket, wanted: Callable[[Frame], bool] = lambda frame: True) -> Frame:
    """The first frame of a link socket that is wanted."""

    def attempt() -> Frame | None:
        frame = link.receive()
        return frame if frame and wanted(frame) else None

    return eventually(attempt)
