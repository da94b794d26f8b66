"""A multicast UDP source that keeps a constant rate by absolute deadlines.

Packet n is due at ``start_ns + n * interval_ns``, whatever happened to the ones before it: a late
source catches up, and how late it was is in the ``sent`` file. Config:

    node, flow          names, for the event log
    flow_id             number in the payload header; listeners take only their own
    group, port         where to send
    interface           the interface to send on
    packet              bytes of UDP payload, at least 24
    interval_ns         time between packets
    start_ns, stop_ns   CLOCK_MONOTONIC; stop_ns may be None (until SIGTERM)
    sent                path of the (sequence, due_ns, sent_ns) rows
    address             optional: the source address to bind
    events              path of the event log
"""

from __future__ import annotations

import signal
import socket
import time
from typing import Any, Protocol

from agents.kernel.scheduling import SOURCE, be_realtime
from agents.roles.daemon import EventLog
from emu.traffic import payload
from emu.traffic.arrivals import ArrivalsWriter
from emu.traffic.process import prepare, wait_until

HOP_LIMIT = 32


def open_socket(group: str, port: int, interface: str, address: str | None) -> socket.socket:
    """A UDP socket that sends to a group on one interface."""
    index = socket.if_nametoindex(interface)
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, HOP_LIMIT)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_LOOP, 0)
    if address is not None:
        sock.bind((address, 0))
    sock.connect((group, port, 0, index))
    return sock


def main(config: dict[str, Any]) -> None:
    """Send from start_ns to stop_ns."""
    prepare()
    be_realtime(SOURCE)
    flow, events = config["flow"], EventLog(config["events"], config["node"])
    if config["packet"] < payload.LENGTH:
        raise ValueError(f"{flow}: a packet has at least {payload.LENGTH} bytes of payload")
    if wait_until(config["start_ns"]) == signal.SIGTERM:
        return
    sock = open_socket(config["group"], config["port"], config["interface"], config.get("address"))
    local = sock.getsockname()[0]
    events.write("flow_started", flow=flow, local=local, remote=config["group"])
    writer = ArrivalsWriter(config["sent"])
    errors = send_stream(sock, config, writer)
    writer.close()
    events.write("flow_stopped", flow=flow, sent=writer.rows, errors=errors)


class Sender(Protocol):
    """A socket, or what sends as one does."""

    def send(self, data: bytes, /) -> object:
        """Send a packet; OSError if the host itself refuses it."""


def send_stream(sock: Sender, config: dict[str, Any], writer: ArrivalsWriter) -> int:
    """Send the stream; the number of packets that the host itself refused."""
    interval, stop, flow_id = config["interval_ns"], config["stop_ns"], config["flow_id"]
    padding = bytes(config["packet"] - payload.LENGTH)
    sequence = errors = 0
    due = config["start_ns"]
    while (stop is None or due < stop) and wait_until(due) != signal.SIGTERM:
        now = time.monotonic_ns()
        try:
            sock.send(payload.encode(flow_id, sequence, now) + padding)
        except OSError:
            errors += 1  # no carrier or no route just now: for the stream, a lost packet
        writer.append(sequence, due, now)
        sequence += 1
        due += interval
    return errors
