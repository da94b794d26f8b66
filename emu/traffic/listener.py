"""A multicast receiver with an ordinary socket: the kernel speaks MLD for it.

It joins at ``start_ns`` (or on SIGUSR1 when that is None), leaves at ``stop_ns`` or on SIGUSR2, and
ends ``linger_ns`` after that or on SIGTERM. Config:

    node, flow          names, for the event log
    flow_id             of the source
    group, port         what to join
    source              address for a source-specific join, or None (any source)
    interface           where to join
    start_ns, stop_ns   CLOCK_MONOTONIC or None
    linger_ns           optional, default 0: keeps on receiving before it leaves at stop_ns
    arrivals            path of the (sequence, sent_ns, received_ns) rows
    events              path of the event log

Events: ``joined{flow, group, source, local}`` and ``left{flow, received}``.
"""

from __future__ import annotations

import signal
import socket
import struct
from typing import Any

from agents.roles.daemon import EventLog
from emu.traffic import payload
from emu.traffic.arrivals import ArrivalsWriter
from emu.traffic.process import prepare, wait_until
from emu.traffic.receiver import Receiver, Row

_IPV6_MULTICAST_ALL = 29
_MCAST_JOIN_GROUP, _MCAST_LEAVE_GROUP = 42, 45
_MCAST_JOIN_SOURCE_GROUP, _MCAST_LEAVE_SOURCE_GROUP = 46, 47
_SOCKADDR_STORAGE = 128


def _storage(address: str) -> bytes:
    packed = socket.inet_pton(socket.AF_INET6, address)
    sockaddr = struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, packed, 0)
    return sockaddr.ljust(_SOCKADDR_STORAGE, b"\0")


class Membership:
    """The join and leave of one (source, group) on one interface (RFC 3678)."""

    def __init__(self, group: str, source: str | None, interface: str) -> None:
        self._request = struct.pack("@I4x", socket.if_nametoindex(interface)) + _storage(group)
        self._specific = source is not None
        if source is not None:
            self._request += _storage(source)

    def join(self, sock: socket.socket) -> None:
        """Become a member."""
        option = _MCAST_JOIN_SOURCE_GROUP if self._specific else _MCAST_JOIN_GROUP
        sock.setsockopt(socket.IPPROTO_IPV6, option, self._request)

    def leave(self, sock: socket.socket) -> None:
        """Give the membership up."""
        option = _MCAST_LEAVE_SOURCE_GROUP if self._specific else _MCAST_LEAVE_GROUP
        sock.setsockopt(socket.IPPROTO_IPV6, option, self._request)


def open_socket(group: str, port: int) -> socket.socket:
    """A UDP socket for one group that other listeners of the host may open too."""
    sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MULTICAST_ALL, 0)
    sock.bind((group, port))
    return sock


def main(config: dict[str, Any]) -> None:
    """Join, record what arrives, leave."""
    prepare()
    flow, events = config["flow"], EventLog(config["events"], config["node"])
    group, source = config["group"], config.get("source")
    if not _wait(config["start_ns"], signal.SIGUSR1):
        return
    sock = open_socket(group, config["port"])
    writer = ArrivalsWriter(config["arrivals"])

    def decode(data: bytes, _received: int) -> Row | None:
        header = payload.decode(data)
        if header is None or header.flow_id != config["flow_id"]:
            return None
        return header.sequence, header.sent_ns

    receiver = Receiver(sock, decode, writer)
    receiver.start()
    membership = Membership(group, source, config["interface"])
    events.write("joined", flow=flow, group=group, source=source, local=config["interface"])
    membership.join(sock)
    stop = config["stop_ns"]
    _wait(None if stop is None else stop + config.get("linger_ns", 0), signal.SIGUSR2)
    membership.leave(sock)
    receiver.stop()
    events.write("left", flow=flow, received=writer.rows)


def _wait(deadline_ns: int | None, early: signal.Signals) -> bool:
    """Wait for a time or for the signal that stands for it; False when SIGTERM came first."""
    while True:
        came = wait_until(deadline_ns)
        if came in (None, early):
            return True
        if came == signal.SIGTERM:
            return False
