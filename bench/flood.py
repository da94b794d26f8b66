"""As many UDP packets as a sender can, and how many arrive: for benchmarks."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Callable
from ipaddress import IPv6Address

from tests.namespaces import Namespace

PORT = 5001
PAYLOAD = 1000
ROUNDS = 3
SECONDS = 0.7
_SO_RCVBUFFORCE = 33
_SOURCE = f"""
import socket, sys, time
seconds, group = float(sys.argv[1]), sys.argv[2]
sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 16)
sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("eth0"))
sender.connect((group, {PORT}))
sender.send(b"")  # resolves the neighbours
time.sleep(0.2)
packet, end, sent = bytes({PAYLOAD}), time.monotonic() + seconds, 0
while time.monotonic() < end:
    for _ in range(100):
        sender.send(packet)
    sent += 100
print(sent)
"""


Measure = Callable[[], tuple[float, float]]
"""One flood: packets per second received, and the share of those sent."""


def compare(ways: dict[str, Measure]) -> None:
    """Print the best round of each way, and its ratio to the first; the rounds take turns."""
    best = dict.fromkeys(ways, (0.0, 0.0))
    for _ in range(ROUNDS):
        for name, measure in ways.items():
            best[name] = max(best[name], measure())
    first = next(iter(best.values()))[0]
    print(f"{'way':>20} {'packets/s':>10} {'received':>9} {'ratio':>6}")
    for name, (rate, share) in best.items():
        print(f"{name:>20} {rate:>10.0f} {share:>9.2%} {rate / first:>6.2f}")


def flood(source: Namespace, sink: Namespace, destination: IPv6Address) -> tuple[float, float]:
    """Flood for ``SECONDS``: packets per second received, and the share of those sent."""
    with sink:
        receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        index = socket.if_nametoindex("eth0")
    receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
    if destination.is_multicast:
        request = destination.packed + index.to_bytes(4, sys.byteorder)
        receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
    receiver.bind(("::", PORT))
    receiver.setblocking(False)
    command = [sys.executable, "-c", _SOURCE, str(SECONDS), str(destination)]
    process = source.spawn(command, stdout=subprocess.PIPE)
    received = 0
    with receiver:
        while process.poll() is None:
            received += _drain(receiver)
            time.sleep(0.001)
        received += _drain(receiver)
    assert process.stdout is not None
    return received / SECONDS, received / int(process.stdout.read())


def _drain(receiver: socket.socket) -> int:
    count = 0
    while True:
        try:
            count += len(receiver.recv(PAYLOAD)) == PAYLOAD
        except BlockingIOError:
            return count
