"""What route optimisation needs of the kernel: who sends to an address, and rules by mark."""

from __future__ import annotations

import socket
from ipaddress import IPv6Address, IPv6Network

import pytest

from agents.kernel.mobile_socket import MARK
from agents.kernel.netlink import Netlink
from agents.kernel.senders import Senders
from agents.kernel.sink import Sink
from tests.namespaces import Namespace, Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

HOME, SENDER, OTHER, FAR = (IPv6Address(f"2001:db8::{n}") for n in (1, 2, 3, 9))
TABLE, PRIORITY = 77, 950


@pytest.fixture
def host(namespaces: Namespaces) -> Namespace:
    made = namespaces.new()
    for address in (HOME, SENDER, OTHER):
        made.add_address("lo", f"{address}/128")
    return made


def send(source: IPv6Address, destination: IPv6Address) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        sock.bind((str(source), 0))
        sock.sendto(b"!", (str(destination), 5000))


def test_those_who_sent_to_the_address_are_found_once(host: Namespace) -> None:
    with host:
        senders = Senders(HOME)
        send(HOME, OTHER)  # who reports that the port is closed, and is no sender
        send(OTHER, SENDER)
        send(SENDER, HOME)
        assert eventually(senders.look) == {SENDER}
        assert senders.look() == set()
        senders.close()


def test_a_connected_socket_follows_the_rule_and_a_marked_one_does_not(host: Namespace) -> None:
    with host, Netlink() as netlink, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        netlink.route_replace(IPv6Network(FAR), oif="lo")
        sink = Sink("elsewhere")
        netlink.last_route(IPv6Network("::/0"), oif=sink.name, table=TABLE)
        sock.connect((str(FAR), 5000))
        sock.send(b"!")
        netlink.rule_add_unmarked(FAR, table=TABLE, priority=PRIORITY)
        sock.send(b"!")
        assert eventually(lambda: (sink.receive() or b"").endswith(b"!"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, MARK)
        sock.send(b"!")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 0)
        netlink.rule_delete_unmarked(FAR, table=TABLE, priority=PRIORITY)
        sock.send(b"!")
        assert not any(packet.endswith(b"!") for packet in iter(sink.receive, None))
        sink.close()
