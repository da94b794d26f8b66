"""What a member of a large overlay costs while nobody sends: a daemon, as users start it.

``emu overlay`` in a network namespace of its own, with programs there that have joined 1,000
groups; all other members, 1,000 with it, are played by one process, each at a UDP port of its own.
The figure is processor time of the daemon, by ``/proc``, for a second. Aim: under 2 %.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import selectors
import socket
import struct
import tempfile
import time
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path
from random import Random

from agents.overlay.sealing import Sealer
from agents.wire.addresses import mapped
from agents.wire.i3 import Endpoint, endpoint
from agents.wire.overlay import PORT, MemberId, decode
from bench.bench_overlay_idle import (
    GROUPS,
    KEYS,
    MEASURED_S,
    MEMBERS,
    SETTLED_S,
    Others,
    group_of,
)
from tests.kernel.overlay_hosts import Host, unicast_only

_FIRST_PORT = 10_000
_FOUND_S = 120
_GROUPS_A_SOCKET = 100


def main() -> None:
    """Start all, let it settle, then measure."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        host, elsewhere = stack.enter_context(unicast_only(2, folder))
        others = multiprocessing.get_context("fork").Process(
            target=_play, args=(elsewhere,), daemon=True
        )
        others.start()
        stack.callback(others.terminate)
        keys = {str(number): key.decode() for number, key in KEYS.items()}
        host.start(keys=keys, members=[f"10.0.2.2:{_FIRST_PORT + 1}"])
        for program in _joined(host):
            stack.callback(program.close)
        _wait_for_all(host)
        time.sleep(SETTLED_S)
        before, began = _processor_s(host.pid), time.monotonic()
        time.sleep(MEASURED_S)
        share = (_processor_s(host.pid) - before) / (time.monotonic() - began)
        _wait_for_all(host)
        print(f"{GROUPS} groups, {MEMBERS} members: the daemon takes {share:.2%} of a processor")


def _play(host: Host) -> None:
    """All other members, until this process is ended."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (2 * MEMBERS, 2 * MEMBERS))
    others, opener = Others(Random(1), _where), Sealer(MemberId(b"listener"), KEYS, 1)
    there = ("10.0.1.2", PORT)
    ports: dict[Endpoint, socket.socket] = {}
    with selectors.DefaultSelector() as selector, host.namespace:
        for number in range(1, MEMBERS):
            port = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            port.setblocking(False)
            port.bind(("10.0.2.2", _FIRST_PORT + number))
            ports[_where(number)] = port
            selector.register(port, selectors.EVENT_READ, _where(number))
        began, second = time.monotonic(), 0
        while True:
            now = time.monotonic() - began
            if now >= second:
                for datagram, sender in others.live(second, int(now * 1e9)):
                    ports[sender].sendto(datagram, there)
                second += 1
            for key, _ in selector.select(max(0.0, second - now)):
                _, body = opener.open(ports[key.data].recv(1 << 16))
                answers = others.answer(decode(body), key.data, int(now * 1e9))
                for datagram, sender in answers:
                    ports[sender].sendto(datagram, there)


def _where(number: int) -> Endpoint:
    if not number:
        return endpoint(mapped(IPv4Address("10.0.1.2")), PORT)
    return endpoint(mapped(IPv4Address("10.0.2.2")), _FIRST_PORT + number)


def _joined(host: Host) -> list[socket.socket]:
    """Programs that have joined all groups on the virtual interface."""
    programs = []
    with host.namespace:
        index = socket.if_nametoindex(host.interface)
        for first in range(0, GROUPS, _GROUPS_A_SOCKET):
            programs.append(socket.socket(socket.AF_INET6, socket.SOCK_DGRAM))
            for number in range(first, first + _GROUPS_A_SOCKET):
                request = struct.pack("@16si", group_of(number).packed, index)
                programs[-1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, request)
    return programs


def _wait_for_all(host: Host) -> None:
    """It knows all members, and has all groups."""
    limit = time.monotonic() + _FOUND_S
    while True:
        status = host.status()
        known = len(status["members"]), len(status["groups"])
        if known == (MEMBERS - 1, GROUPS):
            return
        if time.monotonic() > limit:
            raise TimeoutError(f"{known} of {MEMBERS - 1} members and {GROUPS} groups")
        time.sleep(1)


def _processor_s(pid: int) -> float:
    """What a process has taken of processors so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
