"""ICMPv6 echo with arrival records: our own ping.

The socket is bound, when the flow starts, to the source address that the kernel prefers then (or to
the one given), and keeps it: the session must survive handovers, as an application's would. Config:

    node, flow          names, for the event log
    flow_id             number in the payload header and, cut to 16 bits, the echo identifier
    remote              whom to ping
    address             optional: the source address (default: the one preferred at start_ns)
    interval_ns         time between requests
    size                optional: bytes of echo data, default 56
    start_ns, stop_ns   CLOCK_MONOTONIC; stop_ns may be None (until SIGTERM)
    linger_ns           optional, default 1 s: how long to wait for replies after stop_ns
    arrivals            path of the (sequence, sent_ns, received_ns) rows of the replies
    sent                path of the (sequence, due_ns, sent_ns) rows of the requests
    events              path of the event log
"""

from __future__ import annotations

import signal
import socket
import struct
import time
from typing import Any

from agents.kernel.scheduling import SOURCE, be_realtime
from agents.roles.daemon import EventLog
from emu.traffic import payload
from emu.traffic.address import wait_for_preferred
from emu.traffic.arrivals import ArrivalsWriter
from emu.traffic.process import prepare, wait_until
from emu.traffic.receiver import Receiver, Row

_ECHO_REQUEST, _ECHO_REPLY = 128, 129
_ICMP6_FILTER = 1
_ECHO = struct.Struct("!BBHHH")
_DEFAULT_SIZE = 56
_DEFAULT_LINGER_NS = 1_000_000_000


def open_socket(address: str) -> socket.socket:
    """A raw ICMPv6 socket (RFC 3542) that receives echo replies to one address only."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    blocked = bytearray(b"\xff" * 32)  # a set bit blocks that ICMPv6 type
    blocked[4 * (_ECHO_REPLY // 32) : 4 * (_ECHO_REPLY // 32) + 4] = struct.pack(
        "=I", 0xFFFFFFFF & ~(1 << (_ECHO_REPLY % 32))
    )
    sock.setsockopt(socket.IPPROTO_ICMPV6, _ICMP6_FILTER, bytes(blocked))
    sock.bind((address, 0))
    return sock


def request(flow_id: int, sequence: int, sent_ns: int, size: int) -> bytes:
    """An echo request; the kernel fills the checksum in."""
    data = payload.encode(flow_id, sequence, sent_ns).ljust(size, b"\0")
    return _ECHO.pack(_ECHO_REQUEST, 0, 0, flow_id & 0xFFFF, sequence & 0xFFFF) + data


def main(config: dict[str, Any]) -> None:
    """Ping from start_ns to stop_ns."""
    prepare()
    be_realtime(SOURCE)
    flow, events = config["flow"], EventLog(config["events"], config["node"])
    if wait_until(config["start_ns"]) == signal.SIGTERM:
        return
    address = config.get("address") or wait_for_preferred(config["remote"], config["stop_ns"])
    if address is None:
        events.write("flow_failed", flow=flow, reason="no usable source address")
        return
    flow_id = config["flow_id"]
    events.write("flow_started", flow=flow, local=address, remote=config["remote"])

    def decode(data: bytes, _received: int) -> Row | None:
        header = payload.decode(data[_ECHO.size :])
        if header is None or header.flow_id != flow_id:
            return None
        return header.sequence, header.sent_ns

    sock = open_socket(address)
    arrivals, sent = ArrivalsWriter(config["arrivals"]), ArrivalsWriter(config["sent"])
    receiver = Receiver(sock, decode, arrivals)
    receiver.start()
    errors, stopped = _send(sock, config, sent)
    if not stopped:
        wait_until(time.monotonic_ns() + config.get("linger_ns", _DEFAULT_LINGER_NS))
    receiver.stop()
    sent.close()
    events.write("flow_stopped", flow=flow, sent=sent.rows, received=arrivals.rows, errors=errors)


def _send(sock: socket.socket, config: dict[str, Any], writer: ArrivalsWriter) -> tuple[int, bool]:
    """Send the requests; how many the host refused, and whether SIGTERM ended it."""
    interval, stop, remote = config["interval_ns"], config["stop_ns"], config["remote"]
    size = config.get("size", _DEFAULT_SIZE)
    sequence = errors = 0
    # Requests that were due before the host had an address are not sent late in a burst.
    skipped = max(0, time.monotonic_ns() - config["start_ns"]) // interval
    due = config["start_ns"] + skipped * interval
    while stop is None or due < stop:
        if wait_until(due) == signal.SIGTERM:
            return errors, True
        now = time.monotonic_ns()
        try:
            sock.sendto(request(config["flow_id"], sequence, now, size), (remote, 0))
        except OSError:
            errors += 1  # no carrier or no route just now: for the flow, a lost packet
        writer.append(sequence, due, now)
        sequence += 1
        due += interval
    return errors, False
