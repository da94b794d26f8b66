"""Packets with Mobile IPv6's extension headers: read beside the kernel, and kept from it."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv6Address

import pytest

from agents.kernel import socket_filter
from agents.kernel.mobile_socket import MobileSocket, keep_from_kernel
from agents.wire import ipv6, mobile_packet
from agents.wire.mobile_packet import MobilePacket
from tests.kernel.packets import capture, wait_for
from tests.namespaces import Namespace, Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

LEFT, RIGHT = IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2")
HOME = IPv6Address("2001:db8:a000::7")
"""Of nobody here."""
PARAMETER_PROBLEM = 4
UNKNOWN = 253
PADDING = bytes((UNKNOWN, 0, 1, 4, 0, 0, 0, 0))
"""A destination options header of padding alone, before a payload of the unknown protocol."""


@pytest.fixture
def left(namespaces: Namespaces) -> Namespace:
    return namespaces.new()


@pytest.fixture
def right(namespaces: Namespaces, left: Namespace) -> Namespace:
    other = namespaces.new()
    namespaces.link(left, "a", other, "b", f"{LEFT}/64", f"{RIGHT}/64")
    return other


@pytest.fixture
def sockets(left: Namespace, right: Namespace) -> Iterator[tuple[MobileSocket, MobileSocket]]:
    with ExitStack() as stack:
        made = []
        for namespace in (left, right):
            with namespace:
                made.append(MobileSocket())
            stack.callback(made[-1].close)
        yield made[0], made[1]


def packet(**extensions: IPv6Address) -> MobilePacket:
    """One with a next header that no kernel knows: if it got so far, it would be refused."""
    return MobilePacket(LEFT, RIGHT, UNKNOWN, b"12345678", **extensions)


@pytest.mark.parametrize("extension", ["home_address", "routed_to"])
def test_what_has_an_extension_header_comes_whole(
    sockets: tuple[MobileSocket, MobileSocket], left: Namespace, extension: str
) -> None:
    sender, receiver = sockets
    sent = packet(**{extension: HOME})
    with left:
        sender.send(mobile_packet.encode(packet()))
        sender.send(mobile_packet.encode(sent))
    assert mobile_packet.decode(eventually(receiver.receive)) == sent
    assert receiver.receive() is None


def test_what_came_before_the_filter_is_no_packet_of_its_own(
    sockets: tuple[MobileSocket, MobileSocket],
    left: Namespace,
    right: Namespace,
    opened: ExitStack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between the socket's birth and its filter the kernel may report its own memberships."""
    sender, seen = sockets
    attach, sent = socket_filter.attach, packet(home_address=HOME)

    def late(target: socket.socket, program: socket_filter.Program) -> None:
        with left:
            sender.send(mobile_packet.encode(packet()))
            sender.send(mobile_packet.encode(sent))
        eventually(seen.receive)  # so all has come
        attach(target, program)

    monkeypatch.setattr(socket_filter, "attach", late)
    with right:
        receiver = MobileSocket()
    opened.callback(receiver.close)
    assert receiver.receive() is None


def refused(data: bytes) -> bool:
    """Whether this is an ICMPv6 Parameter Problem."""
    return data[6] == ipv6.ICMPV6 and data[40] == PARAMETER_PROBLEM


def test_what_is_kept_from_the_kernel_is_not_refused_and_the_rest_is(
    sockets: tuple[MobileSocket, MobileSocket], left: Namespace, right: Namespace
) -> None:
    sender, receiver = sockets
    with right:
        keep_from_kernel("b", RIGHT)
    with capture(left, "a") as seen:
        with left:
            sender.send(mobile_packet.encode(packet(home_address=HOME)))
            sender.send(mobile_packet.encode(packet(routed_to=HOME)))
            sender.send(mobile_packet.encode(packet()))
        first = wait_for(seen, refused)
    assert mobile_packet.decode(first[48:]) == packet()
    for extension in ("home_address", "routed_to"):
        received = mobile_packet.decode(eventually(receiver.receive))
        assert received == packet(**{extension: HOME})


def test_what_is_for_others_is_left_to_the_kernel(
    sockets: tuple[MobileSocket, MobileSocket], left: Namespace, right: Namespace
) -> None:
    sender, _ = sockets
    with right:
        keep_from_kernel("b", HOME)
    plain = mobile_packet.encode(packet())
    with capture(left, "a") as seen:
        with left:
            # Destination options that any kernel skips: only padding.
            padded = ipv6.packet(LEFT, RIGHT, ipv6.DESTINATION_OPTIONS, PADDING + plain[40:])
            sender.send(padded)
        assert wait_for(seen, refused)[48:] == padded


def test_what_is_too_large_for_the_path_is_lost_and_the_next_one_goes(
    left: Namespace, sockets: tuple[MobileSocket, MobileSocket]
) -> None:
    """An ICMPv6 Packet Too Big, true or forged, makes the path's MTU small."""
    sender, receiver = sockets
    left.run("ip", "-6", "route", "replace", f"{RIGHT}/128", "dev", "a", "mtu", "1280")
    large = MobilePacket(LEFT, RIGHT, UNKNOWN, bytes(1400), home_address=HOME)
    with left:
        sender.send(mobile_packet.encode(large))
        sender.send(mobile_packet.encode(packet(home_address=HOME)))
    got = eventually(receiver.receive)
    assert got is not None
    assert len(got) < len(mobile_packet.encode(large))
