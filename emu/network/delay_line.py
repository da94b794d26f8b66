"""Links with delay, jitter and loss where the kernel has no netem: one process joins interfaces.

``python -m emu.network.delay_line CONFIG.json`` runs in a network namespace of its own, to which
one end of a veth pair of each end of each link has been moved::

    node A [veth]====[a] delay line [b]====[veth] node B

It prints ``{"event": "ready"}`` when packets flow, and the statistics of each direction, with the
times when frames were very late, when SIGTERM ends it. The configuration is::

    {"seed": 7, "links": [{"a": "dl0a", "b": "dl0b",
                           "a_to_b": {"delay": 5000000, "jitter": 0, "loss": 0.0},
                           "b_to_a": {"delay": 5000000, "jitter": 0, "loss": 0.0}}]}

with times in ns and loss as a probability. A direction may have ``"toward"`` with
``{ADDRESS: {"delay": …}}``, the same for what goes to some IPv6 addresses. Checksums and segments
that the sender left to the link (offload) pass through undone, as on a veth; a segmented frame
counts as one packet.
"""

from __future__ import annotations

import contextlib
import gc
import heapq
import json
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

from agents.kernel import libc, scheduling
from agents.kernel.netlink import set_sysctl
from emu.network.carrier import CarrierMirror
from emu.network.impairment import Impairments

MAXIMUM_QUEUE = 100_000
"""Packets that all lines together may hold; more are dropped and counted."""

_ETH_P_ALL = 0x0003
_SOL_PACKET = 263
_PACKET_ADD_MEMBERSHIP, _PACKET_VNET_HDR = 1, 15
_PACKET_IGNORE_OUTGOING = 23
_PACKET_MR_PROMISC = 1
_SO_SNDBUFFORCE, _SO_RCVBUFFORCE = 32, 33
_BUFFER = 16 << 20
_MAXIMUM_FRAME = 1 << 17
_DESTINATION = slice(48, 64)
"""Of an IPv6 packet, behind the headers of the packet socket (10 octets) and of the link."""
STALL_NS = 10_000_000
"""A frame that leaves later than this is told of, with its time."""
_BURST = 16
"""Frames taken from one link before all others, and what is due, have their turn."""

_Held = tuple[int, int, "Direction", bytes]
"""A frame on its way: departure, serial number (keeps the order of equals), direction, frame."""


class Direction:
    """One direction of a link: frames come in at one socket and leave by the other."""

    def __init__(
        self, name: str, incoming: socket.socket, outgoing: socket.socket, impairments: Impairments
    ) -> None:
        self.name = name
        self.receive = incoming.recv
        self.send = outgoing.send
        self.impairment_of = impairments.of
        self.forwarded = self.lost = self.dropped = self.latest = 0

    def statistics(self) -> dict[str, Any]:
        """Packets forwarded, lost as asked, dropped for other reasons; how late the worst was."""
        return {
            "direction": self.name,
            "forwarded": self.forwarded,
            "lost": self.lost,
            "dropped": self.dropped,
            "late_max_ns": self.latest,
        }


class DelayLine:
    """All links of one process, by one timer and one queue ordered by departure."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._queue: list[_Held] = []
        self._serial = 0
        self._timer = libc.Timer()
        self._epoll = select.epoll()
        self._epoll.register(self._timer, select.EPOLLIN)
        self._handlers: dict[int, Callable[[], None]] = {self._timer.fileno(): lambda: None}
        self._sockets: list[socket.socket] = []
        self.stalls: list[list[int]] = []
        """The periods, from due to sent, in which frames were very late."""
        self.directions: list[Direction] = []
        pairs = []
        for link in config["links"]:
            self._join(link, config["seed"])
            pairs.append((link["a"], link["b"]))
        mirror = CarrierMirror(pairs)
        self._watch(mirror.fileno(), mirror.update)

    def run(self) -> None:
        """Forward until an exception, such as a signal handler's, ends it."""
        queue, timer, poll, handlers = self._queue, self._timer, self._epoll.poll, self._handlers
        armed = 0
        while True:
            self._send_due()
            deadline = queue[0][0] if queue else 0
            if deadline != armed:
                timer.set(deadline)
                armed = deadline
            for descriptor, _ in poll():
                handlers[descriptor]()

    def _join(self, link: dict[str, Any], seed: int) -> None:
        a, b = _open(link["a"]), _open(link["b"])
        for name, incoming, outgoing, asked in (
            (f"{link['a']}>{link['b']}", a, b, link["a_to_b"]),
            (f"{link['b']}>{link['a']}", b, a, link["b_to_a"]),
        ):
            impairments = Impairments(asked, f"{seed} {name}", _DESTINATION)
            direction = Direction(name, incoming, outgoing, impairments)
            self.directions.append(direction)
            self._watch(incoming.fileno(), partial(self._take, direction))
        self._sockets += [a, b]

    def _watch(self, descriptor: int, handler: Callable[[], None]) -> None:
        self._handlers[descriptor] = handler
        self._epoll.register(descriptor, select.EPOLLIN)

    def _take(self, direction: Direction) -> None:
        """Put the frames that wait at a direction's entrance into the queue."""
        queue, now = self._queue, time.monotonic_ns
        for _ in range(_BURST):
            try:
                frame = direction.receive(_MAXIMUM_FRAME)
            except BlockingIOError:
                return
            except OSError:  # the carrier of this interface went; its mirror deals with that
                return
            departure = direction.impairment_of(frame).departure(now())
            if departure is None:
                direction.lost += 1
            elif len(queue) >= MAXIMUM_QUEUE:
                direction.dropped += 1
            else:
                self._serial += 1
                heapq.heappush(queue, (departure, self._serial, direction, frame))

    def _send_due(self) -> None:
        """Send every frame whose time has come."""
        queue, now = self._queue, time.monotonic_ns
        while queue:
            late = now() - queue[0][0]
            if late < 0:
                return
            _, _, direction, frame = heapq.heappop(queue)
            try:
                direction.send(frame)
            except OSError:  # no carrier, or larger than the MTU: a real link drops these too
                direction.dropped += 1
                continue
            direction.forwarded += 1
            if late > direction.latest:
                direction.latest = late
            if late > STALL_NS:
                self._stalled(now(), late)

    def _stalled(self, end: int, late: int) -> None:
        """Frames that were due in the same stall are late together."""
        if self.stalls and end - late <= self.stalls[-1][1]:
            self.stalls[-1][1] = end
        else:
            self.stalls.append([end - late, end])

    def forget_lateness(self) -> None:
        """Begin to count lateness anew."""
        self.stalls.clear()
        for direction in self.directions:
            direction.latest = 0


def _open(interface: str) -> socket.socket:
    """A socket for all frames that come in on an interface, which is set up for nothing else."""
    set_sysctl(f"net/ipv6/conf/{interface}/disable_ipv6", 1)
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    raw.setblocking(False)
    membership = struct.pack("=iHH8x", socket.if_nametoindex(interface), _PACKET_MR_PROMISC, 0)
    raw.setsockopt(_SOL_PACKET, _PACKET_ADD_MEMBERSHIP, membership)
    for option in (_PACKET_IGNORE_OUTGOING, _PACKET_VNET_HDR):
        raw.setsockopt(_SOL_PACKET, option, 1)
    raw.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
    raw.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, _BUFFER)
    raw.bind((interface, _ETH_P_ALL))
    return raw


def _be_punctual() -> None:
    """Leave nothing in the way of the timer that this user is allowed to remove."""
    libc.set_timer_slack(1)
    gc.collect()
    gc.freeze()
    gc.disable()
    if not scheduling.be_realtime(scheduling.DELAY_LINE):
        print("delay line: real-time scheduling is not permitted here", file=sys.stderr)


def _report(**event: Any) -> None:
    print(json.dumps(event), flush=True)


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit


def main(arguments: list[str]) -> None:
    """Run the delay line of a configuration file until SIGTERM or the parent's death.

    With SIGUSR1 the lateness begins to count anew.
    """
    config = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    signal.signal(signal.SIGTERM, _stop)
    libc.set_parent_death_signal(signal.SIGTERM)
    line = DelayLine(config)
    signal.signal(signal.SIGUSR1, lambda number, frame: line.forget_lateness())
    _be_punctual()
    _report(event="ready")
    try:
        line.run()
    finally:
        with contextlib.suppress(BrokenPipeError):  # the parent, who would read it, may have died
            directions = [direction.statistics() for direction in line.directions]
            _report(event="stopped", directions=directions, stalls=line.stalls)


if __name__ == "__main__":
    main(sys.argv[1:])
