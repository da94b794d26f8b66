"""i3 servers and clients as processes of this machine, at ports of ``::1``: no Mininet, no root."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.event_log import read_events
from tests.patience import PATIENCE_S

HERE = "::1"
ROOT = "00" * 8 + "ab" * 24
PROGRAM = """
import json, sys
from importlib import import_module

module, config = sys.argv[1:]
main = import_module(f"agents.roles.{module}").main
absent = {"mininet", "ryu", "pandas", "numpy", "matplotlib", "emu"} & set(sys.modules)
assert not absent, absent
main(json.loads(config))
"""


class Processes:
    """Processes that have a folder for their sockets and logs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: dict[str, subprocess.Popen[bytes]] = {}
        self.ports: dict[str, int] = {}

    def port(self, name: str) -> int:
        """A port of this machine for a node."""
        if name not in self.ports:
            with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as some:
                some.bind((HERE, 0))
                self.ports[name] = some.getsockname()[1]
        return self.ports[name]

    def server(self, name: str, *known: str) -> None:
        """Start a server that knows others."""
        self._start("i3_server", name, known, key="5e" * 32, lifetime=30_000_000_000, address=HERE)

    def client(self, name: str, *known: str, founder: bool = False) -> None:
        """Start a client."""
        self._start(
            "i3_client", name, known, root=ROOT, founder=founder, recovery="off", metric="delay",
            refresh="refresh-level", refresh_period=1_000_000_000, interface=None, address=HERE,
            roots=1, root_choice="list", root_number=None,
            applications=str(self.folder / f"{name}.i3"),
        )  # fmt: skip

    def application(self, name: str) -> socket.socket:
        """An application of a client: connected is in the group."""
        return connected(self.folder / f"{name}.i3", socket.SOCK_SEQPACKET)

    def state(self, name: str) -> dict[str, Any]:
        """What a node says of itself."""
        path = self.folder / f"{name}.query"
        with connected(path, socket.SOCK_STREAM) as asking, asking.makefile("rb") as answer:
            state: dict[str, Any] = json.loads(answer.read())
        return state

    def events(self, name: str) -> list[dict[str, Any]]:
        """What a node has logged."""
        return read_events(self.folder / f"{name}.jsonl")

    def send(self, name: str, data: bytes) -> None:
        """Send a datagram to a node, as a stranger."""
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(data, (HERE, self.port(name)))

    def _start(self, module: str, name: str, known: tuple[str, ...], **more: Any) -> None:
        config = {
            "node": name,
            "log": str(self.folder / f"{name}.jsonl"),
            "query": str(self.folder / f"{name}.query"),
            "seed": name,
            "port": self.port(name),
            "known": [(HERE, self.port(one)) for one in known],
            "degree": 2,
            **more,
        }
        command = [sys.executable, "-c", PROGRAM, module, json.dumps(config)]
        self.started[name] = subprocess.Popen(command)


@contextmanager
def processes(folder: Path) -> Iterator[Processes]:
    """Processes that end with the block."""
    made = Processes(folder)
    try:
        yield made
    finally:
        for process in made.started.values():
            process.terminate()
        for process in made.started.values():
            process.wait(PATIENCE_S)


def connected(path: Path, kind: socket.SocketKind) -> socket.socket:
    """A connection to a process that may not listen yet."""
    made = socket.socket(socket.AF_UNIX, kind)
    made.settimeout(PATIENCE_S)

    def connects() -> bool:
        try:
            made.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        return True

    eventually(connects)
    return made


def eventually(done: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)
