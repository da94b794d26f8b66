"""A link's packets, whose handler may be the one that ends the link."""

from __future__ import annotations

import errno
from typing import Any

import pytest

from agents.kernel.sockets import Frame
from agents.roles import link_port
from agents.roles.link_port import LinkPort
from agents.wire import ipv6, mld

REPORT = ipv6.packet(mld.UNSPECIFIED, mld.ALL_NODES, ipv6.ICMPV6, bytes([143]) + bytes(7))


class Daemon:
    """Does at once what an agent's loop would do."""

    def watch(self, fd: int, readable: Any) -> None:
        self.readable = readable

    def unwatch(self, fd: int) -> None:
        pass

    def aside(self, call: Any) -> None:
        call()


class Socket:
    """Has packets for ever, until it is closed."""

    def __init__(self, name: str) -> None:
        self._closed = False

    def fileno(self) -> int:
        return 7

    def receive(self) -> Frame:
        if self._closed:
            raise OSError(errno.EBADF, "Bad file descriptor")
        return Frame(REPORT, bytes(6), outgoing=False, time=0)

    def close(self) -> None:
        self._closed = True


def test_a_packet_may_end_its_link(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a report by a tunnel does that nobody needs from then on."""
    monkeypatch.setattr(link_port, "LinkSocket", Socket)
    daemon, seen = Daemon(), []

    def end(frame: Frame, packet: ipv6.IPv6Packet, link: str) -> None:
        seen.append(link)
        port.close()

    port = LinkPort(daemon, "tun-mar1", {143: end})  # type: ignore[arg-type]
    daemon.readable()
    assert seen == ["tun-mar1"]
