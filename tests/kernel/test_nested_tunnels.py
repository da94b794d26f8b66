"""A tunnel inside another one, and the outer one replaced under it (RFC 5380: RCoA and LCoA).

The first router has an address of the second one's, as a mobile node has of a mobility anchor
point; its tunnel to the third one begins there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv6Address, IPv6Network

import pytest

from agents.kernel.capabilities import probe
from agents.kernel.netlink import Netlink
from agents.kernel.tunnel import NESTED_MTU, Backend, Tunnel, open_tunnel
from tests.kernel.packets import capture, wait_for
from tests.kernel.routers import DEFAULT, HOSTS, LANS, Chain, loopback
from tests.namespaces import Namespaces
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root

REGIONAL = IPv6Address("2001:db8:b1::7")
ON_LINK = (loopback(1), IPv6Address("2001:db8:ffff::11"))
"""The first router's address, and the one that it has later."""
_TABLE, _PRIORITY = 77, 1000


@pytest.fixture(params=probe().tunnel_backends())
def backend(request: pytest.FixtureRequest) -> Backend:
    kind: Backend = request.param
    return kind


class Nested:
    """The chain's tunnels: the outer ones of ``ON_LINK``, and the inner one of ``REGIONAL``."""

    def __init__(self, namespaces: Namespaces, backend: Backend, ends: ExitStack) -> None:
        self.chain = Chain(namespaces, 3)
        self._backend = backend
        self._ends = ends
        mobile, anchor, home = (self.chain.router(number) for number in (1, 2, 3))
        mobile.add_address("lo", f"{REGIONAL}/128")
        mobile.add_address("lo", f"{ON_LINK[1]}/128")
        with mobile, Netlink() as netlink:
            netlink.rule_add(IPv6Network(REGIONAL), table=_TABLE, priority=_PRIORITY)
        with anchor, Netlink() as netlink:
            via = IPv6Address("fe80::0:1")
            netlink.route_replace(IPv6Network(ON_LINK[1]), oif="left", via=via)
        with home, Netlink() as netlink:
            via = IPv6Address("fe80::1:1")
            netlink.route_replace(IPv6Network(REGIONAL), oif="left", via=via)
        self.outer = self.place(0)
        self.inner = self._open(1, "inner", REGIONAL, loopback(3), NESTED_MTU)
        far = self._open(3, "inner", loopback(3), REGIONAL, NESTED_MTU)
        with mobile, Netlink() as netlink:
            netlink.route_replace(LANS[1], oif=self.inner.name)
        with home, Netlink() as netlink:
            netlink.route_replace(LANS[0], oif=far.name)

    def place(self, number: int) -> Tunnel:
        """Have packets from and to ``REGIONAL`` take a tunnel of this address; the near end."""
        here, name = ON_LINK[number], f"outer{number}"
        near = self._open(1, name, here, loopback(2))
        far = self._open(2, name, loopback(2), here)
        with self.chain.router(1), Netlink() as netlink:
            netlink.route_replace(DEFAULT, oif=near.name, table=_TABLE)
        with self.chain.router(2), Netlink() as netlink:
            netlink.route_replace(IPv6Network(REGIONAL), oif=far.name)
        return near

    def close(self, tunnel: Tunnel) -> None:
        with self.chain.router(1):
            tunnel.close()

    def ping(self, size: int = 56) -> str:
        options = ["-c", "1", "-W", str(PATIENCE_S), "-M", "do", "-s", str(size)]
        return self.chain.hosts[0].run("ping", *options, str(HOSTS[1])).stdout

    def _open(
        self, number: int, name: str, local: IPv6Address, remote: IPv6Address, mtu: int = 1460
    ) -> Tunnel:
        router = self.chain.router(number)
        with router:
            tunnel = open_tunnel(name, local, remote, self._backend, mtu)

        def close() -> None:
            with router:
                tunnel.close()

        self._ends.callback(close)
        return tunnel


@pytest.fixture
def nested(namespaces: Namespaces, backend: Backend) -> Iterator[Nested]:
    with ExitStack() as ends:
        yield Nested(namespaces, backend, ends)


def _ends(packet: bytes, header: int) -> tuple[IPv6Address, IPv6Address]:
    at = 40 * header
    return IPv6Address(packet[at + 8 : at + 24]), IPv6Address(packet[at + 24 : at + 40])


def _is_echo(packet: bytes) -> bool:
    return (packet[6], packet[46], packet[86]) == (41, 41, 58)


def _crossing(nested: Nested) -> bytes:
    """An echo request between the tunnels' first ends, as big as it may be."""
    with capture(nested.chain.router(2), "left") as frames:
        assert "1 received" in nested.ping(NESTED_MTU - 48)
        return wait_for(frames, lambda packet: _is_echo(packet.ljust(128, b"\0")))


def test_a_tunnel_in_another_one_goes_on_in_what_takes_the_place_of_that(nested: Nested) -> None:
    packet = _crossing(nested)
    assert [_ends(packet, header) for header in range(3)] == [
        (ON_LINK[0], loopback(2)),
        (REGIONAL, loopback(3)),
        HOSTS,
    ]
    nested.place(1)
    with nested.chain.router(1):
        nested.inner.reroute()
        nested.inner.reroute()
    nested.close(nested.outer)
    packet = _crossing(nested)
    assert [_ends(packet, header) for header in range(2)] == [
        (ON_LINK[1], loopback(2)),
        (REGIONAL, loopback(3)),
    ]


def test_without_a_route_it_stays_where_it_is(nested: Nested) -> None:
    mobile = nested.chain.router(1)
    there_is_none = ("unreachable", str(loopback(3)), "table", str(_TABLE))
    mobile.run("ip", "-6", "route", "add", *there_is_none)
    with mobile, pytest.raises(OSError, match="No route to host"):
        nested.inner.reroute()
    mobile.run("ip", "-6", "route", "del", *there_is_none)
    assert "1 received" in nested.ping()
