"""What a tunnel costs: UDP through two routers, plainly and through each tunnel backend.

Run as root: ``python -m bench.bench_tunnel``. One sender floods with 1000-byte packets, so the
figure is what sender, routers and receiver do together on this machine.
"""

from __future__ import annotations

from functools import partial

from agents.kernel.capabilities import probe
from agents.kernel.netlink import Netlink
from agents.kernel.tunnel import Backend, open_tunnel
from bench.flood import ROUNDS, Measure, compare, flood
from tests.kernel.routers import HOSTS, LANS, Chain, loopback
from tests.namespaces import Namespaces


def main() -> None:
    """Measure each way and print one table."""
    print(f"unicast UDP through two routers, best of {ROUNDS} rounds")
    ways: dict[str, Measure] = {"no tunnel": partial(measure, None)}
    for backend in probe().tunnel_backends():
        ways[backend] = partial(measure, backend)
    compare(ways)


def measure(backend: Backend | None) -> tuple[float, float]:
    """Packets per second received and their share, through a tunnel or without one."""
    with Namespaces() as namespaces:
        chain = Chain(namespaces, 2)
        for number, other, lan in ((1, 2, LANS[1]), (2, 1, LANS[0])):
            with chain.router(number), Netlink() as netlink:
                if backend is None:
                    toward = netlink.route_lookup(loopback(other))
                    netlink.route_replace(lan, oif=toward.device, via=toward.via)
                else:
                    tunnel = open_tunnel("tun", loopback(number), loopback(other), backend)
                    namespaces.callback(tunnel.close)
                    netlink.route_replace(lan, oif="tun")
        return flood(chain.hosts[0], chain.hosts[1], HOSTS[1])


if __name__ == "__main__":
    main()
