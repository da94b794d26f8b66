"""What a source sends to a group leaves by a tunnel at once; nothing else on its link does."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv6Address

import pytest

from agents.kernel.capabilities import probe
from agents.kernel.source_redirect import SourceRedirect
from agents.kernel.tunnel import open_tunnel
from agents.wire import ipv6
from tests.kernel.packets import capture, wait_for
from tests.kernel.routers import HOSTS, LANS, Chain, loopback
from tests.namespaces import Namespace, Namespaces

pytestmark = pytest.mark.root

CHANNEL, FENCE = IPv6Address("ff3e::c1"), IPv6Address("ff0e::fe")
BACKENDS = [backend for backend in probe().tunnel_backends() if backend != "tun"]


@pytest.fixture(params=BACKENDS)
def chain(request: pytest.FixtureRequest, namespaces: Namespaces) -> Iterator[Chain]:
    """Two routers with a tunnel between them, and a host at each."""
    made = Chain(namespaces, 2)
    with ExitStack() as ends:
        for number, other in ((1, 2), (2, 1)):
            with made.router(number):
                tunnel = open_tunnel("tun", loopback(number), loopback(other), request.param)
            ends.callback(tunnel.close)
        yield made


def redirected(
    chain: Chain, source: IPv6Address, group: IPv6Address = CHANNEL, number: int = 1
) -> SourceRedirect:
    with chain.router(1):
        return SourceRedirect(source, group, "lan", "tun", number)


def send(host: Namespace, group: IPv6Address) -> None:
    """A packet of the host's to a group."""
    with host, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as speaker:
        index = socket.if_nametoindex("eth0")
        speaker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        speaker.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 16)
        speaker.bind((str(HOSTS[0]), 0))
        speaker.sendto(b"data", (str(group), 5001))


def first_through_the_tunnel(chain: Chain, *groups: IPv6Address) -> IPv6Address:
    """The group of the first of these packets that comes out at the other router."""
    with capture(chain.router(2), "tun") as frames:
        for group in groups:
            send(chain.hosts[0], group)
        return ipv6.parse(wait_for(frames, lambda packet: packet[6] == 17)).destination


def test_what_a_source_says_to_a_group_is_in_the_tunnel(chain: Chain) -> None:
    redirected(chain, HOSTS[0])
    assert first_through_the_tunnel(chain, CHANNEL) == CHANNEL


@pytest.mark.parametrize("group", ["ff02::c1", "ff3e::c2"])
def test_what_it_says_to_other_groups_is_not(chain: Chain, group: str) -> None:
    redirected(chain, HOSTS[0])
    assert first_through_the_tunnel(chain, IPv6Address(group), CHANNEL) == CHANNEL


def test_another_source_and_unicast_go_their_own_way(chain: Chain) -> None:
    other = redirected(chain, HOSTS[1])
    with capture(chain.router(1), "lan") as lan, capture(chain.router(2), "tun") as tunnel:
        send(chain.hosts[0], CHANNEL)
        wait_for(lan, lambda packet: packet[6] == 17)
        other.close()
        redirected(chain, HOSTS[0], FENCE, number=2)
        assert "1 received" in chain.hosts[0].run("ping", "-c", "1", str(LANS[0][1])).stdout
        send(chain.hosts[0], FENCE)
        assert ipv6.parse(wait_for(tunnel, lambda p: p[6] == 17)).destination == FENCE


def test_what_another_sends_in_its_name_is_not(chain: Chain) -> None:
    """The program is met before any rule that would drop this."""
    host = chain.hosts[0]
    (own,) = re.findall(r"link/ether (\S+)", host.run("ip", "link", "show", "eth0").stdout)
    sender, other = bytes.fromhex(own.replace(":", "")), bytes.fromhex("020000000bad")
    with chain.router(1):
        SourceRedirect(HOSTS[0], CHANNEL, "lan", "tun", 1, sender)
    with host:
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        raw.bind(("eth0", 0))
    to = b"\x33\x33" + CHANNEL.packed[12:]
    forged, true = (ipv6.packet(HOSTS[0], CHANNEL, 17, text) for text in (b"forged", b"true"))
    with capture(chain.router(2), "tun") as frames:
        raw.send(to + other + b"\x86\xdd" + forged)
        raw.send(to + sender + b"\x86\xdd" + true)
        assert ipv6.parse(wait_for(frames, lambda packet: packet[6] == 17)).payload == b"true"
    raw.close()


def test_it_ends(chain: Chain) -> None:
    redirect = redirected(chain, HOSTS[0])
    assert first_through_the_tunnel(chain, CHANNEL) == CHANNEL
    redirect.close()
    shown = chain.router(1).run("tc", "filter", "show", "dev", "lan", "ingress").stdout
    assert not shown.strip()
    redirected(chain, HOSTS[0])
    assert first_through_the_tunnel(chain, CHANNEL) == CHANNEL
