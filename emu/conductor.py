"""One run, from inside its sandbox: build, attach, play the timeline, stop, write down.

``python -m emu.conductor ORDER.json`` tells its progress on standard output, a JSON object a line,
and when the traffic is about to start the run's plan, which is the first part of ``meta.json``.
What it leaves in the run's directory is described in ``emu.measure.record``.
"""

from __future__ import annotations

import asyncio
import json
import platform
import signal
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from agents.kernel.capabilities import Capabilities, probe
from emu import __version__, files, room
from emu.events import Event
from emu.happenings import Happening, Happenings
from emu.lab import Lab, LabFailed
from emu.leaving import leave
from emu.measure import fidelity
from emu.measure.fidelity import Sampler
from emu.narrative import Narration
from emu.network.addressing import HOSTS
from emu.network.kernel_state import KernelState
from emu.order import Order
from emu.processes import ProcessFailed
from emu.radio.client import RadioError
from emu.room import NoRoom
from emu.sandbox import RUN_DIRECTORY
from emu.scenario import load
from emu.scenario.model import Scenario
from emu.schemes.registry import SCHEMES
from emu.services.kind import ServiceFailed
from emu.services.running import RunningServices
from emu.traffic.plan import LEAD_NS, LEAD_OF_EACH_NS, LEAD_OF_EACH_SERVICE_NS, Plan, plan

STRAGGLERS_S = 1.0
"""How long the network goes on after the scenario's end, for packets still on their way."""
PATIENCE_S, PATIENCE_INTERRUPTED_S = 5.0, 2.0
"""How long processes may take to end when told to."""
HOLD_NS = 200_000_000
"""How late an event may be in the log and still be told in its turn."""
ASKED_FOR = ("ready", "address", "service_ready")
"""The kinds of event that are still asked for when the traffic has started."""
CAPTURE = "capture"
_CARRIERS = ("ix", "mr", *HOSTS, "radio")
"""Roles whose captures need no headers of users' packets: no tunnel begins or ends there."""


class Conductor:
    """Conducts one run."""

    def __init__(self, order: Order) -> None:
        self._scenario = load(Path(order.scenario))
        self._order = order
        self._directory = Path(order.directory)
        for name in ("arrivals", "sent", "captures", "iperf"):
            (self._directory / name).mkdir(parents=True, exist_ok=True)
        capabilities = probe()
        self._backends = {
            "switch": capabilities.switch_backend(),
            "tunnel": capabilities.tunnel_backend(),
            "delay": capabilities.delay_backend(),
            "source_guard": _source_guard(self._scenario, capabilities),
        }
        self._lab = Lab(
            self._scenario,
            order.seed,
            self._directory,
            capabilities,
            self._on_event,
            Path(order.scenario).parent,
        )
        self._services = RunningServices(self._lab, order.seed, self._directory)
        self._sampler = Sampler()
        self._plan = Plan()
        self._names: dict[str, str] = {}
        self._t0: int | None = None
        self._narration = Narration(self._say_event)
        self._started_at = datetime.now(timezone.utc)
        self._before: KernelState | None = None
        """What the kernels had configured when no mobile node had come yet, if that matters."""

    async def run(self) -> None:
        """Conduct it; told to stop early, it keeps what there is and marks it.

        NoRoom if it had to stop, in the same way, because the disk was nearly full.
        """
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        interrupted, problem = False, None
        try:
            await self._bring_up()
            await self._play()
        except asyncio.CancelledError:
            interrupted = True
        except NoRoom as full:
            interrupted, problem = True, full
        finally:
            self._narration.tell_until(time.monotonic_ns())
        if self._t0 is not None:
            await self._close(interrupted)
            self._narration.tell_until(time.monotonic_ns())
        if problem is not None:
            raise problem

    async def _bring_up(self) -> None:
        await self._services.prepare(self._say_stage)
        self._say_stage("building the network")
        began = time.monotonic()
        await self._lab.build()
        nodes = self._lab.network.plan.values()
        self._names = {str(node.address): node.name for node in nodes if node.address}
        await self._lab.start_agents()
        self._start_captures()
        await self._lab.wait(self._capturing, "the captures")
        await self._services.start()
        count = len(self._lab.network.plan) - 1
        self._say_stage(f"{count} nodes ready in {time.monotonic() - began:.1f} s")
        if self._scenario.leftovers:
            self._before = self._lab.kernel_state()
        await self._lab.attach_mobile_nodes()
        self._lab.tail.keep_only(ASKED_FOR)

    async def _play(self) -> None:
        self._sampler.start()
        self._lab.network.forget_lateness()
        lead = LEAD_NS + LEAD_OF_EACH_NS * len(self._scenario.traffic)
        lead += LEAD_OF_EACH_SERVICE_NS * len(self._scenario.services)
        self._t0 = time.monotonic_ns() + lead
        self._plan = plan(
            self._scenario,
            self._order.seed,
            self._t0,
            self._directory,
            lambda name: str(self._lab.address(name)),
            self._lab.channel_address,
            self._lab.overlay.interface,
        )
        self._plan.jobs += self._services.clients(self._t0)
        self._tell({"kind": "plan", "plan": self._description()})
        for job in self._plan.jobs:
            self._lab.processes.start(
                job.name, self._lab.pid(job.node), job.target, job.config, job.until_ns
            )
        happenings = Happenings(self._lab, self._services, self._t0)
        moves = [
            asyncio.ensure_future(happenings.happen(event))
            for event in self._scenario.timeline
            if isinstance(event, Happening)
        ]
        end = self._t0 / 1e9 + self._scenario.duration / 1e9 + STRAGGLERS_S
        while time.monotonic() < end:
            await self._lab.follow(0.05)
            self._narration.tell_until(time.monotonic_ns() - HOLD_NS)
            room.check(self._directory)
        await asyncio.gather(*moves)

    async def _close(self, interrupted: bool) -> None:
        """Stop everything in order, so that each has seen all that it should, and write down."""
        end = time.monotonic_ns()
        judgement = self._sampler.stop()
        patience = PATIENCE_INTERRUPTED_S if interrupted else PATIENCE_S
        processes = self._lab.processes
        processes.stop({job.name for job in self._plan.jobs}, patience)
        self._services.stop(patience)
        leftovers = None if interrupted else await self._leftovers()
        await self._lab.log_refused()
        # Before the agents take their tunnels down, which holds up every packet for a while.
        line = self._lab.network.stop_delay_line()
        processes.stop(self._lab.agents, patience)
        processes.stop({CAPTURE}, patience)
        self._lab.tail.poll()
        late_max_ns = max((one.late_max_ns for one in line.directions), default=0)
        judgement["link_late_max_ms"] = late_max_ns / 1e6
        judgement["stalls"] = fidelity.join([*judgement["stalls"], *line.stalls])
        meta = {
            **self._description(),
            "end_ns": end,
            "direct_ns": self._direct_ns(),
            "backends": self._backends,
            "kernel": platform.release(),
            "emu_version": __version__,
            "fidelity": judgement,
            "conductor_mib": _peak_mib(),
            "interrupted": interrupted,
            "leftovers": leftovers,
            "started_at": self._started_at.isoformat(),
        }
        files.replace(self._directory / "meta.json", json.dumps(meta, indent=1))

    def _description(self) -> dict[str, Any]:
        """What is known of the run once its traffic is planned."""
        return {
            "scenario": self._scenario.model_dump(mode="json", by_alias=True),
            "seed": self._order.seed,
            "t0_ns": self._t0,
            "nodes": self._nodes(),
            "links": self._links(),
            "flows": self._plan.flows,
        }

    async def _leftovers(self) -> dict[str, Any] | None:
        """What the mobile nodes leave behind, if the scenario asks; told to stop, none."""
        if self._before is None:
            return None
        self._say_stage("every mobile node leaves")
        self._lab.processes.stop({CAPTURE}, PATIENCE_S)  # what follows is not the scenario's
        try:
            return await leave(self._lab, self._before)
        except asyncio.CancelledError:
            return None

    def _start_captures(self) -> None:
        network = self._lab.network
        interfaces: list[tuple[int, str, str]] = [
            (self._lab.pid(node.name), node.name, interface.name)
            for node in network.plan.values()
            if node.role != "radio"
            for interface in node.interfaces
        ]
        config = {
            "interfaces": interfaces,
            "directory": str(self._directory / "captures"),
            "data": [n.name for n in network.plan.values() if n.role not in _CARRIERS],
            "udp": self._services.captured_udp(),
            "tcp": self._services.captured_tcp(),
            "overlay": self._lab.overlay.port,
            "signalling": SCHEMES.find(self._scenario.mobility.scheme).messages.ports,
            "all": self._order.keep_captures,
            "ready": str(RUN_DIRECTORY / "capture.ready"),
        }
        some = self._lab.pid(interfaces[0][1])
        self._lab.processes.start(CAPTURE, some, "emu.measure.capture", config)

    @staticmethod
    def _capturing() -> bool:
        return (RUN_DIRECTORY / "capture.ready").exists()

    def _nodes(self) -> dict[str, dict[str, Any]]:
        """Who is who: what turns addresses in packets and events into names."""
        described = {}
        for node in self._lab.network.plan.values():
            addresses = [str(end.link_local) for end in node.interfaces if end.link_local]
            addresses += [str(end.lan.ip) for end in node.interfaces if end.lan]
            described[node.name] = {
                "role": node.role,
                "address": str(node.address) if node.address else None,
                "addresses": addresses,
                "pool": str(node.pool) if node.pool else None,
                "link_layer_address": node.interfaces[0].link_layer_address
                if node.interfaces
                else None,
            }
        return described

    def _direct_ns(self) -> dict[str, int]:
        """How far each receiver of a group on i3 is from its source, on an internet."""
        network = self._lab.network
        return {
            flow["to"]: toward[network.address(flow["to"])].delay_ns
            for flow in self._plan.flows
            if flow["kind"] == "i3" and (toward := network.interfaces(flow["from"])[0].toward)
        }

    def _links(self) -> list[dict[str, Any]]:
        return [
            {
                "a": end.node,
                "b": end.peer,
                "delay_ns": end.quality.delay_ns,
                "rate_bps": end.quality.rate_bps,
            }
            for node in self._lab.network.plan.values()
            for end in node.interfaces
            if end.kind != "wireless" and end.node < end.peer
        ]

    def _on_event(self, event: Event) -> None:
        self._narration.add(event, self._names)

    def _say_event(self, event: Event, text: str) -> None:
        self._say(text, (event["t"] - self._t0) / 1e9 if self._t0 else None, event["kind"])

    def _say_stage(self, text: str) -> None:
        """Tell what the conductor does now, after all that has happened before."""
        self._narration.tell_until(time.monotonic_ns())
        self._say(text, None, "stage")

    def _say(self, text: str, seconds: float | None, kind: str) -> None:
        self._tell({"t": seconds, "text": text, "kind": kind})

    @staticmethod
    def _tell(news: dict[str, Any]) -> None:
        print(json.dumps(news), flush=True)


def _peak_mib() -> float:
    """The most memory that this process has had, in MiB."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kib,) = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(kib) / 1024


def _source_guard(scenario: Scenario, capabilities: Capabilities) -> str:
    """Who watches over the addresses that mobile nodes send from."""
    if scenario.security.source_guard == "off":
        return "none"
    return "access points and routers" if capabilities.source_guard else "access points"


def main() -> None:
    """Entry of ``python -m emu.conductor``: exit status 1, with one line, when the run failed."""
    order = Order.read(Path(sys.argv[1]))
    try:
        asyncio.run(Conductor(order).run())
    except (LabFailed, ProcessFailed, RadioError, NoRoom, ServiceFailed, OSError) as error:
        text = files.in_words(error) if isinstance(error, OSError) else str(error)
        print(json.dumps({"t": None, "text": text, "kind": "error"}), flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
