from __future__ import annotations

import random
import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from ipaddress import IPv6Address, IPv6Interface, IPv6Network

import pytest

from agents.kernel.capabilities import probe
from agents.kernel.netlink import Netlink
from agents.kernel.sockets import LinkSocket
from agents.kernel.tunnel import MTU, Backend, Tunnel, open_tunnel
from agents.wire.ipv6 import packet
from tests.kernel.packets import capture, receive, wait_for
from tests.kernel.routers import HOSTS, LANS, Chain, loopback
from tests.namespaces import Namespace, Namespaces
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root

_UDP_SEGMENT = 103

Open = Callable[[Chain, int, int], Tunnel]
"""Opens the end at the first router of a tunnel to the second one."""


@pytest.fixture(params=probe().tunnel_backends())
def backend(request: pytest.FixtureRequest) -> Backend:
    kind: Backend = request.param
    return kind


@pytest.fixture
def open_end(backend: Backend) -> Iterator[Open]:
    with ExitStack() as ends:

        def open_one(chain: Chain, number: int, other: int) -> Tunnel:
            with chain.router(number):
                name = f"tun-{other}"
                tunnel = open_tunnel(name, loopback(number), loopback(other), backend)
            ends.callback(_close, chain.router(number), tunnel)
            return tunnel

        yield open_one


def _close(router: Namespace, tunnel: Tunnel) -> None:
    with router:
        tunnel.close()


def _route(router: Namespace, prefix: IPv6Network, device: str) -> None:
    with router, Netlink() as netlink:
        netlink.route_replace(prefix, oif=device)


def _ping(host: Namespace, target: object, *options: str) -> str:
    return host.run("ping", "-c", "1", "-W", str(PATIENCE_S), *options, str(target)).stdout


def _join(chain: Chain, open_end: Open) -> tuple[Tunnel, Tunnel]:
    """A tunnel between the ends of the chain, and the hosts' routes through it."""
    last = len(chain.routers)
    tunnels = open_end(chain, 1, last), open_end(chain, last, 1)
    _route(chain.router(1), LANS[1], tunnels[0].name)
    _route(chain.router(last), LANS[0], tunnels[1].name)
    return tunnels


def test_hosts_reach_each_other_through_the_tunnel(namespaces: Namespaces, open_end: Open) -> None:
    chain = Chain(namespaces, 3)
    _join(chain, open_end)
    assert "1 received" in _ping(chain.hosts[0], HOSTS[1])
    assert "1 received" in _ping(chain.hosts[1], HOSTS[0], "-s", str(MTU - 48), "-M", "do")


def test_the_wire_carries_the_framing_of_rfc_2473(namespaces: Namespaces, open_end: Open) -> None:
    chain = Chain(namespaces, 3)
    _join(chain, open_end)
    with capture(chain.router(2), "left") as frames:
        _ping(chain.hosts[0], HOSTS[1], "-s", "100")
        outer = wait_for(frames, lambda packet: packet[6] == 41 and packet[46] == 58)
    assert outer[0] >> 4 == 6
    assert outer[7] == 64
    assert IPv6Address(outer[8:24]) == loopback(1)
    assert IPv6Address(outer[24:40]) == loopback(3)
    inner = outer[40:]
    assert int.from_bytes(outer[4:6], "big") == len(inner) == 40 + 8 + 100
    assert inner[7] == 63, "the tunnel is one hop for the packet inside"
    assert IPv6Address(inner[8:24]) == HOSTS[0]
    assert IPv6Address(inner[24:40]) == HOSTS[1]


def test_a_packet_too_big_is_answered_with_the_mtu_of_the_tunnel(
    namespaces: Namespaces, open_end: Open
) -> None:
    chain = Chain(namespaces, 2)
    _join(chain, open_end)
    with chain.hosts[0], capture(chain.hosts[0], "eth0") as frames:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
            sender.sendto(bytes(1452), (str(HOSTS[1]), 5001))
        error = wait_for(frames, lambda packet: packet[6] == 58 and packet[40] == 2)
    assert int.from_bytes(error[44:48], "big") == MTU == 1460


def test_tcp_runs_over_the_tunnel(namespaces: Namespaces, open_end: Open) -> None:
    chain = Chain(namespaces, 2)
    _join(chain, open_end)
    amount = 3_000_000
    with chain.hosts[1]:
        server = socket.create_server((str(HOSTS[1]), 5001), family=socket.AF_INET6)
    with chain.hosts[0]:
        client = socket.create_connection((str(HOSTS[1]), 5001), timeout=PATIENCE_S)
    with server, client, server.accept()[0] as connection:
        connection.settimeout(PATIENCE_S)
        client.settimeout(PATIENCE_S)
        received = 0
        client.setblocking(False)
        pending = memoryview(bytes(amount))
        while received < amount:
            try:
                pending = pending[client.send(pending) :]
            except BlockingIOError:
                received += len(connection.recv(1 << 20))
            else:
                if not pending:
                    received += len(connection.recv(1 << 20))
        assert received == amount


@pytest.mark.parametrize("sender", ["the router", "a host behind it"])
def test_datagrams_that_are_sent_at_once_get_through(
    namespaces: Namespaces, open_end: Open, sender: str
) -> None:
    """UDP_SEGMENT, of which every datagram has a good checksum at the other end."""
    chain = Chain(namespaces, 3)
    _join(chain, open_end)
    source = IPv6Address("2001:db8:77::1")
    with chain.router(1), Netlink() as netlink:
        netlink.add_address("lo", IPv6Interface((source, 128)))
    _route(chain.router(3), IPv6Network((source, 128)), "tun-1")
    with chain.hosts[1]:
        receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        receiver.bind(("::", 5001))
    with chain.router(1) if sender == "the router" else chain.hosts[0]:
        port = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    datagrams = [bytes([number]) * 1300 for number in range(20)]
    with receiver, port:
        receiver.settimeout(PATIENCE_S)
        at_once = [(socket.SOL_UDP, _UDP_SEGMENT, struct.pack("H", 1300))]
        port.sendmsg(datagrams, at_once, 0, (str(HOSTS[1]), 5001))
        assert [receiver.recv(2000) for _ in datagrams] == datagrams


def test_packets_go_from_one_tunnel_into_the_next(namespaces: Namespaces, open_end: Open) -> None:
    chain = Chain(namespaces, 3)
    for number, other in ((1, 2), (2, 1), (2, 3), (3, 2)):
        open_end(chain, number, other)
    _route(chain.router(1), LANS[1], "tun-2")
    _route(chain.router(2), LANS[1], "tun-3")
    _route(chain.router(2), LANS[0], "tun-1")
    _route(chain.router(3), LANS[0], "tun-2")
    with capture(chain.router(3), "left") as frames:
        assert "1 received" in _ping(chain.hosts[0], HOSTS[1], "-s", "1000")
        outer = wait_for(frames, lambda packet: packet[6] == 41 and packet[46] == 58)
    assert IPv6Address(outer[8:24]) == loopback(2)
    assert outer[47] == 62


def test_several_tunnels_share_the_underlay(namespaces: Namespaces, open_end: Open) -> None:
    chain = Chain(namespaces, 3)
    near, far = open_end(chain, 1, 2), open_end(chain, 1, 3)
    ends = open_end(chain, 2, 1), open_end(chain, 3, 1)
    router = chain.router(1)
    for tunnel, end in zip((near, far), ends, strict=True):
        assert "1 received" in _ping(router, f"{end.link_local}%{tunnel.name}")
    with router:
        near.close()
    assert "1 received" in _ping(router, f"{ends[1].link_local}%{far.name}")


def test_other_filters_of_the_underlay_stay(namespaces: Namespaces, backend: Backend) -> None:
    router = Chain(namespaces, 2).router(1)
    router.run("tc", "qdisc", "add", "dev", "right", "clsact")
    for priority in ("1", "40000"):
        command = ["filter", "add", "dev", "right", "ingress", "prio", priority, "protocol", "all"]
        router.run("tc", *command, "u32", "match", "u32", "0", "0", "flowid", "1:1")
    before = router.run("tc", "filter", "show", "dev", "right", "ingress").stdout
    with router:
        open_tunnel("tun-2", loopback(1), loopback(2), backend).close()
    assert router.run("tc", "filter", "show", "dev", "right", "ingress").stdout == before


def test_nothing_is_left_after_closing(namespaces: Namespaces, backend: Backend) -> None:
    router = Chain(namespaces, 2).router(1)
    before = router.run("ip", "-br", "link").stdout
    for _ in range(2):
        with router:
            open_tunnel("tun-2", loopback(1), loopback(2), backend).close()
        assert router.run("ip", "-br", "link").stdout == before
        assert router.run("tc", "filter", "show", "dev", "right", "ingress").stdout.strip() == ""


def test_a_name_in_use_is_refused_and_the_owner_works_on(
    namespaces: Namespaces, open_end: Open, backend: Backend
) -> None:
    chain = Chain(namespaces, 2)
    near, far = _join(chain, open_end)
    with chain.router(1), pytest.raises(OSError, match=r"busy|exists"):
        open_tunnel(near.name, loopback(1), loopback(2), backend)
    assert "1 received" in _ping(chain.router(1), f"{far.link_local}%{near.name}")


def test_malformed_packets_of_the_remote_end_do_no_harm(
    namespaces: Namespaces, open_end: Open
) -> None:
    chain = Chain(namespaces, 2)
    near, far = _join(chain, open_end)
    with chain.router(1):
        link = LinkSocket("right")
    with chain.router(2), Netlink() as netlink:
        destination = netlink.link_layer_address("left")
    generator = random.Random(2473)
    for length in (*range(42), 100, 1000):
        inner = generator.randbytes(length)
        whole = packet(loopback(1), loopback(2), 41, inner)
        link.send(whole, destination)
        link.send(whole[: 40 + length // 2], destination)
    with chain.router(1):
        raw = LinkSocket(near.name)
    for length in (0, 1, 39, 41):
        with suppress(OSError):
            raw.send(bytes([0x60]) + bytes(length), b"")
    assert "1 received" in _ping(chain.hosts[0], HOSTS[1])
    assert far.name in chain.router(2).run("ip", "-br", "link").stdout


def test_multicast_and_mld_cross_the_tunnel(namespaces: Namespaces, open_end: Open) -> None:
    chain = Chain(namespaces, 2)
    near, far = _join(chain, open_end)
    with chain.router(1):
        sender = LinkSocket(near.name)
    with chain.router(2):
        receiver = LinkSocket(far.name)
    group = IPv6Address("ff02::16")
    report = packet(
        near.link_local,
        group,
        58,
        bytes([143, 0, 0, 0, 0, 0, 0, 0]),
        hop_limit=1,
        router_alert=True,
    )
    sender.send(report)
    assert not receive(receiver, lambda frame: frame.packet == report).outgoing
    sender.close()
    receiver.close()


def test_a_tunnel_without_a_way_to_its_remote_end_is_refused(
    namespaces: Namespaces, backend: Backend
) -> None:
    router = namespaces.router()
    before = router.run("ip", "-br", "link").stdout
    with router, pytest.raises(OSError, match="unreachable"):
        open_tunnel("tun-2", loopback(1), loopback(2), backend)
    assert router.run("ip", "-br", "link").stdout == before
