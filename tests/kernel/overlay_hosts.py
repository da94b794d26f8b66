"""Hosts on a network that has unicast only, each with a member of an overlay as users start it.

``n1 … nN — router``. The router forwards IPv4 and IPv6, and has no multicast routing. Members are
``emu overlay CONFIG`` in processes of their own; programs are sockets that know nothing of it.
"""

from __future__ import annotations

import json
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from agents.kernel.netlink import set_sysctl
from emu.overlay_file import status_path
from tests.event_log import read_events
from tests.namespaces import Namespace, Namespaces
from tests.patience import eventually

ROOT = Path(__file__).resolve().parents[2]
PORT = 5004
_JOIN_GROUP, _JOIN_SOURCE_GROUP = 42, 46
_RECVTTL, _RECVHOPS, _RECVTOS = 12, 51, 13
_SO_RCVBUFFORCE = 33


class Programs:
    """A host whose programs send and receive on one interface."""

    def __init__(self, namespace: Namespace, interface: str) -> None:
        self.namespace, self.interface = namespace, interface

    def listen(self, group: str, source: str | None = None, buffer: int = 4 << 20) -> Listener:
        return Listener(self, group, source, buffer)

    def send(self, group: str, payloads: list[bytes], pause: float = 0.002, hops: int = 16) -> None:
        """A program that sends."""
        family = socket.AF_INET6 if ":" in group else socket.AF_INET
        with self.namespace, socket.socket(family, socket.SOCK_DGRAM) as program:
            index = socket.if_nametoindex(self.interface)
            if family == socket.AF_INET6:
                program.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
                program.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, hops)
                program.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_TCLASS, 0xB8)
            else:
                request = struct.pack("4s4si", bytes(4), bytes(4), index)
                program.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, request)
                program.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, hops)
                program.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0xB8)
            for payload in payloads:
                program.sendto(payload, (group, PORT))
                time.sleep(pause)


class Host(Programs):
    """One host, number 1 and up: its namespace, and the member on it."""

    def __init__(self, namespaces: Namespaces, router: Namespace, number: int, folder: Path):
        super().__init__(namespaces.new(), f"mcx{number}")
        self.number = number
        self.router = router
        namespaces.link(self.namespace, "eth0", router, f"to{number}")
        for namespace, name, last in ((self.namespace, "eth0", 2), (router, f"to{number}", 1)):
            namespace.run("ip", "address", "add", f"10.0.{number}.{last}/24", "dev", name)
            namespace.add_address(name, f"2001:db8:{number}::{last}/64")
        self.namespace.run("ip", "route", "add", "default", "via", f"10.0.{number}.1")
        self.namespace.run("ip", "-6", "route", "add", "default", "via", f"2001:db8:{number}::1")
        self._config = folder / f"n{number}.yaml"
        self._errors = folder / f"n{number}.log"
        self._member: subprocess.Popen[str] | None = None

    def start(self, **options: Any) -> None:
        """Start the member; with ``keys`` by default, and host 1 as the one that all know."""
        seeds = [] if self.number == 1 else ["10.0.1.2:4754"]
        interface = {
            "name": self.interface,
            "addresses": [f"10.80.0.{self.number}/16", f"fd80::{self.number}/64"],
            **options.pop("interface", {}),
        }
        interface = {key: value for key, value in interface.items() if value is not None}
        config = {
            "name": f"n{self.number}",
            "interface": interface,
            "members": seeds,
            "keys": {"1": "a secret for this test"},
            **options,
        }
        self._config.write_text(json.dumps(config), encoding="utf-8")
        command = [sys.executable, "-m", "emu", "overlay", str(self._config)]
        with self._errors.open("w", encoding="utf-8") as errors:
            self._member = self.namespace.spawn(command, cwd=ROOT, stderr=errors)
        member = self._member
        eventually(
            lambda: "ready" in self._errors.read_text(encoding="utf-8") or member.poll() is not None
        )
        assert member.poll() is None, self._errors.read_text(encoding="utf-8")

    @property
    def running(self) -> bool:
        return self._member is not None and self._member.poll() is None

    @property
    def pid(self) -> int:
        assert self._member is not None
        return self._member.pid

    def notify(self, number: signal.Signals) -> None:
        assert self._member is not None
        self._member.send_signal(number)

    def rewrite(self, **options: Any) -> None:
        """Change the configuration file."""
        self._config.write_text(
            json.dumps({**json.loads(self._config.read_text(encoding="utf-8")), **options}),
            encoding="utf-8",
        )

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End the member; how it ended."""
        assert self._member is not None
        self._member.send_signal(number)
        return self._member.wait(20)

    def log(self) -> list[dict[str, Any]]:
        return read_events(self._errors)

    def status(self) -> dict[str, Any]:
        """What the member tells of itself."""
        with self.namespace, socket.socket(socket.AF_UNIX) as asking:
            asking.connect(str(status_path(self.interface)))
            return json.loads(b"".join(iter(lambda: asking.recv(1 << 16), b"")))

    def knows(self) -> int:
        return len(self.status()["members"])

    def close(self) -> None:
        if self.running:
            self.end()  # in order, so that its socket's file does not stay


class Listener:
    """A program that joins a group on the virtual interface, of any source or of one."""

    def __init__(self, host: Programs, group: str, source: str | None, buffer: int):
        family = socket.AF_INET6 if ":" in group else socket.AF_INET
        level = socket.IPPROTO_IPV6 if ":" in group else socket.IPPROTO_IP
        with host.namespace:
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
            index = socket.if_nametoindex(host.interface)
        # Beyond the system's limit: tests read when all has been sent.
        self._socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, buffer)
        for option in (_RECVHOPS,) if family == socket.AF_INET6 else (_RECVTTL, _RECVTOS):
            self._socket.setsockopt(level, option, 1)
        self._socket.bind((group, PORT))
        request = struct.pack("@I4x", index) + _storage(group)
        if source is None:
            self._socket.setsockopt(level, _JOIN_GROUP, request)
        else:
            self._socket.setsockopt(level, _JOIN_SOURCE_GROUP, request + _storage(source))
        self._socket.setblocking(False)
        self.got: list[bytes] = []
        self.sources: set[str] = set()
        self.marks: set[tuple[int, int]] = set()
        """Kind and value of what came beside the datagrams: hops left, type of service."""

    def read(self) -> list[bytes]:
        """All that has come so far."""
        while True:
            try:
                data, beside, _, sender = self._socket.recvmsg(1 << 16, 256)
            except BlockingIOError:
                return self.got
            self.got.append(data)
            self.sources.add(sender[0])
            self.marks |= {(kind, value[0]) for _, kind, value in beside}

    def wait_for(self, payloads: list[bytes]) -> None:
        """All of these come, in this order, and nothing else."""
        eventually(lambda: len(self.read()) >= len(payloads))
        assert self.got == payloads

    def close(self) -> None:
        self._socket.close()


def _storage(address: str) -> bytes:
    """struct sockaddr_storage."""
    parsed = ip_address(address)
    if parsed.version == 4:
        return struct.pack("=HH4s", socket.AF_INET, 0, parsed.packed).ljust(128, b"\0")
    return struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, parsed.packed, 0).ljust(128, b"\0")


@contextmanager
def unicast_only(number: int, folder: Path) -> Iterator[list[Host]]:
    """So many hosts around a router; no member runs yet."""
    with Namespaces() as namespaces, ExitStack() as stack:
        router = namespaces.router()
        with router:
            set_sysctl("net/ipv4/ip_forward", 1)
        hosts = [Host(namespaces, router, n, folder) for n in range(1, number + 1)]
        for host in hosts:
            stack.callback(host.close)
        yield hosts
