"""The CMD under real packets: handovers a second from socket to socket, and what they wait for it.

Run as root: ``python -m bench.bench_cmd``. The agent is in one network namespace, two MARs are in
another; each handover is a PBU, its PBA, the PBU to the previous MAR and the PBA of that one. The
store is on the disk of the temporary directory, or in memory where that is a tmpfs.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
import tempfile
import time
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

import numpy as np

from agents.kernel.netlink import Netlink
from agents.kernel.sockets import MobilitySocket
from agents.mobility.actions import MobileNode
from agents.mobility.anchors import Anchor
from agents.mobility.messages import acknowledgement, registration
from agents.wire.mobility import BindingUpdate, Message, Status, decode, encode
from agents.wire.mobility_options import MobileNodeIdentifier
from tests.namespaces import Namespace, Namespaces

CMD = IPv6Address("2001:db8::c")
MARS = (IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2"))
NODES = 1000
WINDOW = 16
SECONDS = 5.0
_MAC = bytes.fromhex("00005e005213")
_AGENT = "import json, sys; from agents.roles.cmd import main; main(json.loads(sys.argv[1]))"


def main() -> None:
    """Measure, and print one table."""
    print(f"{NODES} mobile nodes between two MARs, {WINDOW} handovers under way at a time")
    print(f"{'store':>8} {'handovers/s':>12} {'PBU to PBA, median ms':>22} {'p99 ms':>7}")
    for name, directory in (("disk", None), ("tmpfs", "/dev/shm")):
        with tempfile.TemporaryDirectory(dir=directory) as place, Namespaces() as namespaces:
            times = measure(namespaces, place)
        median, p99 = np.percentile(times, [50, 99]) * 1000
        print(f"{name:>8} {len(times) / SECONDS:>12.0f} {median:>22.2f} {p99:>7.2f}")


def measure(namespaces: Namespaces, place: str) -> list[float]:
    """The times from PBU to PBA (s) of the handovers of ``SECONDS``."""
    cmd, mars = namespaces.new(), namespaces.new()
    namespaces.link(cmd, "eth0", mars, "eth0", f"{CMD}/64", f"{MARS[0]}/64")
    with mars, Netlink() as netlink:
        netlink.add_address("eth0", f"{MARS[1]}/64", nodad=True)
        sockets = {mar: MobilitySocket(mar) for mar in MARS}
    agent = start_agent(cmd, place)
    try:
        return Mars(sockets).run()
    finally:
        agent.terminate()
        agent.wait()


def start_agent(namespace: Namespace, place: str) -> subprocess.Popen[str]:
    """The CMD's agent, once it serves."""
    log = Path(place, "events.jsonl")
    config = {
        "node": "cmd",
        "log": str(log),
        "address": str(CMD),
        "peers": [str(mar) for mar in MARS],
        "peer": None,
        "variant": "proxy",
        "store": str(Path(place, "cmd.sqlite")),
        "query": str(Path(place, "cmd.query")),
        "key": None,
        "channel_control": None,
        "mobility": {},
    }
    agent = namespace.spawn([sys.executable, "-c", _AGENT, json.dumps(config)])
    while not (log.exists() and '"ready"' in log.read_text(encoding="utf-8")):
        if agent.poll() is not None:
            raise RuntimeError("the agent ended")
        time.sleep(0.01)
    return agent


class Mars:
    """Two MARs between which mobile nodes go to and fro, as fast as the CMD answers."""

    def __init__(self, sockets: dict[IPv6Address, MobilitySocket]) -> None:
        self._sockets = sockets
        self._moves = [0] * NODES
        self._sent: dict[str, float] = {}
        self._times: list[float] = []

    def run(self) -> list[float]:
        """The times from PBU to PBA, s."""
        by_descriptor = {s.fileno(): (mar, s) for mar, s in self._sockets.items()}
        end = time.monotonic() + SECONDS
        for node in range(WINDOW):
            self._move(node)
        while time.monotonic() < end:
            for descriptor in select.select(list(by_descriptor), [], [], 1)[0]:
                mar, mar_socket = by_descriptor[descriptor]
                while (received := mar_socket.receive()) is not None:
                    data, source, destination, _ = received
                    self._take(decode(data, source, destination), mar)
        return self._times

    def _take(self, message: Message, mar: IPv6Address) -> None:
        if isinstance(message, BindingUpdate):
            self._send(acknowledgement(message, Status.ACCEPTED, message.lifetime), mar)
            return
        identifier = message.option(MobileNodeIdentifier)  # type: ignore[union-attr]
        began = self._sent.pop(identifier.identifier, None) if identifier else None
        if began is not None:
            self._times.append(time.monotonic() - began)
            self._move((int(identifier.identifier) + WINDOW) % NODES)

    def _move(self, node: int) -> None:
        """A mobile node attaches to the other MAR."""
        self._moves[node] += 1
        number = self._moves[node] % len(MARS)
        pool = int(IPv6Address("2001:db8:100::")) + (number << 88) + (node << 64)
        link_local = IPv6Address("fe80::5213:1") + number
        anchor = Anchor(MARS[number], IPv6Network((pool, 64)), link_local, _MAC)
        mobile_node = MobileNode(str(node), b"\x02" + node.to_bytes(5, "big"))
        sequence = self._moves[node] % (1 << 16)
        self._sent[str(node)] = time.monotonic()
        update = registration(mobile_node, anchor, sequence, 300, time.time_ns(), again=False)
        self._send(update, anchor.address)

    def _send(self, message: Message, mar: IPv6Address) -> None:
        self._sockets[mar].send(encode(message, mar, CMD), CMD)


if __name__ == "__main__":
    main()
