"""What multicast to many receivers costs its sender: by the overlay, and by the kernel's own ways.

One sender floods in bursts; ``µs`` is processor time a packet of its program and of the overlay's
member beside it (``member``), which on this machine includes all that the kernel does until the
packets are at the receivers; a receiver's member (``receiver``) comes on top. ``further`` is what
each receiver but the first adds, ``latency`` that of single packets from program to program. Other
work on the machine makes all of them larger: read the ratios within one run.

* ``overlay``: a member on each host, the sender's with a child for each receiver; members carry the
  data, or their programs in the kernel do (``bpf``);
* ``VXLAN``: a VXLAN device, whose kernel replicates at the sender (head-end replication);
* ``router``: plain IPv6 multicast; one router's forwarding cache replicates (31 receivers at most).
"""

from __future__ import annotations

import select
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path

from agents.kernel.mroute import MAXIMUM_INTERFACES, MulticastRouting
from bench.overlay_crowd import crowd
from tests.kernel.overlay_hosts import Host, unicast_only
from tests.namespaces import Namespace
from tests.patience import eventually

PAYLOADS = (64, 1_316)
RECEIVERS = (1, 4, 16, 64)
BURST = 400
BURSTS, PAUSE_S = 40, 0.02
MANY_BURSTS, SHORT_PAUSE_S = 200, 0.004
"""Where the kernel alone carries them."""
QUIET_S = 1.0
PROBES, PROBE_PAUSE_S, PROBE_WAIT_S = 100, 0.003, 2.0
PORT = 5001
GROUP = IPv6Address("ff0e::db8:1")
DEGREE = 64
KEYS = {1: b"a secret for this bench"}
PAPER = (
    "the paper's Java middleware: 0.32 to 0.40 Gbit/s a processor (80 Mbit/s, 20 to 25 % of 3 GHz)"
)
_SO_RCVBUFFORCE = 33
_SENDER = f"""
import socket, sys, time
interface, size = sys.argv[1], int(sys.argv[2])
sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 16)
sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex(interface))
sender.connect(("{GROUP}", {PORT}))
packet, before = bytes(size), time.process_time()
for _ in range(int(sys.argv[4])):
    for _ in range({BURST}):
        sender.send(packet)
    time.sleep(float(sys.argv[3]))
print(time.process_time() - before)
"""


@dataclass(frozen=True)
class Way:
    """A way that is ready: the sender, one receiver, and the member whose time counts, too."""

    name: str
    sender: Host
    receiver: Host
    interface: dict[int, str]
    """By host."""
    members: tuple[int, int] | None = None
    """The processes of the sender's member and the receiver's."""
    bursts: int = MANY_BURSTS
    pause_s: float = SHORT_PAUSE_S


@dataclass(frozen=True)
class Cost:
    """µs of processor time a packet; how many arrived; µs from program to program."""

    all: float
    member: float
    receiver: float
    arrived: float
    latency: float


def main() -> None:
    """One line for each way, payload and number of receivers."""
    print(__doc__)
    columns = (
        "µs",
        "member",
        "receiver",
        "packets/s",
        "Gbit/s",
        "CPU/Gbit/s",
        "further",
        "latency",
    )
    print(f"{'receivers':>9} {'octets':>6} {'':>18}", *(f"{c:>10}" for c in columns), "  arrived")
    first: dict[tuple[str, int], Cost] = {}
    for receivers in RECEIVERS:
        with (
            tempfile.TemporaryDirectory() as folder,
            unicast_only(receivers + 1, Path(folder)) as hosts,
        ):
            for way in _ways(hosts):
                for payload in PAYLOADS:
                    cost = _measure(way, payload)
                    alone = first.setdefault((way.name, payload), cost)
                    further = (cost.all - alone.all) / max(1, receivers - 1)
                    print(f"{receivers:>9} {payload:>6} {way.name:>18}", end=" ")
                    _show(payload, cost, further)
    print(PAPER)


def _ways(hosts: list[Host]) -> Iterator[Way]:
    """Each way in turn; it is there until the next one is asked for."""
    for name, keys, data_path in (
        ("overlay, in clear", {}, "python"),
        ("overlay, encrypted", KEYS, "python"),
        ("overlay, bpf", {}, "bpf"),
    ):
        with _overlay(name, hosts, keys, data_path) as way:
            yield way
    with _vxlan(hosts) as way:
        yield way
    if len(hosts) <= MAXIMUM_INTERFACES:
        with _router(hosts) as way:
            yield way


@contextmanager
def _overlay(name: str, hosts: list[Host], keys: dict[int, bytes], data_path: str) -> Iterator[Way]:
    written = {str(n): key.decode() for n, key in keys.items()} or "off"
    sender, receiver, *others = hosts
    for host in (sender, receiver):
        host.start(keys=written, data_path=data_path, options={"degree": DEGREE})
    listener = receiver.listen(str(GROUP))
    with crowd(others, GROUP, keys, DEGREE):
        eventually(
            lambda: sum(bool(m["groups"]) for m in sender.status()["members"]) == len(hosts) - 1
        )
        sender.send(str(GROUP), [b"the tree is planned"])
        eventually(lambda: len(sender.status()["roots"][0]["parents"]) == len(hosts) - 1)
        eventually(lambda: _is_carried(sender, receiver))
        interfaces = {host.number: host.interface for host in hosts}
        pace = (BURSTS, PAUSE_S) if data_path == "python" else (MANY_BURSTS, SHORT_PAUSE_S)
        yield Way(name, sender, receiver, interfaces, (sender.pid, receiver.pid), *pace)
    listener.close()
    for host in (sender, receiver):
        host.end()


def _is_carried(sender: Host, receiver: Host) -> bool:
    """Whether the data path that was asked for carries packets: each asks with one more."""
    sender.send(str(GROUP), [b"who carries this?"])
    kernel = sender.status().get("kernel"), receiver.status().get("kernel")
    return None in kernel or bool(kernel[0]["sent"] and kernel[1]["delivered"])


@contextmanager
def _vxlan(hosts: list[Host]) -> Iterator[Way]:
    kind = ("type", "vxlan", "id", "7", "dstport", "4789", "nolearning")
    for host in hosts:
        local = f"10.0.{host.number}.2"
        host.namespace.run("ip", "link", "add", "vx0", *kind, "local", local, "dev", "eth0")
        host.namespace.run("ip", "link", "set", "vx0", "up")
        host.namespace.add_address("vx0", f"fd90::{host.number}/64")
    for host in hosts[1:]:
        entry = ("00:00:00:00:00:00", "dev", "vx0", "dst", f"10.0.{host.number}.2")
        hosts[0].namespace.run("bridge", "fdb", "append", *entry)
    yield Way("VXLAN", hosts[0], hosts[1], {host.number: "vx0" for host in hosts})
    for host in hosts:
        host.namespace.run("ip", "link", "delete", "vx0")


@contextmanager
def _router(hosts: list[Host]) -> Iterator[Way]:
    router: Namespace = hosts[0].router
    with router:
        routing = MulticastRouting()
    with closing(routing):
        with router:
            for host in hosts:
                routing.add_interface(f"to{host.number}")
            source = IPv6Address("2001:db8:1::2")
            routing.set_entry(source, GROUP, "to1", [f"to{host.number}" for host in hosts[1:]])
        yield Way("router", hosts[0], hosts[1], {host.number: "eth0" for host in hosts})


def _measure(way: Way, payload: int) -> Cost:
    with ExitStack() as stack:
        receiver = stack.enter_context(_listening(way))
        latency = _latency(way, receiver, payload)
        before = _members_s(way)
        interface = way.interface[way.sender.number]
        options = [interface, str(payload), str(way.pause_s), str(way.bursts)]
        command = [sys.executable, "-c", _SENDER, *options]
        program = way.sender.namespace.spawn(command, stdout=subprocess.PIPE)
        got = 0
        while program.poll() is None:
            got += _drain(receiver)
            time.sleep(0.001)
        got += _rest(receiver)
        assert program.stdout is not None
        packets = way.bursts * BURST
        member, other = (
            1e6 * (after - s) / packets for after, s in zip(_members_s(way), before, strict=True)
        )
        spent = 1e6 * float(program.stdout.read()) / packets
        return Cost(spent + member, member, other, got / packets, latency)


def _members_s(way: Way) -> tuple[float, float]:
    """What the members of sender and receiver have spent."""
    if way.members is None:
        return 0.0, 0.0
    sender, receiver = way.members
    return cpu_s(sender), cpu_s(receiver)


@contextmanager
def _listening(way: Way) -> Iterator[socket.socket]:
    with way.receiver.namespace, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as receiver:
        index = socket.if_nametoindex(way.interface[way.receiver.number])
        receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
        request = GROUP.packed + index.to_bytes(4, sys.byteorder)
        receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
        receiver.bind(("::", PORT))
        receiver.setblocking(False)
        yield receiver


def _latency(way: Way, receiver: socket.socket, payload: int) -> float:
    """Median, µs, of single packets."""
    times = []
    with way.sender.namespace, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sender:
        index = socket.if_nametoindex(way.interface[way.sender.number])
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 16)
        for _ in range(PROBES):
            began = time.perf_counter()
            sender.sendto(bytes(payload), (str(GROUP), PORT))
            ready, _, _ = select.select([receiver], [], [], PROBE_WAIT_S)
            if ready:
                times.append(time.perf_counter() - began)
            _drain(receiver)
            time.sleep(PROBE_PAUSE_S)
    return 1e6 * statistics.median(times)


def _rest(receiver: socket.socket) -> int:
    """Wait until nothing comes any more: how many came."""
    count = 0
    while select.select([receiver], [], [], QUIET_S)[0]:
        count += _drain(receiver)
    return count


def _drain(receiver: socket.socket) -> int:
    count = 0
    while True:
        try:
            receiver.recv(2048)
        except BlockingIOError:
            return count
        count += 1


def _show(payload: int, cost: Cost, further: float) -> None:
    rate = payload * 8 / cost.all / 1000
    figures = (cost.all, cost.member, cost.receiver, 1e6 / cost.all, rate, 1 / rate, further)
    shown = (f"{figure:>10.{0 if figure > 1e4 else 2}f}" for figure in figures)
    print(*shown, f"{cost.latency:>10.0f} {cost.arrived:>9.1%}", flush=True)


def cpu_s(pid: int) -> float:
    """Processor time that the main thread of a process has had, s; precise, unlike its ticks."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


if __name__ == "__main__":
    main()
