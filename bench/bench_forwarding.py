"""What multicast forwarding costs: one group through one router, against unicast through it.

Run as root: ``python -m bench.bench_forwarding``. The multicast packets go by an entry of the
multicast routing socket, the unicast ones by an ordinary route; the third way has no router.
"""

from __future__ import annotations

from contextlib import closing
from ipaddress import IPv6Address

from agents.kernel.mroute import MulticastRouting
from bench.flood import ROUNDS, SECONDS, compare, flood
from tests.kernel.routers import HOSTS, Chain
from tests.namespaces import Namespace, Namespaces

GROUP = IPv6Address("ff3e::db8:1")
DIRECT = IPv6Address("2001:db8::2")


def main() -> None:
    """Measure each way and print one table."""
    print(f"UDP from one host to another, best of {ROUNDS} rounds")
    compare({"unicast, no router": direct, "unicast": unicast, "MRT6": multicast})


def direct() -> tuple[float, float]:
    """Over one veth pair."""
    with Namespaces() as namespaces:
        left, right = namespaces.new(), namespaces.new()
        namespaces.link(left, "eth0", right, "eth0", "2001:db8::1/64", f"{DIRECT}/64")
        return flood(left, right, DIRECT)


def unicast() -> tuple[float, float]:
    """Through a router."""
    with Namespaces() as namespaces:
        left, right = Chain(namespaces, 1).hosts
        return flood(left, right, HOSTS[1])


def multicast() -> tuple[float, float]:
    """Through a router's multicast forwarding."""
    with Namespaces() as namespaces:
        chain = Chain(namespaces, 1)
        left, right = chain.hosts
        with closing(forwarding(chain.router(1))) as routing:
            rate, share = flood(left, right, GROUP)
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
