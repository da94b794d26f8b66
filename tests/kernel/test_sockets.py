from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from ipaddress import IPv6Address
from typing import Any

import pytest

from agents.kernel.netlink import Netlink
from agents.kernel.socket_filter import channel
from agents.kernel.sockets import LinkSocket, MobilitySocket, Received
from agents.wire.ipv6 import checksum, packet
from tests.kernel.packets import capture, receive, wait_for
from tests.namespaces import Namespace, Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

LEFT, RIGHT = IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2")
ALL_NODES = IPv6Address("ff02::1")
MOBILITY = 135
MESSAGE = bytes([59, 1, 5, 0, 0, 0]) + bytes(10)
"""A Binding Update without options, its checksum left zero."""


@pytest.fixture
def left(namespaces: Namespaces) -> Namespace:
    return namespaces.new()


@pytest.fixture
def right(namespaces: Namespaces, left: Namespace) -> Namespace:
    other = namespaces.new()
    namespaces.link(left, "a", other, "b", f"{LEFT}/64", f"{RIGHT}/64")
    return other


def mobility(opened: ExitStack, namespace: Namespace, local: IPv6Address) -> MobilitySocket:
    with namespace:
        made = MobilitySocket(local)
    opened.callback(made.close)
    return made


def link(opened: ExitStack, namespace: Namespace, interface: str, **options: Any) -> LinkSocket:
    with namespace:
        made = LinkSocket(interface, **options)
    opened.callback(made.close)
    return made


def test_members_of_a_group_get_what_is_sent_to_it_and_the_sender_does_not(
    left: Namespace, right: Namespace, opened: ExitStack
) -> None:
    group = IPv6Address("ff05::5213")
    sender, member = mobility(opened, left, LEFT), mobility(opened, right, RIGHT)
    with left:
        sender.join(group, "a")
    with right:
        member.join(group, "b")
    sender.send(MESSAGE, group)
    message, source, destination, interface = receive(member)
    assert (source, destination) == (LEFT, group)
    with right:
        assert interface == socket.if_nametoindex("b")
    assert message[:4] == MESSAGE[:4]
    assert sender.receive() is None


def test_the_kernel_computes_the_checksum_of_mobility_headers(
    left: Namespace, right: Namespace, opened: ExitStack
) -> None:
    sender, receiver = mobility(opened, left, LEFT), mobility(opened, right, RIGHT)
    assert receiver.receive() is None
    with capture(right, "b") as frames:
        sender.send(MESSAGE, RIGHT)
        wire = wait_for(frames, lambda whole: whole[6] == MOBILITY)
    message, source, destination, interface = eventually(receiver.receive)
    assert (source, destination) == (LEFT, RIGHT)
    with right, Netlink() as netlink:
        assert interface == netlink.index("b")
    assert message == wire[40:]
    expected = checksum(LEFT, RIGHT, MOBILITY, MESSAGE)
    assert message == MESSAGE[:4] + expected.to_bytes(2, "big") + MESSAGE[6:]


def test_mobility_headers_with_a_wrong_checksum_do_not_arrive(
    left: Namespace, right: Namespace, opened: ExitStack
) -> None:
    receiver, raw = mobility(opened, right, RIGHT), link(opened, left, "a")
    with right, Netlink() as netlink:
        address = netlink.link_layer_address("b")
    good = checksum(LEFT, RIGHT, MOBILITY, MESSAGE)

    def send_both() -> Received | None:
        """Again and again: a link that has just come up may lose packets."""
        for value in (good ^ 0x1111, good):
            message = MESSAGE[:4] + value.to_bytes(2, "big") + MESSAGE[6:]
            raw.send(packet(LEFT, RIGHT, MOBILITY, message), address)
        return receiver.receive()

    arrived = [eventually(send_both), *iter(receiver.receive, None)]
    assert {received[0][4:6] for received in arrived} == {good.to_bytes(2, "big")}


def test_messages_to_nowhere_are_lost(left: Namespace, opened: ExitStack) -> None:
    """Whoever gets an answer may have written an address to which there is no way as its own."""
    with left, Netlink() as netlink:
        netlink.add_address("lo", f"{LEFT}/128", nodad=True)
    mobility(opened, left, LEFT).send(MESSAGE, IPv6Address("2001:db8:9::9"))


@pytest.mark.parametrize(
    ("name", "whole", "kept"),
    [
        ("MLDv2 report", packet(LEFT, ALL_NODES, 58, bytes([143]), router_alert=True), True),
        ("MLD query", packet(LEFT, ALL_NODES, 58, bytes([130]), router_alert=True), True),
        ("MLDv1 done", packet(LEFT, ALL_NODES, 58, bytes([132]), router_alert=True), True),
        ("MLD, no options", packet(LEFT, ALL_NODES, 58, bytes([143])), True),
        ("long options", packet(LEFT, ALL_NODES, 0, b"\x3a\2" + bytes(22) + b"\x8f"), True),
        ("RS", packet(LEFT, ALL_NODES, 58, bytes([133])), True),
        ("NA", packet(LEFT, ALL_NODES, 58, bytes([136])), True),
        ("mobility", packet(LEFT, ALL_NODES, MOBILITY, MESSAGE), True),
        ("redirect", packet(LEFT, ALL_NODES, 58, bytes([137])), False),
        ("echo", packet(LEFT, ALL_NODES, 58, bytes([128])), False),
        ("UDP", packet(LEFT, ALL_NODES, 17, bytes(100)), False),
        ("UDP after options", packet(LEFT, ALL_NODES, 17, bytes(9), router_alert=True), False),
        ("destination options", packet(LEFT, ALL_NODES, 60, b"\x3a\0" + bytes(6)), False),
        ("no type", packet(LEFT, ALL_NODES, 58, b""), False),
        ("options that lie", packet(LEFT, ALL_NODES, 0, b"\x3a\xff" + bytes(60)), False),
        ("no header", b"\x60" + bytes(10), False),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_filter_keeps_control_packets_only(
    left: Namespace, right: Namespace, opened: ExitStack, name: str, whole: bytes, kept: bool
) -> None:
    sender, receiver = link(opened, left, "a"), link(opened, right, "b")
    mark = packet(LEFT, ALL_NODES, 58, bytes([134]) + b"the last one")
    sender.send(whole, bytes.fromhex("333300000001"))
    sender.send(mark)
    expected = [whole, mark] if kept else [mark]
    seen: list[bytes] = []
    while mark not in seen:
        seen.append(receive(receiver).packet)
    assert [one for one in seen if one in (whole, mark)] == expected


def test_a_channels_filter_keeps_its_packets_only(
    left: Namespace, right: Namespace, opened: ExitStack
) -> None:
    group = IPv6Address("ff3e::c1")
    sender, receiver = (
        link(opened, left, "a"),
        link(opened, right, "b", program=channel(LEFT, group)),
    )
    for source, destination in ((RIGHT, group), (LEFT, IPv6Address("ff3e::c2"))):
        sender.send(packet(source, destination, 17, bytes(100)))
    sender.send(b"\x60" + bytes(10), bytes.fromhex("333300000001"))
    of_channel = packet(LEFT, group, 17, b"the only one")
    sender.send(of_channel)
    assert receive(receiver).packet == of_channel


def test_frames_go_to_the_link_layer_address_of_choice(
    left: Namespace, right: Namespace, opened: ExitStack
) -> None:
    sender, receiver = link(opened, left, "a"), link(opened, right, "b")
    with left, Netlink() as netlink:
        own = netlink.link_layer_address("a")
    advertisement = packet(LEFT, ALL_NODES, 58, bytes([134]) + bytes(15))
    with capture(right, "b") as frames:
        sender.send(advertisement, bytes.fromhex("02000000aa01"))
        wait_for(frames, lambda whole: whole[40] == 134)
    frame = receive(receiver, lambda frame: frame.packet == advertisement)
    assert frame.link_layer_source == own
    assert not frame.outgoing
    with pytest.raises(ValueError, match="link-layer destination"):
        sender.send(packet(LEFT, RIGHT, 58, bytes([135])))


def test_own_packets_are_seen_on_request_only(
    left: Namespace, right: Namespace, opened: ExitStack
) -> None:
    plain, curious = link(opened, left, "a"), link(opened, left, "a", outgoing=True)
    advertisement = packet(LEFT, ALL_NODES, 58, bytes([134]) + bytes(15))
    plain.send(advertisement)
    assert receive(curious, lambda frame: frame.packet == advertisement).outgoing
    other = link(opened, right, "b")
    answer = packet(RIGHT, ALL_NODES, 58, bytes([134]) + bytes(31))
    other.send(answer)
    assert not receive(curious, lambda frame: frame.packet == answer).outgoing
    heard: list[bytes] = []
    while answer not in heard:  # the kernel may say something, too
        heard.append(receive(plain).packet)
    assert advertisement not in heard


def test_random_frames_do_no_harm(left: Namespace, right: Namespace, opened: ExitStack) -> None:
    generator = random.Random(6)
    sender, receiver = link(opened, left, "a"), link(opened, right, "b")
    with left:
        raw = opened.enter_context(socket.socket(socket.AF_PACKET, socket.SOCK_RAW))
    raw.bind(("a", 0))
    broadcast = b"\xff" * 6 + bytes(6) + b"\x86\xdd"
    for _ in range(500):
        raw.send(broadcast + generator.randbytes(generator.randrange(200)))
    mark = packet(LEFT, ALL_NODES, 58, bytes([134]) + b"the last one")
    sender.send(mark)
    assert receive(receiver, lambda frame: frame.packet == mark)


def test_a_packet_above_the_mtu_is_lost_and_is_no_error(
    left: Namespace, right: Namespace, opened: ExitStack
) -> None:
    sender, receiver = link(opened, left, "a"), link(opened, right, "b")
    sender.send(packet(LEFT, ALL_NODES, 58, bytes([134]) + bytes(1500)))
    mark = packet(LEFT, ALL_NODES, 58, bytes([134]) + b"the last one")
    sender.send(mark)
    assert receive(receiver, lambda frame: frame.packet[40] == 134).packet == mark


def test_a_link_that_is_down_loses_packets_and_is_no_error(
    left: Namespace, right: Namespace, opened: ExitStack
) -> None:
    sender, receiver = link(opened, left, "a"), link(opened, right, "b")
    lost, mark = (packet(LEFT, ALL_NODES, MOBILITY, MESSAGE + bytes([end])) for end in (0, 1))
    with left, Netlink() as netlink:
        netlink.down("a")
        sender.send(lost)
        netlink.up("a")

    def first() -> bytes | None:
        sender.send(mark)
        while (received := receiver.receive()) is not None:
            if received.packet[-len(MESSAGE) - 1 : -1] == MESSAGE:
                return received.packet
        return None

    assert eventually(first) == mark
