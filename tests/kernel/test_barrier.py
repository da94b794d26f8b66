"""A barrier keeps a host from hearing some others, by address or by identifier, and nobody else."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from agents.kernel.barrier import Barrier
from tests.namespaces import Namespaces
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root

HOST, GROUP, PORT = "2001:db8:1::1", "ff0e::c1", 5001
FIXED, MOBILE, MOVED, FENCE = "2001:db8:1::2", "2001:db8:1::5", "2001:db8:7::5", "2001:db8:1::f"


def packed(address: str) -> bytes:
    return socket.inet_pton(socket.AF_INET6, address)


class Lan:
    """A host with a barrier, and another that speaks from several addresses."""

    def __init__(self, namespaces: Namespaces, opened: ExitStack) -> None:
        host, self._peer = namespaces.new(), namespaces.new()
        self._opened = opened
        namespaces.link(host, "h", self._peer, "p", f"{HOST}/64", f"{FIXED}/64")
        for address in (MOBILE, MOVED, FENCE):
            self._peer.add_address("p", f"{address}/64")
        with host:
            index = socket.if_nametoindex("h").to_bytes(4, "little")
            self._listener = opened.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
            self.barrier = Barrier()
            opened.callback(self.barrier.close)
        self._listener.bind(("::", PORT))
        self._listener.settimeout(PATIENCE_S)
        group = packed(GROUP) + index
        self._listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, group)

    def heard(self) -> list[tuple[str, str]]:
        """What comes of a datagram from each address, to the host and to a group."""
        for source in (FIXED, MOBILE, MOVED):
            for destination in (HOST, GROUP):
                self._send(source, destination)
        self._send(FENCE, HOST)
        found: list[tuple[str, str]] = []
        while True:
            text, (source, *_) = self._listener.recvfrom(64)
            if source == FENCE:
                return found
            found.append((source, text.decode()))

    def _send(self, source: str, destination: str) -> None:
        with self._peer, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
            index = socket.if_nametoindex("p")
            sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
            sender.bind((source, 0))
            sender.sendto(destination.encode(), (destination, PORT))


def both(*sources: str) -> list[tuple[str, str]]:
    return [(source, destination) for source in sources for destination in (HOST, GROUP)]


def test_who_is_blocked_is_not_heard_until_it_is_not(
    namespaces: Namespaces, opened: ExitStack
) -> None:
    lan = Lan(namespaces, opened)
    assert lan.heard() == both(FIXED, MOBILE, MOVED)
    lan.barrier.block({packed(FIXED)})
    assert lan.heard() == both(MOBILE, MOVED)
    lan.barrier.block({packed(MOBILE)[8:]})
    assert lan.heard() == both(FIXED)
    lan.barrier.block(set())
    assert lan.heard() == both(FIXED, MOBILE, MOVED)
