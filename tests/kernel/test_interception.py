"""A transparent proxy gets the connections it is meant to get, and no others."""

from __future__ import annotations

import select
import socket
from contextlib import ExitStack
from ipaddress import IPv6Address, IPv6Network

import pytest

from agents.kernel.interception import HTTP, Interception
from tests.namespaces import Namespace, Namespaces
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root

USER, OTHER_USER = "2001:db8:1:1::2", "2001:db8:1:2::2"
SERVER, OTHER_SERVER = "2001:db8:5::2", "2001:db8:5::3"
PREFIX = IPv6Network("2001:db8:1:1::/64")
PORT, IPV6_TRANSPARENT = 3128, 75


class Path:
    """user ── router, which has a proxy ── server."""

    def __init__(self, namespaces: Namespaces, opened: ExitStack) -> None:
        self._opened = opened
        self.user, self.server = namespaces.new(), namespaces.new()
        self.router = namespaces.router()
        namespaces.link(self.user, "u", self.router, "r", f"{USER}/64", "2001:db8:1:1::1/64")
        namespaces.link(self.server, "s", self.router, "q", f"{SERVER}/64", "2001:db8:5::1/64")
        self.user.add_address("u", f"{OTHER_USER}/64")
        self.router.add_address("r", "2001:db8:1:2::1/64")
        self.server.add_address("s", f"{OTHER_SERVER}/64")
        self.user.run("ip", "-6", "route", "add", "default", "via", "2001:db8:1:1::1")
        self.server.run("ip", "-6", "route", "add", "default", "via", "2001:db8:5::1")
        self.origin = self.listen(self.server, HTTP)
        self.proxy = self.listen(self.router, PORT, transparent=True)

    def listen(self, host: Namespace, port: int, *, transparent: bool = False) -> socket.socket:
        with host:
            listening = self._opened.enter_context(socket.socket(socket.AF_INET6))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if transparent:
            listening.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
        listening.bind(("::", port))
        listening.listen()
        listening.settimeout(PATIENCE_S)
        return listening

    def connect(self, server: str = SERVER, user: str = USER, port: int = HTTP) -> socket.socket:
        with self.user:
            client = self._opened.enter_context(socket.socket(socket.AF_INET6))
        client.settimeout(PATIENCE_S)
        client.bind((user, 0))
        client.connect((server, port))
        return client


@pytest.fixture
def path(namespaces: Namespaces, opened: ExitStack) -> Path:
    return Path(namespaces, opened)


@pytest.fixture
def interception(path: Path, opened: ExitStack) -> Interception:
    with path.router:
        made = Interception(IPv6Address(SERVER), PORT)
    opened.callback(made.close)
    return made


def is_taken(path: Path, client: socket.socket) -> bool:
    """Whether the proxy, and not the server, has the connection, which then works."""
    client.sendall(b"question")
    (has_it,), _, _ = select.select([path.proxy, path.origin], [], [], PATIENCE_S)
    taken, peer = has_it.accept()
    if has_it is path.proxy:
        assert taken.getsockname()[:2] == client.getpeername()[:2]
    assert peer[:2] == client.getsockname()[:2]
    assert taken.recv(8) == b"question"
    taken.sendall(b"answer")
    assert client.recv(6) == b"answer"
    by_proxy = taken.getsockname()[1] == HTTP and taken.family == socket.AF_INET6
    with taken:
        return by_proxy and taken.getsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT) == 1


def test_only_new_connections_from_the_prefixes_to_the_server_are_taken(
    path: Path, interception: Interception
) -> None:
    before = path.connect()
    assert not is_taken(path, before)
    ongoing = path.connect()
    interception.add(PREFIX)
    assert not is_taken(path, ongoing)
    assert is_taken(path, path.connect())
    assert not is_taken(path, path.connect(user=OTHER_USER))
    assert not is_taken(path, path.connect(OTHER_SERVER))


def test_what_was_taken_goes_on_when_its_prefix_is_no_longer_taken(
    path: Path, interception: Interception
) -> None:
    interception.add(PREFIX)
    client = path.connect()
    interception.remove(PREFIX)
    assert is_taken(path, client)
    assert not is_taken(path, path.connect())


def test_without_anybody_who_listens_packets_go_on(path: Path, interception: Interception) -> None:
    interception.add(PREFIX)
    path.proxy.close()
    client = path.connect()
    taken, _ = path.origin.accept()
    with taken:
        taken.sendall(b"answer")
        assert client.recv(6) == b"answer"


def test_the_server_is_asked_from_the_address_of_the_user(
    path: Path, interception: Interception, opened: ExitStack
) -> None:
    interception.add(PREFIX)
    client = path.connect()
    taken, peer = path.proxy.accept()
    with path.router:
        asking = opened.enter_context(socket.socket(socket.AF_INET6))
    asking.setsockopt(socket.IPPROTO_IPV6, IPV6_TRANSPARENT, 1)
    asking.settimeout(PATIENCE_S)
    asking.bind((peer[0], 0))
    asking.connect(taken.getsockname()[:2])
    asked, asker = path.origin.accept()
    assert asker[0] == USER
    asked.sendall(b"from the origin")
    assert asking.recv(20) == b"from the origin"
    taken.close()
    asked.close()
    client.close()


def test_one_that_was_killed_leaves_nothing_to_the_next(path: Path, opened: ExitStack) -> None:
    with path.router:
        first = Interception(IPv6Address(OTHER_SERVER), PORT)
        first.add(PREFIX)
        first.close()
        second = Interception(IPv6Address(SERVER), PORT)
    opened.callback(second.close)
    assert not is_taken(path, path.connect(OTHER_SERVER))
    assert not is_taken(path, path.connect())
    second.add(PREFIX)
    second.add(PREFIX)
    assert is_taken(path, path.connect())
