"""Plays a lab's scenario of a group on i3 in virtual time, and leaves the files of a lab's run."""

from __future__ import annotations

import json
import platform
from array import array
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

from agents.core import MILLISECOND, SECOND, Action
from agents.i3.actions import Deliver
from agents.i3.host import EndHost
from agents.i3.member import Phase
from emu import __version__, files
from emu.i3_plan import I3Plan
from emu.scenario.events import Crash, Restart
from emu.scenario.model import Scenario
from emu.scenario.traffic import I3Flow
from emu.simulator.engine import Engine
from emu.simulator.i3_hosts import Addresses, Hosts
from emu.traffic.plan import LEAD_NS, Job, Planner

STEP = 50 * MILLISECOND
SETTLING = 300 * SECOND
"""The ring of servers is one by then; ns."""
STRAGGLERS = 1 * SECOND
RECONNECTION = 100 * MILLISECOND
"""An application looks so often whether its client, which was killed, is there again; ns."""
ROUTER = "ix"
Tell = Callable[[float | None, str], None]


def unplayable(scenario: Scenario) -> Iterator[str]:
    """What of a scenario virtual time has not, each with the key that says so."""
    scheme = scenario.mobility.scheme
    if scheme != "none" or scenario.i3 is None:
        key = "overlay" if scheme == "none" else f"mobility.scheme: {scheme}"
        yield f"{key}: virtual time plays groups on i3 alone (overlay.scheme: i3), of nodes at rest"
        return
    for index, flow in enumerate(scenario.traffic):
        if not isinstance(flow, I3Flow):
            yield f"traffic[{index}].kind: virtual time carries i3 alone, not {flow.kind}"
    for index, event in enumerate(scenario.events):
        if not isinstance(event, Crash | Restart):
            yield f"events[{index}].{event.verb}: virtual time has crash and restart alone"


class Lab:
    """One run; its files go to ``directory``, the scenario's are in ``folder``."""

    def __init__(self, scenario: Scenario, folder: Path, seed: int, directory: Path) -> None:
        self._scenario = scenario
        self._seed = seed
        self._directory = directory
        self._engine = Engine()
        self._network = Addresses(scenario, folder, seed)
        self._hosts = Hosts(self._engine, self._network, seed)
        self._hosts.delivered = self._delivered
        self._plan = I3Plan(scenario, self._network, seed)
        self._rows: defaultdict[str, array[int]] = defaultdict(lambda: array("q"))
        """What the arrival files will hold, by their paths."""
        self._sent_at: dict[int, int] = {}
        self._listening: dict[str, Job] = {}
        """Receivers that are in the group, by their nodes."""
        self._started = datetime.now(timezone.utc)
        self._t0 = 0

    def play(self, tell: Tell, stopped: Callable[[], bool]) -> bool:
        """Play it to its end, or until ``stopped``; whether it got to the end."""
        tell(None, "the ring of i3 servers")
        self._start_agents()
        self._t0 = self._engine.now + LEAD_NS
        planner = Planner(
            self._scenario, self._seed, self._t0, self._directory,
            lambda name: str(self._network.address(name)), str, lambda name: f"{name}-{ROUTER}",
        )  # fmt: skip
        plan = planner.run()
        for job in plan.jobs:
            self._begin(job)
        for event in self._scenario.timeline:
            self._engine.at(self._t0 + event.at, self._happen, event, tell)
        until = self._t0 + self._scenario.duration + STRAGGLERS
        while self._engine.now < until and not stopped():
            self._engine.run(min(until, self._engine.now + STEP))
        whole = self._engine.now == until
        self._close()
        self._write(plan.flows, interrupted=not whole)
        return whole

    def _start_agents(self) -> None:
        """All at once, and on until the servers are one ring."""
        roles = self._plan.roles()
        for name, node in self._scenario.nodes.items():
            _, config = roles[node.role](name)
            self._hosts.add(name, config)
        for name in self._hosts.nodes:
            self._hosts.start(name)
        while not self._plan.ready(self._hosts.events) and self._engine.now < SETTLING:
            self._engine.run(self._engine.now + STEP)

    def _begin(self, job: Job) -> None:
        """Have a job's application do its part at its times."""
        config = job.config
        if job.target.endswith("i3_source"):
            host = self._client(job.node)
            if host is not None:
                self._hosts.act(job.node, host.member.found)
            self._engine.at(config["start_ns"], self._send, job)
            return
        self._engine.at(config["start_ns"], self._join, job)
        self._engine.at(config["stop_ns"] + config["linger_ns"], self._leave, job)

    def _client(self, name: str) -> EndHost | None:
        core = self._hosts.nodes[name].core
        return core if isinstance(core, EndHost) else None

    def _send(self, job: Job) -> None:
        config, now = job.config, self._engine.now
        if now >= config["stop_ns"]:
            return
        host = self._client(job.node)
        if host is not None and host.member.phase is Phase.IN_TREE:
            sequence = host.member.sent + 1
            self._sent_at[sequence] = now
            self._rows[config["sent"]].extend((sequence, now, now))
            payload = bytes(config["packet"])
            self._hosts.act(job.node, partial(host.member.send, payload))
        self._engine.after(config["interval_ns"], self._send, job)

    def _join(self, job: Job) -> None:
        flow = job.config["flow"]
        self._hosts.log(job.node, "joined", flow=flow, group="i3", source=None, local=job.node)
        self._listening[job.node] = job
        self._connect(job.node)

    def _connect(self, name: str) -> None:
        host = self._client(name)
        if host is not None and name in self._listening and host.member.phase is Phase.OUT:
            self._hosts.act(name, host.member.join)

    def _leave(self, job: Job) -> None:
        if self._listening.pop(job.node, None) is None:
            return
        received = len(self._rows[job.config["arrivals"]]) // 3
        self._hosts.log(job.node, "left", flow=job.config["flow"], received=received)
        host = self._client(job.node)
        if host is not None:
            member = host.member

            def leave(now: int) -> list[Action]:
                return member.leave()

            self._hosts.act(job.node, leave)

    def _happen(self, event: Crash | Restart, tell: Tell) -> None:
        if isinstance(event, Crash):
            tell(event.at / SECOND, f"crash: {event.crash}")
            self._hosts.crash(event.crash)
            return
        tell(event.at / SECOND, f"restart: {event.restart}")
        self._hosts.log(event.restart, "restarted")
        self._hosts.start(event.restart)
        self._engine.after(RECONNECTION, self._connect, event.restart)

    def _delivered(self, name: str, packet: Deliver) -> None:
        job = self._listening.get(name)
        if job is not None:
            row = (packet.sequence, self._sent_at[packet.sequence], self._engine.now)
            self._rows[job.config["arrivals"]].extend(row)

    def _close(self) -> None:
        for job in [*self._listening.values()]:
            self._leave(job)
        self._hosts.end()

    def _write(self, flows: list[dict[str, Any]], *, interrupted: bool) -> None:
        for path, rows in self._rows.items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            with Path(path).open("wb") as file:
                rows.tofile(file)
        lines = [json.dumps(event) + "\n" for event in self._hosts.events]
        (self._directory / "events.jsonl").write_text("".join(lines), encoding="utf-8")
        meta = {
            "world": "virtual",
            "scenario": self._scenario.model_dump(mode="json", by_alias=True),
            "seed": self._seed,
            "t0_ns": self._t0,
            "end_ns": self._engine.now,
            "nodes": self._nodes(),
            "links": self._links(),
            "flows": flows,
            "direct_ns": self._direct_ns(flows),
            "backends": {},
            "kernel": platform.release(),
            "emu_version": __version__,
            "fidelity": {"ok": True, "reason": None, "stalls": []},
            "interrupted": interrupted,
            "leftovers": None,
            "started_at": self._started.isoformat(),
        }
        files.replace(self._directory / "meta.json", json.dumps(meta, indent=1))

    def _nodes(self) -> dict[str, dict[str, Any]]:
        nothing = {"pool": None, "link_layer_address": None}
        nodes: dict[str, dict[str, Any]] = {
            ROUTER: {"role": "ix", "address": None, "addresses": [], **nothing}
        }
        for name, node in self._scenario.nodes.items():
            address = str(self._network.address(name))
            nodes[name] = {
                "role": node.role, "address": address, "addresses": [address], **nothing,
            }  # fmt: skip
        return nodes

    def _links(self) -> list[dict[str, Any]]:
        return [
            {"a": name, "b": ROUTER, "delay_ns": 0, "rate_bps": None}
            for name in self._scenario.nodes
        ]

    def _direct_ns(self, flows: list[dict[str, Any]]) -> dict[str, int]:
        """How far each receiver is from the source."""
        return {
            flow["to"]: self._network.between[flow["from"], flow["to"]].delay_ns for flow in flows
        }
