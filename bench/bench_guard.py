"""What the source guard costs a packet: UDP through a router with and without it.

Run as root: ``python -m bench.bench_guard``. A figure is the processor time that a packet takes
until it is at the receiver's socket: of the sender, of the kernel in its name, and of the switch
if that is a process. With and without take turns, so that what else the machine does falls upon
both. The bare path is two veth pairs; a node's has a radio switch with the access point's flows.
"""

from __future__ import annotations

import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import IPv6Address
from pathlib import Path

from agents.kernel.capabilities import probe
from agents.kernel.netlink import Netlink
from agents.kernel.source_guard import SourceGuard
from bench.bench_forwarding import GROUP, forwarding
from emu import sandbox
from tests.kernel.routers import DEFAULT, HOSTS, LANS, Chain
from tests.namespaces import Namespace, Namespaces
from tests.patience import eventually

PORT, PAYLOAD = 5001, 1000
PACKETS, BURST = 4_000, 50
TURNS = 75
DESTINATIONS = {"unicast": HOSTS[1], "multicast": GROUP}
_SOURCE = f"""
import resource, socket, sys, time
sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 16)
sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
sender.connect((sys.argv[1], {PORT}))
packet, pause = bytes({PAYLOAD}), float(sys.argv[2])
def used():
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
for line in sys.stdin:
    spent = 0
    for _ in range({PACKETS // BURST}):
        before = used()
        for _ in range({BURST}):
            sender.send(packet)
        spent += used() - before
        time.sleep(pause)
    print(spent / {PACKETS} * 1e6, flush=True)
"""
_BURST_PAUSE_S, _STILL_S = 0.002, 0.05
"""For a switch that is a process, which has room for few packets; and how long until it is done."""


class Way:
    """A sender, a router that knows it and watches it, if it is ``guarded``, and a receiver."""

    def __init__(
        self,
        opened: ExitStack,
        nodes: tuple[Namespace, Namespace, Namespace],
        destination: IPv6Address,
        *,
        guarded: bool,
        pause_s: float = 0,
    ) -> None:
        host, router, self._sink = nodes
        if destination.is_multicast:
            opened.callback(forwarding(router).close)
        if guarded:
            with router:
                guard = SourceGuard("lan0")
            guard.allow(link_layer(host), [LANS[0]])
            guard.watch(link_layer(host))
            opened.callback(guard.close)
        with self._sink:  # of what nobody reads the kernel keeps a little
            receiver = opened.enter_context(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
            index = socket.if_nametoindex("eth0")
        if destination.is_multicast:
            member = destination.packed + index.to_bytes(4, sys.byteorder)
            receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
        receiver.bind(("::", PORT))
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "bufsize": 1}
        source = [sys.executable, "-c", _SOURCE, str(destination), str(pause_s)]
        self._sender = host.spawn(source, **pipes)
        opened.callback(self._sender.terminate)

    def turn(self, others: Callable[[], float]) -> float:
        """µs of processor time that a packet takes; ``others`` have used so much in all, in µs.

        What a switch that is a process drops, on a busy machine, has no part in it.
        """
        assert self._sender.stdin is not None
        assert self._sender.stdout is not None
        before, arrived = others(), self._arrived()
        self._sender.stdin.write("go\n")
        sender = float(self._sender.stdout.readline())
        eventually(self._is_still)
        return sender + (others() - before) / (self._arrived() - arrived)

    def _is_still(self) -> bool:
        arrived = self._arrived()
        time.sleep(_STILL_S)
        return self._arrived() == arrived

    def _arrived(self) -> int:
        with self._sink:
            counts = Path("/proc/thread-self/net/dev").read_text(encoding="ascii")
        (line,) = (line.split() for line in counts.splitlines() if "eth0:" in line)
        return int(line[2])


def link_layer(host: Namespace) -> bytes:
    """The link-layer address of a host."""
    shown = host.run("ip", "link", "show", "eth0").stdout
    (address,) = re.findall(r"link/ether (\S+)", shown)
    return bytes.fromhex(address.replace(":", ""))


def bare(opened: ExitStack, number: int) -> tuple[Namespace, Namespace, Namespace]:
    """A host, a router, and another host."""
    chain = Chain(opened.enter_context(Namespaces()), 1)
    return chain.hosts[0], chain.router(1), chain.hosts[1]


class Here(Namespace):
    """Where this process is."""

    def __init__(self) -> None:
        self.descriptor = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self._outside = []


def by_radio(opened: ExitStack, number: int) -> tuple[Namespace, Namespace, Namespace]:
    """The same; between host and router there is the radio switch, with an access point's flows."""
    namespaces = opened.enter_context(Namespaces())
    host, router, sink, here = namespaces.new(), namespaces.router(), namespaces.new(), Here()
    ports = f"node{number}", f"mar{number}"
    namespaces.link(host, "eth0", here, ports[0], f"{HOSTS[0]}/64")
    namespaces.link(router, "lan0", here, ports[1], f"{LANS[0][1]}/64")
    namespaces.link(router, "lan1", sink, "eth0", f"{LANS[1][1]}/64", f"{HOSTS[1]}/64")
    for name in ports:
        _switch("vsctl", "add-port", "radio", name)
    own = link_layer(host).hex(":")
    for flow in (f"in_port={ports[0]},dl_src={own},actions=output:{ports[1]}",
                 f"in_port={ports[1]},actions=output:{ports[0]}"):  # fmt: skip
        _switch("ofctl", "add-flow", "radio", flow)
    for end, lan in ((host, LANS[0]), (sink, LANS[1])):
        with end, Netlink() as netlink:
            netlink.route_replace(DEFAULT, oif="eth0", via=lan[1])
    return host, router, sink


def _switch(program: str, *command: str) -> None:
    subprocess.run([f"ovs-{program}", *command], check=True)


def compare(nodes: Callable[[ExitStack, int], tuple[Namespace, Namespace, Namespace]],
            others: Callable[[], float], pause_s: float) -> None:  # fmt: skip
    """Print a table."""
    print(f"{'':>10} {'without':>14} {'with the guard':>16} {'ratio':>6}")
    for name, destination in DESTINATIONS.items():
        with ExitStack() as opened:
            ways = [
                Way(
                    opened,
                    nodes(opened, number + 2 * destination.is_multicast),
                    destination,
                    guarded=bool(number),
                    pause_s=pause_s,
                )
                for number in range(2)
            ]
            turns = [[way.turn(others) for way in ways] for _ in range(TURNS)]
        without, guarded = zip(*turns, strict=True)
        ratio = statistics.median(two / one for one, two in turns)
        shown = [f"{statistics.median(one):.2f} ({min(one):.2f})" for one in (without, guarded)]
        print(f"{name:>10} {shown[0]:>14} {shown[1]:>16} {ratio:>6.3f}", flush=True)


def in_sandbox() -> None:
    """Compare them on a node's path, where the switch runs."""
    backend = probe().switch_backend()
    kind = "netdev" if backend == "user" else "system"
    print(f"a node's path: switch ({backend}), router")
    _switch("vsctl", "add-br", "radio", "--", "set", "bridge", "radio", f"datapath_type={kind}",
            "fail_mode=secure")  # fmt: skip
    switch = Path("/run/openvswitch/ovs-vswitchd.pid").read_text(encoding="ascii").strip()

    def used() -> float:
        threads = Path(f"/proc/{switch}/task").glob("*/schedstat")
        return sum(int(one.read_text(encoding="ascii").split()[0]) for one in threads) / 1e3

    compare(by_radio, used, _BURST_PAUSE_S)


def main() -> None:
    """Measure and print two tables."""
    if sys.argv[1:] == ["in-sandbox"]:
        in_sandbox()
        return
    print(f"µs of processor time a packet, median (least) of {TURNS} turns of {PACKETS} packets")
    print("bare: two veth pairs, router")
    compare(bare, lambda: 0.0, 0)
    again = [sys.executable, "-m", "bench.bench_guard", "in-sandbox"]
    if sandbox.spawn(again).wait() != 0:
        sys.exit(1)


if __name__ == "__main__":
    main()
