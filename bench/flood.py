"""As many UDP packets as a sender can, and how many arrive: for benchmarks."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from ipaddress import IPv6Address

from tests.namespaces import Namespace

PORT = 5001
PAYLOAD = 1000
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


def flood(
    source: Namespace, sink: Namespace, destination: IPv6Address, seconds: float
) -> tuple[float, float]:
    """Packets per second that were received, and the share of those sent."""
    with sink:
        receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        index = socket.if_nametoindex("eth0")
    receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
    if destination.is_multicast:
        request = destination.packed + index.to_bytes(4, sys.byteorder)
        receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
    receiver.bind(("::", PORT))
    receiver.setblocking(False)
    command = [sys.executable, "-c", _SOURCE, str(seconds), str(destination)]
    process = source.spawn(command, stdout=subprocess.PIPE)
    received = 0
    with receiver:
        while process.poll() is None:
            received += _drain(receiver)
            time.sleep(0.001)
        received += _drain(receiver)
    assert process.stdout is not None
    return received / seconds, received / int(process.stdout.read())


def _drain(receiver: socket.socket) -> int:
    count = 0
    while True:
        try:
            count += len(receiver.recv(PAYLOAD)) == PAYLOAD
        except BlockingIOError:
            return count
