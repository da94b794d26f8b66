"""What viewers of a live page cost: the CPU time of its server with 0, 1 and 20 of them.

``python -m bench.bench_live``. The run that they watch is made up: 50 events and the throughput of
10 flows a second, which is what a busy scenario has. Viewers are sockets that read all they get.
"""

from __future__ import annotations

import json
import os
import selectors
import socket
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from emu.live.broadcast import Broadcast, broadcast
from emu.traffic.arrivals import ArrivalsWriter

SECONDS = 20
EVENTS_A_SECOND, FLOWS, PACKETS_A_SECOND = 50, 10, 100
_TICK_S = 0.1
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure each number of viewers and print one table."""
    print(f"a run of {EVENTS_A_SECOND} events a second, {FLOWS} flows; over {SECONDS} s")
    for count in (0, 1, 20):
        share, received = measure(count)
        print(f"{count:3} viewers: {share:6.1%} of a core, {received / SECONDS / 1000:7.1f} kB/s")


def measure(count: int) -> tuple[float, float]:
    """The server's share of a core, and the bytes that all viewers received."""
    with tempfile.TemporaryDirectory() as folder, broadcast("bench", 0) as page:
        run = MadeUp(Path(folder))
        page.began(1, Path(folder), run.plan)
        viewers = [_viewer(page) for _ in range(count)]
        before, received = _cpu_s(page), 0
        began = time.monotonic()
        while time.monotonic() < began + SECONDS:
            run.go_on()
            received += _read(viewers, time.monotonic() + _TICK_S)
        share = (_cpu_s(page) - before) / (time.monotonic() - began)
        for viewer in viewers:
            viewer.close()
    return share, received


class MadeUp:
    """The files of a run that goes on."""

    def __init__(self, folder: Path) -> None:
        self._events = (folder / "events.jsonl").open("a", encoding="utf-8")
        self._began = time.monotonic_ns()
        self._written = 0
        names = [f"flow{number}" for number in range(FLOWS)]
        self._flows = [ArrivalsWriter(folder / f"{name}.bin") for name in names]
        self.plan = {
            "scenario": {"name": "bench", "duration": SECONDS * 10**9},
            "seed": 1,
            "t0_ns": self._began,
            "nodes": {},
            "links": [],
            "flows": [
                {
                    "flow": name, "kind": "iperf3", "protocol": "udp", "arrivals": f"{name}.bin",
                    "sent": None, "start_ns": self._began, "from": "a", "to": "b",
                    "sender_report": None, "receiver_report": None,
                }
                for name in names
            ],
        }  # fmt: skip

    def go_on(self) -> None:
        """Write what has happened by now."""
        now = time.monotonic_ns()
        packets = (now - self._began) * PACKETS_A_SECOND // 10**9
        for number in range(self._written, packets):
            at = self._began + number * 10**9 // PACKETS_A_SECOND
            for flow in self._flows:
                flow.append(number + 1, at, at + 5_000_000)
            if number % (PACKETS_A_SECOND // EVENTS_A_SECOND) == 0:
                event = {"t": at, "node": "mar1", "kind": "sent", "message": "PBU", "mn": "mn1"}
                self._events.write(json.dumps(event) + "\n")
        self._events.flush()
        self._written = packets


def _viewer(page: Broadcast) -> socket.socket:
    place = urlsplit(page.address)
    while True:  # until the server knows of the run
        viewer = socket.create_connection((place.hostname, place.port))
        viewer.sendall(f"GET /runs/1/events HTTP/1.1\r\nHost: {place.netloc}\r\n\r\n".encode())
        if b" 200 " in viewer.recv(4096).splitlines()[0]:
            viewer.setblocking(False)
            return viewer
        viewer.close()


def _read(viewers: Sequence[socket.socket], until: float) -> int:
    received = 0
    with selectors.DefaultSelector() as selector:
        for viewer in viewers:
            selector.register(viewer, selectors.EVENT_READ)
        while (left := until - time.monotonic()) > 0:
            if not viewers:
                time.sleep(left)
            for key, _ in selector.select(left):
                received += len(key.fileobj.recv(1 << 16))  # type: ignore[union-attr]
    return received


def _cpu_s(page: Broadcast) -> float:
    """User and system time of the server (proc(5), fields 14 and 15 of stat)."""
    stat = Path(f"/proc/{page.pid}/stat").read_text(encoding="ascii")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND


if __name__ == "__main__":
    main()
