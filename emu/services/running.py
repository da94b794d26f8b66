"""The services of a run in its lab: their servers' lives, and what their clients are to do."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agents.roles.daemon import EventLog
from emu.lab import Lab
from emu.sandbox import RUN_DIRECTORY
from emu.scenario.services import Call, Origin
from emu.services import call_ports, kinds
from emu.services.kind import Place
from emu.services.nginx import PORT
from emu.traffic.plan import Job


class RunningServices:
    """Those of the lab's scenario; ``directory`` is the run's."""

    def __init__(self, lab: Lab, seed: int, directory: Path) -> None:
        self._lab = lab
        self._services = kinds.of(lab.scenario.services)
        self._place = Place(
            lab.scenario, seed, directory, RUN_DIRECTORY, lambda name: str(lab.address(name))
        )
        self._servers: dict[str, Job] = {}

    async def prepare(self, tell: Callable[[str], None]) -> None:
        """Make what takes long, once for all runs; ``tell`` says what."""
        for service in self._services:
            await asyncio.to_thread(service.prepare, tell)

    def captured_udp(self) -> dict[str, Any]:
        """Where captures keep the packets of calls, and to which ports."""
        calls = [one.service for one in self._services if isinstance(one.service, Call)]
        nodes = {node for call in calls for node in (call.from_, call.to)}
        return {"nodes": sorted(nodes), "ports": [call_ports.ALL[0], call_ports.ALL[-1]]}

    def captured_tcp(self) -> int | None:
        """The port of the connections whose packets' headers captures keep: of web servers."""
        return PORT if any(isinstance(one.service, Origin) for one in self._services) else None

    async def start(self) -> None:
        """Start the servers, and wait until they serve."""
        jobs = [job for service in self._services for job in service.servers(self._place)]
        self._servers = {job.name: job for job in jobs}
        for job in jobs:
            self._start(job)
        await self._lab.wait(lambda: self._ready() >= len(jobs), "the services")

    def clients(self, t0_ns: int) -> list[Job]:
        """What is to be started with the traffic."""
        return [job for service in self._services for job in service.clients(self._place, t0_ns)]

    @property
    def names(self) -> set[str]:
        """Of the servers."""
        return set(self._servers)

    def crash(self, name: str) -> None:
        """Kill a server; its node stays, with what it has written."""
        self._write("server_killed", self._servers[name])
        self._lab.processes.kill(name)

    async def restart(self, name: str) -> None:
        """Start a server that was killed again."""
        await self._lab.wait(
            lambda: name not in self._lab.processes.running(), f"the end of {name}"
        )
        before = self._ready()
        self._write("server_restarted", self._servers[name])
        self._start(self._servers[name])
        await self._lab.wait(lambda: self._ready() > before, name)

    def _start(self, job: Job) -> None:
        pid = self._lab.pid(job.node)
        self._lab.processes.start(job.name, pid, job.target, job.config, math.inf)

    def _write(self, kind: str, job: Job) -> None:
        EventLog(job.config["events"], job.node).write(kind, service=job.config["service"])

    def stop(self, patience: float) -> None:
        """End the servers."""
        self._lab.processes.stop(self.names, patience)

    def _ready(self) -> int:
        return sum(event["kind"] == "service_ready" for event in self._lab.tail.events)
