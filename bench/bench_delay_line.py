"""How exactly the delay line keeps the delay it is asked for: error at rising packet rates.

Run as root: ``python -m bench.bench_delay_line``. The error of a packet is the time from its
sending to its reception, both stamped outside the delay line, less the asked delay.
"""

from __future__ import annotations

import json
import socket
import struct
import subprocess
import sys
import tempfile
import time
from ipaddress import IPv6Address
from pathlib import Path

import numpy as np

from tests.namespaces import Namespace, Namespaces

DELAY_NS = 5_000_000
RATES = (1_000, 5_000, 10_000)
SECONDS = 2
PORT = 5001
_SO_TIMESTAMPNS = 35
_SO_RCVBUFFORCE = 33
_PAYLOAD = struct.Struct("=q1000x")
RECEIVER = IPv6Address("2001:db8::2")


def main() -> None:
    """Measure each rate and print one table."""
    print(f"delay line, one link of {DELAY_NS / 1e6} ms, {SECONDS} s each")
    print(f"{'packets/s':>10} {'received':>9} {'p50 µs':>8} {'p99 µs':>8} {'max µs':>8} {'CPU':>6}")
    for rate in RATES:
        errors, cpu = measure(rate)
        p50, p99, worst = np.percentile(errors, (50, 99, 100)) / 1000
        share = f"{cpu / SECONDS:.0%}"
        received = len(errors) / (rate * SECONDS)
        print(f"{rate:>10} {received:>9.2%} {p50:>8.1f} {p99:>8.1f} {worst:>8.1f} {share:>6}")


def measure(rate: int) -> tuple[list[int], float]:
    """Errors of every packet received in ns, and CPU seconds of the delay line."""
    with Namespaces() as namespaces:
        left, line, right = namespaces.new(), namespaces.new(), namespaces.new()
        namespaces.link(left, "left", line, "a", "2001:db8::1/64")
        namespaces.link(right, "right", line, "b", f"{RECEIVER}/64")
        process = start(line)
        try:
            errors = exchange(left, right, rate)
            stat = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8")
            times = stat.rsplit(")", 1)[1].split()
            return errors, (int(times[11]) + int(times[12])) / 100
        finally:
            process.terminate()
            process.communicate()


def start(namespace: Namespace) -> subprocess.Popen[str]:
    """A delay line between interfaces a and b of the namespace."""
    quality = {"delay": DELAY_NS, "jitter": 0, "loss": 0.0}
    link = {"a": "a", "b": "b", "a_to_b": quality, "b_to_a": quality}
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as config:
        json.dump({"seed": 1, "links": [link]}, config)
        config.flush()
        command = [sys.executable, "-m", "emu.network.delay_line", config.name]
        process = namespace.spawn(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
    return process


def exchange(left: Namespace, right: Namespace, rate: int) -> list[int]:
    """Send stamped packets at a steady rate and compare with the kernel's reception stamps."""
    with right:
        receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    receiver.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 64 << 20)
    receiver.bind((str(RECEIVER), PORT))
    receiver.setblocking(False)
    with left:
        sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sender.connect((str(RECEIVER), PORT))
    sender.send(b"")  # resolves the neighbour
    time.sleep(0.2)
    begin = time.monotonic_ns()
    for number in range(rate * SECONDS):
        due = begin + number * 1_000_000_000 // rate
        wait = due - time.monotonic_ns()
        if wait > 0:
            time.sleep(wait / 1e9)
        sender.send(_PAYLOAD.pack(time.time_ns()))
    time.sleep(0.1)
    return list(errors_of(receiver))


def errors_of(receiver: socket.socket) -> list[int]:
    """Delay less the asked one, of every packet that waits at the receiver."""
    errors: list[int] = []
    while True:
        try:
            data, ancillary, _, _ = receiver.recvmsg(_PAYLOAD.size, 64)
        except BlockingIOError:
            return errors
        if data:
            (sent,) = _PAYLOAD.unpack(data)
            seconds, nanoseconds = struct.unpack("=qq", ancillary[0][2])
            errors.append(seconds * 1_000_000_000 + nanoseconds - sent - DELAY_NS)


if __name__ == "__main__":
    main()
