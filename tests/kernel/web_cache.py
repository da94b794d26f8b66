"""A user, a router with a cache beside it, and an origin, each in a network namespace."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path
from typing import Any

from agents.kernel.interception import Interception
from emu.scenario import parse
from emu.scenario.services import CACHE_PORT
from emu.services import kinds
from emu.services.kind import Place
from emu.services.origin import OriginKind
from emu.traffic.plan import Job
from tests.event_log import read_events
from tests.namespaces import Namespace, Namespaces
from tests.patience import PATIENCE_S, eventually

USER, SERVER = "2001:db8:1:1::2", "2001:db8:5::2"
PREFIX = IPv6Network("2001:db8:1:1::/64")
SCENARIO = """
name: cache
duration: 10s
topology: {{kind: dmm-domain, mars: 1}}
nodes:
  web: {{role: server}}
services:
  video: {{kind: origin, node: web, length: 8s, bitrates: [200kbit, 600kbit]{origin}}}
  edge: {{kind: cache, at: [mar1], origin: video{cache}}}
"""


@dataclass
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: dict[str, str]


class WebCache:
    """The services of a scenario with one origin and one cache."""

    def __init__(
        self, namespaces: Namespaces, opened: ExitStack, folder: Path, *, origin: str, cache: str
    ) -> None:
        self._opened = opened
        self._folder = folder
        self.user, self.server = namespaces.new(), namespaces.new()
        self.router = namespaces.router()
        namespaces.link(self.user, "u", self.router, "r", f"{USER}/64", "2001:db8:1:1::1/64")
        namespaces.link(self.server, "s", self.router, "q", f"{SERVER}/64", "2001:db8:5::1/64")
        self.user.run("ip", "-6", "route", "add", "default", "via", "2001:db8:1:1::1")
        self.server.run("ip", "-6", "route", "add", "default", "via", "2001:db8:5::1")
        with self.router:
            interception = Interception(IPv6Address(SERVER), CACHE_PORT)
        opened.callback(interception.close)
        interception.add(PREFIX)
        scenario = parse(SCENARIO.format(origin=origin, cache=cache).encode(), "cache")
        place = Place(scenario, 1, folder, folder / "scratch", lambda _: SERVER)
        self.services = kinds.of(scenario.services)
        for service in self.services:
            service.prepare(print)
        self.jobs = {job.node: job for one in self.services for job in one.servers(place)}
        self.processes: dict[str, subprocess.Popen[str]] = {}
        self.start("web")
        self.start("mar1")

    @property
    def content(self) -> Path:
        """The folder of the video."""
        (origin,) = (one for one in self.services if isinstance(one, OriginKind))
        return origin.content.folder

    def start(self, node: str) -> None:
        """Start the server on a node, and wait until it serves."""
        job: Job = self.jobs[node]
        host: Namespace = self.server if node == "web" else self.router
        program = f"import json, sys; from {job.target} import main; main(json.load(sys.stdin))"
        before = len(self.events("service_ready"))
        process = host.spawn([sys.executable, "-c", program], stdin=subprocess.PIPE)
        self.processes[node] = process
        self._opened.callback(self.stop, node)
        assert process.stdin is not None
        process.stdin.write(json.dumps(job.config))
        process.stdin.close()
        eventually(lambda: len(self.events("service_ready")) > before)

    def stop(self, node: str) -> None:
        """End the server on a node."""
        self.processes[node].terminate()
        self.processes[node].wait(PATIENCE_S)

    def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        """Ask the origin for something, as the user does."""
        with self.connect() as connection:
            asking = http.client.HTTPConnection(f"[{SERVER}]")
            asking.sock = connection
            asking.request(method, path, headers=headers)
            answer = asking.getresponse()
            return Answer(answer.status, answer.read(), dict(answer.getheaders()))

    def connect(self) -> socket.socket:
        """A connection of the user's to the origin."""
        with self.user:
            connection = socket.socket(socket.AF_INET6)
        connection.settimeout(PATIENCE_S)
        connection.connect((SERVER, 80))
        return connection

    def events(self, kind: str, node: str | None = None) -> list[dict[str, Any]]:
        """What the servers have logged."""
        events = read_events(self._folder / "events.jsonl")
        return [e for e in events if e["kind"] == kind and node in (None, e["node"])]

    def logged(self, node: str, count: int) -> list[dict[str, Any]]:
        """The requests that a server has logged, once there are so many."""
        eventually(lambda: len(self.events("http_request", node)) >= count)
        return self.events("http_request", node)

    def words(self, path: str) -> list[str]:
        """What the cache has said of each answer to a path."""
        return [e["cache"] for e in self.events("http_request", "mar1") if e["uri"] == path]

    def kept(self) -> int:
        """How many bytes the cache keeps."""
        total = 0
        for path in self._folder.glob("scratch/edge-mar1/cache/*"):
            with suppress(FileNotFoundError):  # it goes while we look
                total += path.stat().st_size
        return total
