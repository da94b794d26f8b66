"""A scenario's network with everything in it running: switch, controller, agents."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from agents.kernel.capabilities import Capabilities
from emu import running
from emu.channel_control import ChannelControlPlan
from emu.events import Event, EventTail
from emu.internet import between
from emu.network.build import Backends, Network, build
from emu.network.kernel_state import KernelState, Nodes
from emu.overlay_plan import MemberJob, OverlayPlan
from emu.partitions import Partitions
from emu.processes import Processes
from emu.radio.client import L2Event, Radio
from emu.scenario.model import Scenario, Topology
from emu.schemes.registry import SCHEMES
from topologies.parameters import EndNode, Parameters, Quality

READY_TIMEOUT = 120.0
"""Seconds that agents, and then mobile nodes, may take to be ready (emulated machines are slow)."""


class LabFailed(RuntimeError):
    """The lab could not be brought up; the text says what was waited for."""


class Lab:
    """Brings a scenario's network up inside a sandbox, and keeps its event log in ``directory``.

    ``folder`` is where the scenario is, and the files that it names.
    """

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        directory: Path,
        capabilities: Capabilities,
        listener: Callable[[Event], None],
        folder: Path = Path(),
    ) -> None:
        self.scenario = scenario
        self.tail = EventTail(directory / "events.jsonl", listener)
        self.processes = Processes(directory / "stderr")
        self._seed = seed
        self._directory = directory
        self._capabilities = capabilities
        self._folder = folder
        self._guarded = scenario.security.source_guard == "on"
        self._scheme = SCHEMES.find(scenario.mobility.scheme)
        self._agents_of = self._scheme.load_agents()
        self.network: Network
        self.radio: Radio
        self.channel_control: ChannelControlPlan
        self.overlay: OverlayPlan
        self.agents: set[str] = set()
        self.places: dict[str, str] = {}
        """Where each attached mobile node is."""

    async def build(self) -> None:
        """Build the network and put the radio under its controller; nobody is attached yet."""
        self.radio = Radio.launch(self._directory / "stderr" / "radio.log", self._log_l2)
        topology = self.scenario.topology
        parameters = Parameters(
            mars=topology.mars,
            routers=topology.routers,
            access=topology.access.quality(),
            radios={mar: _radio(topology, mar) for mar in topology.access.profiles},
            backhaul=topology.backhaul.quality(),
            cmd=topology.cmd.quality(),
            core=topology.core.quality(),
            centre=self._scheme.centre,
            home=topology.home.quality(),
            second_domain=tuple(self._scheme.second_domain(self.scenario)),
            standby=topology.standby.quality()
            if "standby" in self._scheme.links(self.scenario)
            else None,
            extras=tuple(self._scheme.nodes(self.scenario)),
            between=between(self.scenario, self._folder, self._seed),
        )
        nodes = {
            name: EndNode(node.role, node.dad, node.island)
            for name, node in self.scenario.nodes.items()
        }
        backends = Backends(self._capabilities.switch_backend(), self._capabilities.delay_backend())
        self.network = build(topology.kind, parameters, nodes, backends, seed=self._seed)
        self.channel_control = ChannelControlPlan(self.scenario, self.network, self._folder)
        self._partitions = Partitions(self.network, list(self.scenario.nodes))
        self.overlay = OverlayPlan(self.scenario, self.network, self._directory, self._folder)

    async def start_agents(self) -> None:
        """Start the agent of every node that has one, and wait until all serve."""
        scheme = self._agents_of(
            self.scenario,
            self.network,
            self.channel_control,
            self._capabilities.tunnel_backend(),
            self._seed,
            self._directory,
            source_guard=self._guarded and self._capabilities.source_guard,
        )
        self._agents = scheme.agents()
        self._may_move = scheme.may_move
        self.agents = set(self._agents)
        for name in self._agents:
            self._start_agent(name)
        authentication = self.scenario.topology.access.authentication
        await self.radio.connect(
            self.network,
            authentication_ns=authentication,
            source_guard=self._guarded,
        )
        await self.wait(lambda: self.tail.nodes("ready") >= self.agents, "the agents")
        await self.wait(lambda: scheme.ready(self.tail.events), "the access routers")
        await self.wait(lambda: scheme.i3.ready(self.tail.events), "the ring of i3 servers")
        self._members = {job.node: job for job in self.overlay.jobs()}
        for job in self._members.values():
            self._start_member(job)
        self.agents |= {job.name for job in self._members.values()}
        running.announce(self.scenario.name, self._seed, self.network)

    async def attach_mobile_nodes(self) -> None:
        """Attach every mobile node where the scenario says, and wait until it can communicate."""
        places = {name: node.attach for name, node in self.scenario.nodes.items() if node.attach}
        await asyncio.gather(*(self.radio.attach(mn, mar) for mn, mar in places.items()))
        await self.wait(lambda: self._usable().keys() >= set(places), "the mobile nodes' addresses")
        await self.wait(
            lambda: all(self._may_move(mn, self.tail.events) for mn in places),
            "the tests of the mobile nodes' home addresses",
        )
        await self.wait(lambda: self.overlay.ready(self.tail.events), "the members of the overlay")

    async def log_refused(self) -> None:
        """Log what the access points' source guard has dropped, as agents do at their end."""
        refused = await self.radio.refused()
        if refused:
            self._log("state", "radio", time.monotonic_ns(), guard=refused)

    def crash(self, name: str) -> None:
        """Kill an agent; its node stays, with what its kernel has."""
        self._log("crashed", name, time.monotonic_ns())
        self.processes.kill(self.overlay.process(name))

    async def restart(self, name: str) -> None:
        """Start an agent that was killed again; a MAR is told by its access point who is there."""
        process = self.overlay.process(name)
        await self.wait(lambda: process not in self.processes.running(), f"the end of {name}")
        before = self._times_ready(name)
        self._log("restarted", name, time.monotonic_ns())
        if name in self._members:
            self._start_member(self._members[name])
        else:
            self._start_agent(name)
        await self.wait(lambda: self._times_ready(name) > before, name)
        if name in self.network.names("mar"):
            await self.radio.report(name)

    def cut_off(self, hosts: Sequence[str]) -> None:
        """These and all other hosts do not hear each other from now on."""
        self._partitions.cut_off(hosts)
        self._log("partitioned", hosts[0], time.monotonic_ns(), hosts=hosts)

    def heal(self, hosts: Sequence[str]) -> None:
        """They do again."""
        self._partitions.heal(hosts)
        self._log("healed", hosts[0], time.monotonic_ns(), hosts=hosts)

    async def wait(self, done: Callable[[], bool], what: str) -> None:
        """Follow the event log until ``done``; LabFailed after a long time."""
        deadline = time.monotonic() + READY_TIMEOUT
        while not done():
            if time.monotonic() > deadline:
                raise LabFailed(f"{what} were not ready within {READY_TIMEOUT:.0f} s")
            await self.follow(0.01)

    async def follow(self, seconds: float) -> None:
        """Let time pass, reading the event log; ProcessFailed when an agent has died.

        LabFailed when links are broken.
        """
        await asyncio.sleep(seconds)
        self.tail.poll()
        self.processes.running()
        try:
            self.network.check()
        except RuntimeError as error:
            raise LabFailed(str(error)) from None

    def kernel_state(self) -> KernelState:
        """What every node's kernel has configured now."""
        nodes = [node.name for node in self.network.plan.values() if node.role != "radio"]
        groups = [channel.group for channel in self.scenario.channels.values()]
        return Nodes(
            {name: self.pid(name) for name in nodes}, self.scenario.nodes, groups
        ).snapshot()

    def pid(self, node: str) -> int:
        """A process in the node's network namespace."""
        return int(self.network.node(node).pid)

    def address(self, name: str) -> IPv6Address:
        """The global address of a host; of a mobile node, the first that it had."""
        return self._usable().get(name) or self.network.address(name)

    def channel_address(self, name: str) -> str:
        """That of a node that sends to a channel: what its listeners see, and may ask for."""
        return str(self.overlay.address(name) if name in self._members else self.address(name))

    def _start_member(self, job: MemberJob) -> None:
        self.processes.start(job.name, self.pid(job.node), job.target, job.config)

    def _start_agent(self, name: str) -> None:
        module, config = self._agents[name]
        self.processes.start(name, self.pid(name), module, config)

    def _times_ready(self, name: str) -> int:
        return sum(e["kind"] == "ready" and e["node"] == name for e in self.tail.events)

    def _usable(self) -> dict[str, IPv6Address]:
        """The mobile nodes that have a global address ready for use, and the first of each."""
        addresses = [
            (event["node"], IPv6Address(event["address"]))
            for event in self.tail.events
            if event["kind"] == "address"
            and event["state"] in ("preferred", "optimistic")
            and IPv6Address(event["address"]) in self._agents_of.permanent
        ]
        return dict(reversed(addresses))

    def _log_l2(self, event: L2Event) -> None:
        if event.event == "l2_up":
            self.places[event.mn] = event.mar
        elif event.event == "l2_down":
            self.places.pop(event.mn, None)
        to = {} if event.to is None else {"to": event.to}
        self._log(event.event, "radio", event.time, mn=event.mn, mar=event.mar, **to)

    def _log(self, kind: str, node: str, time_ns: int, **fields: Any) -> None:
        line = {"t": time_ns, "node": node, "kind": kind, **fields}
        with (self._directory / "events.jsonl").open("ab", buffering=0) as log:
            log.write(json.dumps(line).encode() + b"\n")


def _radio(topology: Topology, mar: str) -> tuple[Quality, Quality]:
    down, up = topology.radio(mar)
    return down.quality(), up.quality()
