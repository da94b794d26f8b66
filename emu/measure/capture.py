"""One process that captures on many interfaces of many network namespaces.

``main(config)`` runs until SIGTERM, then takes what is still queued and ends. Config:

    interfaces   list of [pid, node, interface]: the namespace of that process
    directory    where the files go: ``<node>-<interface>.pcapng``, or ``<interface>.pcapng`` when
                 the interface's name begins with the node's, as ours do (``mar1-radio.pcapng``)
    all          true: every packet; false (default): control traffic (``filters.control``)
    data         optional: the nodes where the headers of users' packets are kept as well
    udp          optional: {"nodes", "ports": [first, last]}: the nodes where UDP packets to these
                 ports are kept as well, whole
    tcp          optional: a port; the headers of TCP packets from or to it are kept, everywhere
    overlay      optional: a port; the headers of UDP packets to it are kept, and those of what they
                 carry, everywhere
    signalling   optional: ports; UDP packets to them are kept, everywhere, whole
    snap         optional: keep at most so many bytes of a packet
    ready        optional: path of a file that is created once every socket is open

Packets carry kernel timestamps (CLOCK_REALTIME ns) and their direction; the section comment holds
``{"realtime_offset_ns": …}``, CLOCK_REALTIME minus CLOCK_MONOTONIC.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import signal
import socket
import struct
import time
from pathlib import Path
from typing import Any

from agents.kernel import socket_filter
from emu.measure import filters, pcapng
from emu.network.namespace import entered
from emu.traffic import timestamps

_ETH_P_ALL = 0x0003
_PACKET_OUTGOING = 4
_SOL_PACKET, _PACKET_STATISTICS, _PACKET_AUXDATA = 263, 6, 8
_AUXDATA = struct.Struct("@IIIHHHH")
_ANCILLARY_SIZE = timestamps.ANCILLARY_SIZE + socket.CMSG_SPACE(_AUXDATA.size)
_SIOCGIFHWADDR, _ARPHRD_ETHER, _ARPHRD_LOOPBACK = 0x8927, 1, 772
_SO_RCVBUFFORCE, _RECEIVE_BUFFER = 33, 16 << 20
_LARGEST_PACKET = 0x40000
_FLUSH_MS = 500
_NICE = 10
"""The kernel stamps and keeps packets: everybody else may come first."""
_BATCH = 256


class Tap:
    """A packet socket on one interface and the file it fills."""

    def __init__(self, node: str, interface: str, config: dict[str, Any]) -> None:
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        ethernet = self._is_ethernet(interface)
        if not config.get("all", False):
            header = filters.ETHERNET_HEADER if ethernet else 0
            data = node in config.get("data", ())
            kept = config.get("udp") or {"nodes": (), "ports": None}
            udp = kept["ports"] if node in kept["nodes"] else None
            socket_filter.attach(
                self.socket,
                filters.control(
                    header,
                    data=data,
                    udp=udp,
                    tcp=config.get("tcp"),
                    overlay=config.get("overlay"),
                    signalling=config.get("signalling", ()),
                ),
            )
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        timestamps.enable(self.socket)
        self.socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
        self.socket.setblocking(False)
        self.socket.bind((interface, _ETH_P_ALL))
        self._buffer = memoryview(bytearray(config.get("snap") or _LARGEST_PACKET))
        offset = {"realtime_offset_ns": timestamps.realtime_offset()}
        name = interface if interface.startswith(f"{node}-") else f"{node}-{interface}"
        path = Path(config["directory"]) / f"{name}.pcapng"
        self.writer = pcapng.Writer(path, json.dumps(offset))
        link_type = pcapng.ETHERNET if ethernet else pcapng.RAW
        self.writer.interface(pcapng.Interface(interface, node, link_type))
        self.writer.flush()
        self._written = 0

    def _is_ethernet(self, interface: str) -> bool:
        request = struct.pack("16s16x", interface.encode())
        answer = fcntl.ioctl(self.socket, _SIOCGIFHWADDR, request)
        hardware: int = struct.unpack_from("@H", answer, 16)[0]
        return hardware in (_ARPHRD_ETHER, _ARPHRD_LOOPBACK)

    def take(self, most: int) -> int:
        """Write down up to ``most`` queued packets; how many there were."""
        for count in range(most):
            try:
                kept, ancillary, _, address = self.socket.recvmsg_into(
                    [self._buffer], _ANCILLARY_SIZE
                )
            except BlockingIOError:
                return count
            except OSError:
                continue  # the interface went down or away; reading the error has cleared it
            direction = pcapng.OUTBOUND if address[2] == _PACKET_OUTGOING else pcapng.INBOUND
            when = timestamps.realtime_of(ancillary) or time.time_ns()
            length = _length_on_the_wire(ancillary)
            self.writer.packet(
                pcapng.Packet(when, 0, direction, bytes(self._buffer[:kept]), length)
            )
            self._written += 1
        return most

    def close(self) -> None:
        """Take what the kernel has counted by now, and no more; write its counters."""
        counters = self.socket.getsockopt(_SOL_PACKET, _PACKET_STATISTICS, 8)
        received, dropped = struct.unpack("@II", counters)
        while self._written < received - dropped and self.take(1):
            pass
        self.writer.statistics(0, received, dropped)
        self.writer.close()
        self.socket.close()


def _length_on_the_wire(ancillary: timestamps.Ancillary) -> int:
    """Of the whole packet, whatever the filter let through of it (tpacket_auxdata's tp_len)."""
    (length,) = (
        _AUXDATA.unpack_from(data)[1]
        for level, kind, data in ancillary
        if (level, kind) == (_SOL_PACKET, _PACKET_AUXDATA)
    )
    return int(length)


def main(config: dict[str, Any]) -> None:
    """Capture until SIGTERM."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICE)
    awake, wake = socket.socketpair()
    awake.setblocking(False)
    wake.setblocking(False)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGTERM, lambda _number, _frame: None)
    Path(config["directory"]).mkdir(parents=True, exist_ok=True)
    taps: dict[int, Tap] = {}
    for pid, node, interface in config["interfaces"]:
        with entered(Path(f"/proc/{pid}/ns/net")):
            tap = Tap(node, interface, config)
        taps[tap.socket.fileno()] = tap
    if config.get("ready"):
        Path(config["ready"]).touch()
    _run(taps, awake)
    for tap in taps.values():
        tap.close()


def _run(taps: dict[int, Tap], awake: socket.socket) -> None:
    poll = select.epoll()
    poll.register(awake, select.EPOLLIN)
    for descriptor in taps:
        poll.register(descriptor, select.EPOLLIN)
    flushed = time.monotonic()
    while True:
        for descriptor, _ in poll.poll(_FLUSH_MS / 1000):
            if descriptor == awake.fileno():
                return
            taps[descriptor].take(_BATCH)
        if time.monotonic() - flushed > _FLUSH_MS / 1000:
            for tap in taps.values():
                tap.writer.flush()
            flushed = time.monotonic()
