"""What multicast forwarding costs: one group through one router, against unicast through it.

Run as root: ``python -m bench.bench_forwarding``. The multicast packets go by an entry of the
multicast routing socket, the unicast ones by an ordinary route; the third way has no router.
"""

from __future__ import annotations

from contextlib import closing
from ipaddress import IPv6Address

from agents.kernel.mroute import MulticastRouting
from bench.flood import flood
from tests.kernel.routers import HOSTS, Chain
from tests.namespaces import Namespace, Namespaces

SECONDS = 2.0
GROUP = IPv6Address("ff3e::db8:1")
DIRECT = IPv6Address("2001:db8::2")


def main() -> None:
    """Measure each way and print one table."""
    print(f"UDP from one host to another, {SECONDS} s each")
    print(f"{'way':>20} {'packets/s':>10} {'received':>9} {'ratio':>6}")
    plain = None
    for way, measure in (("unicast, no router", direct), ("unicast", unicast), ("MRT6", multicast)):
        with Namespaces() as namespaces:
            rate, share = measure(namespaces)
        plain = plain or rate
        print(f"{way:>20} {rate:>10.0f} {share:>9.2%} {rate / plain:>6.2f}")


def direct(namespaces: Namespaces) -> tuple[float, float]:
    """Over one veth pair."""
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "eth0", right, "eth0", "2001:db8::1/64", f"{DIRECT}/64")
    return flood(left, right, DIRECT, SECONDS)


def unicast(namespaces: Namespaces) -> tuple[float, float]:
    """Through a router."""
    left, right = Chain(namespaces, 1).hosts
    return flood(left, right, HOSTS[1], SECONDS)


def multicast(namespaces: Namespaces) -> tuple[float, float]:
    """Through a router's multicast forwarding."""
    chain = Chain(namespaces, 1)
    left, right = chain.hosts
    with closing(forwarding(chain.router(1))) as routing:
        rate, share = flood(left, right, GROUP, SECONDS)
        packets, _, wrong = routing.counters(HOSTS[0], GROUP)
    assert packets >= rate * SECONDS
    assert wrong == 0
    return rate, share


def forwarding(router: Namespace) -> MulticastRouting:
    """The router's multicast forwarding with an entry for the group."""
    with router:
        routing = MulticastRouting()
        for interface in ("lan0", "lan1"):
            routing.add_interface(interface)
    routing.set_entry(HOSTS[0], GROUP, "lan0", ["lan1"])
    return routing


if __name__ == "__main__":
    main()
