from __future__ import annotations

import fcntl
import os
import signal
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest

from agents.wire import ipv6, mih, mld, mobility, ndp
from emu.measure import capture, filters, messages, packets, pcapng
from tests.kernel.processes import starter, wait_for
from tests.namespaces import Namespace, Namespaces

pytestmark = pytest.mark.root

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000
LEFT, RIGHT = IPv6Address("2001:db8:1::1"), IPv6Address("2001:db8:1::2")
LOCAL, ROUTERS = IPv6Address("fe80::1"), IPv6Address("ff02::16")


def signalling() -> dict[str, bytes]:
    """One packet of each kind that the control filter must let through, by its type."""
    update = mobility.BindingUpdate(1, 300, mobility.BindingUpdateFlag.P, ())
    binding = ipv6.packet(LEFT, RIGHT, ipv6.MOBILITY, mobility.encode(update, LEFT, RIGHT))
    record = mld.AddressRecord(mld.RecordType.MODE_IS_INCLUDE, IPv6Address("ff3e::c1"), (LEFT,))
    body = mld.encode(mld.MulticastListenerReport((record,)), LOCAL, ROUTERS)
    report = ipv6.packet(LOCAL, ROUTERS, ipv6.ICMPV6, body, hop_limit=1, router_alert=True)
    body = ndp.encode(ndp.RouterAdvertisement(64, 1800), LOCAL, ROUTERS)
    advertisement = ipv6.packet(LOCAL, ROUTERS, ipv6.ICMPV6, body, hop_limit=255)
    link_up = mih.MihMessage(mih.Kind.LINK_UP, mih.Opcode.INDICATION, 5, "mn1", "mar1")
    body = mih.encode(link_up)
    head = struct.pack("!HHHH", mih.PORT, mih.PORT, 8 + len(body), 0)
    handover = ipv6.packet(LOCAL, LEFT, 17, head + body)
    options = bytes([41, 0, 4, 1, 4, 1, 1, 0])  # a tunnel encapsulation limit (RFC 2473)
    return {
        "PBU": binding,
        "MLD report": report,
        "RA": advertisement,
        "MIH_Link_Up indication": handover,
        "PBU in tunnel": ipv6.packet(LEFT, RIGHT, 41, binding),
        "MLD report in tunnel": ipv6.packet(LEFT, RIGHT, 41, report),
        "MLD report in tunnel with options": ipv6.packet(LEFT, RIGHT, 60, options + report),
    }


def other() -> list[bytes]:
    """Packets that are no signalling."""
    udp = ipv6.packet(LEFT, RIGHT, 17, bytes(20))
    echo = ipv6.packet(LEFT, RIGHT, ipv6.ICMPV6, b"\x80" + bytes(30))
    return [udp, echo, ipv6.packet(LEFT, RIGHT, 41, udp), ipv6.packet(LEFT, RIGHT, 41, echo)]


def inject(namespace: Namespace, interface: str, sent: list[bytes]) -> None:
    with namespace, socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as raw:
        raw.bind((interface, 0))
        for packet in sent:
            raw.send(b"\x33\x33\0\0\0\x16\x02\0\0\0\0\x01\x86\xdd" + packet)


@pytest.fixture
def pair(namespaces: Namespaces) -> tuple[Namespace, Namespace]:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "mar1-radio", right, "eth0")
    return left, right


@contextmanager
def capturing(
    directory: Path, pair: tuple[Namespace, Namespace], **options: Any
) -> Iterator[Callable[[], None]]:
    """Capture at both ends; the function that is given ends it."""
    holders = [namespace.spawn(["sleep", "60"]) for namespace in pair]
    names = (("mar1", "mar1-radio"), ("mn1", "eth0"))
    config = {
        "interfaces": [[holder.pid, *name] for holder, name in zip(holders, names, strict=True)],
        "directory": str(directory / "captures"),
        "ready": str(directory / "ready"),
        **options,
    }
    home = pair[0]
    with starter(directory) as start:
        process = start(home, capture.main, config)
        wait_for(directory / "ready")

        def end() -> None:
            process.signal(signal.SIGTERM)
            process.finish()

        try:
            yield end
        finally:
            for holder in holders:
                holder.kill()
                holder.wait()


def ours(path: Path, sent: list[bytes]) -> list[pcapng.Packet]:
    """The captured packets that are among those sent: the kernel speaks MLD and ND too."""
    return [packet for packet in pcapng.read(path).packets if packet.data[14:] in sent]


def test_control_traffic_at_both_ends(tmp_path: Path, pair: tuple[Namespace, Namespace]) -> None:
    wanted = list(signalling().values())
    with capturing(tmp_path, pair) as end:
        before = time.time_ns()
        inject(pair[0], "mar1-radio", [*other(), *wanted, *other()])
        end()
    for name, node, direction in (
        ("mar1-radio", "mar1", pcapng.OUTBOUND),
        ("mn1-eth0", "mn1", pcapng.INBOUND),
    ):
        path = tmp_path / "captures" / f"{name}.pcapng"
        found = ours(path, [*wanted, *other()])
        assert [packet.data[14:] for packet in found] == wanted
        assert {packet.direction for packet in found} == {direction}
        assert all(before < packet.time_ns < time.time_ns() for packet in found)
        whole = pcapng.read(path)
        assert whole.interfaces[0].description == node
        assert whole.dropped == 0
        assert whole.received == len(whole.packets)


def test_datagrams_of_an_overlay_are_kept_by_their_beginning(
    tmp_path: Path, pair: tuple[Namespace, Namespace]
) -> None:
    datagrams = [
        ipv6.packet(LEFT, RIGHT, 17, struct.pack("!HHHH", 9, port, 8 + size, 0) + bytes(size))
        for port, size in ((4754, 40), (4754, 1000), (4755, 1000), (4753, 40))
    ]
    with capturing(
        tmp_path, pair, overlay=4754, udp={"nodes": ["mn1"], "ports": [4753, 4753]}
    ) as end:
        inject(pair[0], "mar1-radio", [*datagrams, signalling()["PBU"]])
        end()
    kept = {
        name: [
            (len(packet.data), packet.length)
            for packet in pcapng.read(tmp_path / "captures" / f"{name}.pcapng").packets
            if packet.data[54:56] == b"\0\x09" or packet.data[20] == ipv6.MOBILITY
        ]
        for name in ("mar1-radio", "mn1-eth0")
    }
    short, long, other = ((14 + 40 + 8 + 40,) * 2, (256, 14 + 40 + 8 + 1000), (102, 102))
    binding = (14 + len(signalling()["PBU"]),) * 2
    assert kept == {
        "mar1-radio": [short, long, binding],
        "mn1-eth0": [short, long, other, binding],
    }


def test_what_comes_while_a_capture_ends_is_neither_counted_nor_written(
    tmp_path: Path, pair: tuple[Namespace, Namespace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The kernel may say something of its own just then."""
    with pair[0]:
        tap = capture.Tap("mar1", "mar1-radio", {"directory": str(tmp_path)})
    inject(pair[0], "mar1-radio", [signalling()["RA"]])
    take = tap.take

    def take_late(most: int) -> int:
        taken = take(most)
        inject(pair[0], "mar1-radio", [signalling()["RA"]])
        return taken

    monkeypatch.setattr(tap, "take", take_late)
    tap.close()
    whole = pcapng.read(tmp_path / "mar1-radio.pcapng")
    assert whole.received == len(whole.packets)


def test_the_messages_are_matched(tmp_path: Path, pair: tuple[Namespace, Namespace]) -> None:
    with capturing(tmp_path, pair) as end:
        before = time.monotonic_ns()
        inject(pair[0], "mar1-radio", [signalling()["PBU"]])
        end()
    files = sorted((tmp_path / "captures").iterdir())
    transfers = messages.match(s for path in files for s in messages.sightings(pcapng.read(path)))
    (transfer,) = (one for one in transfers if one.message.type == "PBU")
    assert transfer.sender == "mar1"
    ((receiver, received),) = transfer.receipts
    assert receiver == "mn1"
    assert before - 1_000_000 < transfer.sent_ns <= received < time.monotonic_ns()


def test_headers_of_users_packets_where_they_are_wanted(
    tmp_path: Path, pair: tuple[Namespace, Namespace]
) -> None:
    group = IPv6Address("ff3e::c1")
    channel = ipv6.packet(LEFT, group, 17, bytes(1200))
    tunnel = ipv6.packet(LEFT, RIGHT, 41, ipv6.packet(LEFT, RIGHT, 17, bytes(900)))
    both = ipv6.packet(LEFT, RIGHT, 41, channel)
    on_link = ipv6.packet(LOCAL, IPv6Address("ff02::fb"), 17, bytes(300))
    plain = ipv6.packet(LEFT, RIGHT, 17, bytes(1000))
    echo = ipv6.packet(LEFT, RIGHT, ipv6.ICMPV6, b"\x80" + bytes(500))
    with capturing(tmp_path, pair, data=["mar1", "mn1"]) as end:
        inject(pair[0], "mar1-radio", [channel, tunnel, both, on_link, plain, echo])
        end()
    for name, expected in (
        ("mar1-radio", [channel, tunnel, both]),
        ("mn1-eth0", [channel, both]),
    ):
        found = pcapng.read(tmp_path / "captures" / f"{name}.pcapng").packets
        kept = [
            (packet.data[14:], packet.length - 14)
            for packet in found
            if packets.parse(packet.data, pcapng.ETHERNET, packet.length) is None
        ]
        headers = filters.DATA_HEADERS - 14
        assert kept == [(packet[:headers], len(packet)) for packet in expected]


def test_everything_with_a_snap_length(tmp_path: Path, pair: tuple[Namespace, Namespace]) -> None:
    everything = [*other(), *signalling().values()]
    with capturing(tmp_path, pair, all=True, snap=60) as end:
        inject(pair[0], "mar1-radio", everything)
        end()
    found = pcapng.read(tmp_path / "captures" / "mn1-eth0.pcapng").packets
    kept = [(packet.data[14:], packet.length - 14) for packet in found]
    for packet in everything:
        assert (packet[:46], len(packet)) in kept


def test_an_interface_that_goes_away_ends_nothing(
    tmp_path: Path, pair: tuple[Namespace, Namespace]
) -> None:
    with capturing(tmp_path, pair) as end:
        inject(pair[0], "mar1-radio", [signalling()["RA"]])
        time.sleep(0.1)
        pair[0].run("ip", "link", "delete", "mar1-radio")
        time.sleep(0.1)
        end()
    path = tmp_path / "captures" / "mar1-radio.pcapng"
    assert len(ours(path, [signalling()["RA"]])) == 1


def test_a_tunnel_device_is_captured_without_a_link_header(
    tmp_path: Path, namespaces: Namespaces, pair: tuple[Namespace, Namespace]
) -> None:
    left, _ = pair
    with left:
        tunnel = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(tunnel, TUNSETIFF, struct.pack("16sH22x", b"tun0", IFF_TUN | IFF_NO_PI))
    left.run("ip", "link", "set", "tun0", "up")
    holder = left.spawn(["sleep", "60"])
    config = {
        "interfaces": [[holder.pid, "mar1", "tun0"]],
        "directory": str(tmp_path / "captures"),
        "ready": str(tmp_path / "ready"),
    }
    with starter(tmp_path) as start:
        process = start(left, capture.main, config)
        wait_for(tmp_path / "ready")
        report = signalling()["MLD report"]
        with left, socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0) as raw:
            raw.sendto(report, ("tun0", 0x86DD))
        process.signal(signal.SIGTERM)
        process.finish()
    holder.kill()
    holder.wait()
    os.close(tunnel)
    whole = pcapng.read(tmp_path / "captures" / "mar1-tun0.pcapng")
    assert whole.interfaces[0].link_type == pcapng.RAW
    assert report in [packet.data for packet in whole.packets]
    assert packets.parse(report, pcapng.RAW, len(report)) is not None


def test_headers_of_connections_with_a_port(
    tmp_path: Path, pair: tuple[Namespace, Namespace]
) -> None:
    """In tunnels or not, either way; 160 bytes of each, and the length that it had."""

    def tcp(source: int, destination: int) -> bytes:
        header = struct.pack("!HHIIBBHHH", source, destination, 1, 1, 5 << 4, 16, 0, 0, 0)
        return ipv6.packet(LEFT, RIGHT, 6, header + bytes(500))

    web = [tcp(80, 40000), tcp(40000, 80), ipv6.packet(LEFT, RIGHT, 41, tcp(80, 40000))]
    with capturing(tmp_path, pair, tcp=80) as end:
        inject(pair[0], "mar1-radio", [*web, tcp(443, 40000), *other()])
        end()
    found = pcapng.read(tmp_path / "captures/mn1-eth0.pcapng").packets
    kept = [packet for packet in found if packet.length > 500]
    assert [packet.data[14:] for packet in kept] == [one[: 160 - 14] for one in web]
    assert [packet.length for packet in kept] == [14 + len(one) for one in web]
