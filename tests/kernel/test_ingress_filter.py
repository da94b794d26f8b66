"""What a router forwards of that which comes out of a tunnel, in the kernel."""

from __future__ import annotations

import subprocess
from ipaddress import IPv6Network

import pytest

from agents.kernel.capabilities import probe
from agents.kernel.netlink import Netlink
from agents.roles.daemon import Daemon
from agents.roles.tunnel_devices import TunnelDevices
from tests.kernel.routers import Chain, loopback
from tests.namespaces import Namespace, Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

POOL = IPv6Network("2001:db8:1::/48")
PREFIX = IPv6Network("2001:db8:1:1::/64")
"""Of a mobile node: ``host1``, which ``router2`` serves and ``router1`` anchors."""
MOBILE_NODE = PREFIX[9]
REQUESTS = 5


@pytest.fixture(params=probe().tunnel_backends())
def chain(namespaces: Namespaces, request: pytest.FixtureRequest) -> Chain:
    chain = Chain(namespaces, 2)
    anchor, serving = chain.routers
    chain.hosts[1].add_address("eth0", f"{MOBILE_NODE}/64")
    with anchor, Netlink() as netlink:
        tunnel = devices("mar1", 1, 2, request.param, POOL).open(loopback(2))
        netlink.route_replace(PREFIX, oif=tunnel.name)
    with serving, Netlink() as netlink:
        served = devices("mar2", 2, 1, request.param, None)
        table = served.table(served.open(loopback(1)))
        netlink.rule_add(PREFIX, iif="lan", table=table, priority=1000)
        netlink.route_replace(PREFIX, oif="lan")
        serving.run("ip", "-6", "route", "add", str(POOL), "via", "fe80::0:1", "dev", "left")
    return chain


def devices(
    name: str, own: int, peer: int, backend: str, pool: IPv6Network | None
) -> TunnelDevices:
    names = {loopback(peer): f"mar{peer}"}
    return TunnelDevices(Daemon(name, "/dev/null"), loopback(own), backend, names, pool)


def test_a_mobile_node_has_packets_both_ways(chain: Chain) -> None:
    eventually(lambda: f"{REQUESTS} received" in echo(chain.hosts[0]))


def test_what_comes_when_the_mobile_node_has_left_is_dropped(chain: Chain) -> None:
    """Routed by the way to its pool it would come back, and circle until its hop limit ends."""
    anchor, serving = chain.routers
    with serving, Netlink() as netlink:
        netlink.route_delete(PREFIX)
    before = forwarded(anchor), forwarded(serving)
    assert "0 received" in echo(chain.hosts[0])
    after = forwarded(anchor), forwarded(serving)
    assert (after[0] - before[0], after[1] - before[1]) == (REQUESTS, 0)


def echo(host: Namespace) -> str:
    ping = ["ping", "-c", str(REQUESTS), "-i", "0.05", "-W", "1", str(MOBILE_NODE)]
    process = host.spawn(ping, stdout=subprocess.PIPE)
    return process.communicate()[0]


def forwarded(router: Namespace) -> int:
    """The packets that its kernel has forwarded so far."""
    lines = router.run("cat", "/proc/net/snmp6").stdout.splitlines()
    return int(dict(line.split() for line in lines)["Ip6OutForwDatagrams"])
