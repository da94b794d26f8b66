"""What a tunnel costs: UDP through two routers, plainly and through each tunnel backend.

Run as root: ``python -m bench.bench_tunnel``. One sender floods with 1000-byte packets, so the
figure is what sender, routers and receiver do together on this machine.
"""

from __future__ import annotations

from agents.kernel.capabilities import probe
from agents.kernel.netlink import Netlink
from agents.kernel.tunnel import Backend, open_tunnel
from bench.flood import flood
from tests.kernel.routers import HOSTS, LANS, Chain, loopback
from tests.namespaces import Namespaces

SECONDS = 2.0


def main() -> None:
    """Measure each way and print one table."""
    print(f"unicast UDP through two routers, {SECONDS} s each")
    print(f"{'way':>10} {'packets/s':>10} {'received':>9} {'ratio':>6}")
    plain = None
    for backend in (None, *probe().tunnel_backends()):
        rate, share = measure(backend)
        plain = plain or rate
        print(f"{backend or 'no tunnel':>10} {rate:>10.0f} {share:>9.2%} {rate / plain:>6.2f}")


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
        return flood(chain.hosts[0], chain.hosts[1], HOSTS[1], SECONDS)


if __name__ == "__main__":
    main()
