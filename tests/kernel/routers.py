"""A chain of routers, each with a loopback address, and hosts at its ends.

``host0 — router1 — router2 — … — routerN — host1``: the hosts have 2001:db8:a0::2 and
2001:db8:a1::2; the routers know the way to each other's loopback addresses only, so the hosts reach
each other by tunnels alone, or not at all.
"""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

from agents.kernel.netlink import Netlink
from tests.namespaces import Namespace, Namespaces

DEFAULT = IPv6Network("::/0")
LANS = (IPv6Network("2001:db8:a0::/64"), IPv6Network("2001:db8:a1::/64"))
HOSTS = tuple(lan[2] for lan in LANS)


def loopback(number: int) -> IPv6Address:
    """The loopback address of router ``number``, counted from 1."""
    return IPv6Address("2001:db8:ffff::") + number


class Chain:
    """The namespaces of the chain. A router has ``left``, ``right`` and, at the ends, ``lan``.

    A single router has ``lan0`` and ``lan1``.
    """

    def __init__(self, namespaces: Namespaces, length: int) -> None:
        self.routers = [namespaces.router() for _ in range(length)]
        self.hosts = [namespaces.new() for _ in LANS]
        for number, (left, right) in enumerate(zip(self.routers, self.routers[1:], strict=False)):
            addresses = f"fe80::{number:x}:1/64", f"fe80::{number:x}:2/64"
            namespaces.link(left, "right", right, "left", *addresses)
        ends = self.routers[0], self.routers[-1]
        names = ("lan0", "lan1") if length == 1 else ("lan", "lan")
        for host, router, name, lan in zip(self.hosts, ends, names, LANS, strict=True):
            namespaces.link(host, "eth0", router, name, f"{lan[2]}/64", f"{lan[1]}/64")
            with host, Netlink() as netlink:
                netlink.route_replace(DEFAULT, oif="eth0", via=lan[1])
        for number, router in enumerate(self.routers, 1):
            router.add_address("lo", f"{loopback(number)}/128")
            with router, Netlink() as netlink:
                self._add_routes(netlink, number)

    def router(self, number: int) -> Namespace:
        """Router ``number``, counted from 1."""
        return self.routers[number - 1]

    def _add_routes(self, netlink: Netlink, number: int) -> None:
        for other in range(1, len(self.routers) + 1):
            if other < number:
                oif, via = "left", f"fe80::{number - 2:x}:1"
            elif other > number:
                oif, via = "right", f"fe80::{number - 1:x}:2"
            else:
                continue
            prefix = IPv6Network(loopback(other))
            source = loopback(number)
            netlink.route_replace(prefix, oif=oif, via=IPv6Address(via), source=source)
