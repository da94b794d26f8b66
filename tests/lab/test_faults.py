"""Faults of docs/guarantees.md that need more than a scenario: real daemons, kernels and packets.

Signalling that gets lost, a CMD that is killed at each step of a handover, a MAR whose clock is
slow, two nodes with one identifier, and two that claim one prefix.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from agents.kernel.capabilities import probe
from agents.mobility.sessions import Phase
from emu.events import Event
from emu.lab import Lab
from emu.network.build import Network
from emu.network.namespace import entered
from emu.running import this_lab
from emu.sandbox import RUN_DIRECTORY
from emu.scenario import parse
from emu.schemes.agents import Agent
from emu.schemes.dmm import agents
from emu.schemes.dmm.agents import Dmm
from tests.lab import faulty_mar
from tests.lab.sandboxed import in_sandbox

pytestmark = pytest.mark.root

SCENARIO = """
name: faults
duration: 1s
topology: {{kind: dmm-domain, mars: 3, cmd: {cmd}}}
mobility: {{variant: relay, retransmission: 200ms, binding_lifetime: {lifetime}}}
multicast: {{scheme: none}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: off}}
  mn2: {{role: mn, attach: mar3, dad: off}}
  server: {{role: server}}
"""
STEPS = [
    # A message to or from the CMD is on its way for 100 ms, so it dies before the next step.
    ("mar2", "S-MAR", "sent", "PBU"),
    ("mar3", "cmd", "sent", "PBU"),
    ("mar1", "cmd", "received", "PBA"),
    ("mar2", "cmd", "sent", "PBA"),
]
"""Where the node goes, and after which step of that handover's exchange the CMD is killed."""
PATIENCE_S = 600
"""An exchange of which each message gets lost with 20 % is repeated every 32 s at the least."""
SERVING, ANCHORING = Phase.SERVING.name, Phase.ANCHORING.name


@in_sandbox
def test_a_lossy_network_whose_cmd_is_killed_at_each_step() -> None:
    asyncio.run(lose_and_kill())


@in_sandbox
def test_a_slow_clock_and_two_nodes_with_one_identifier_or_prefix() -> None:
    asyncio.run(be_slow_and_ambiguous())


async def lose_and_kill() -> None:
    lab = await serving("{delay: 100ms, loss: 20%}", "300s")
    first = lab.address("mn1")
    for to, who, kind, message in STEPS:
        was = len(lab.tail.events)
        await lab.radio.move("mn1", to, 0)
        node = to if who == "S-MAR" else who
        await happens(lab, was, node, kind, message=message)
        lab.crash("cmd")
        await lab.restart("cmd")
        await happens(lab, was, to, "binding_complete", mn="mn1")
    await phases(lab, {"mar1": ANCHORING, "mar2": SERVING, "mar3": ANCHORING})
    # The kernels agree: packets of the first address come and go by the tunnel to mar1.
    server = lab.address("server")
    with entered(lab.network.namespace("mn1")):
        ping = ["ping", "-c", "3", "-w", "60", "-I", str(first), str(server)]
        subprocess.run(ping, check=True, stdout=subprocess.DEVNULL)


async def be_slow_and_ambiguous() -> None:
    agents.Dmm = WithFaultyMars  # where the scheme says that its agents are
    lab = await serving("{delay: 5ms}", "12s")
    await happens(lab, 0, "mar2", "ready")
    was = len(lab.tail.events)
    await lab.radio.move("mn1", "mar2", 0)  # whose time is earlier than that of mn1's attachment
    await happens(lab, was, "mar2", "binding_complete", mn="mn1")
    await phases(lab, {"mar1": ANCHORING, "mar2": SERVING})
    unconcerned = given("mar3", "mn2")
    link_up("mar3", "mn1", "02:00:00:00:00:99")  # another one of this name
    await phases(lab, {"mar1": ANCHORING, "mar2": ANCHORING, "mar3": SERVING})
    assert given("mar3", "mn2") == unconcerned
    await lab.radio.move("mn1", "mar1", 0)
    await phases(lab, {"mar1": SERVING, "mar2": ANCHORING, "mar3": ANCHORING})
    await claim_one_prefix(lab)


async def claim_one_prefix(lab: Lab) -> None:
    """What mar1 gave to mn1 first it gives to mn2 once it has been killed; mn1 loses it."""
    claimed = given("mar1", "mn1")
    await lab.radio.move("mn1", "mar3", 0)
    await phases(lab, {"mar1": ANCHORING, "mar3": SERVING})
    was = len(lab.tail.events)
    lab.crash("mar1")
    await become(lab, lambda: "mar1" not in lab.processes.running(), "the end of mar1")
    WithFaultyMars.start(lab.network, "mar1", faulty_mar.SAME_PREFIXES)
    await happens(lab, was, "mar1", "ready")
    await lab.radio.move("mn2", "mar1", 0)
    await happens(lab, was, "mar1", "prefix_assigned", mn="mn2", prefix=claimed)
    await become(lab, lambda: claimed not in anchored("mar3", "mn1"), "mn1 loses its prefix")
    assert given("mar1", "mn2") == claimed
    assert given("mar3", "mn1") not in (None, claimed)


class WithFaultyMars(Dmm):
    """The clock of mar2 is slow."""

    configurations: ClassVar[dict[str, dict[str, Any]]] = {}

    def agents(self) -> dict[str, Agent]:
        agents = super().agents()
        self.configurations.update({mar: agents[mar][1] for mar in ("mar1", "mar2")})
        del agents["mar2"]
        self.start(self.network, "mar2", faulty_mar.SLOW_CLOCK)
        return agents

    @classmethod
    def start(cls, network: Network, mar: str, fault: str) -> None:
        """Start a MAR with a fault; it ends with the sandbox."""
        configuration = json.dumps(cls.configurations[mar])
        with entered(network.namespace(mar)):
            subprocess.Popen([sys.executable, "-m", faulty_mar.__name__, fault, configuration])


def given(mar: str, mn: str) -> str | None:
    """The prefix that a mobile node has of a MAR."""
    binding = this_lab().states()[mar]["bindings"].get(mn)
    return None if binding is None else str(binding["prefix"])


def anchored(mar: str, mn: str) -> set[str]:
    """The prefixes of other MARs that a mobile node has at one."""
    binding = this_lab().states()[mar]["bindings"].get(mn)
    return {anchor["prefix"] for anchor in binding["anchors"]} if binding else set()


async def serving(cmd: str, lifetime: str) -> Lab:
    """A lab in which every mobile node has an address."""
    directory = Path(RUN_DIRECTORY) / "run"
    directory.mkdir()
    scenario = parse(SCENARIO.format(cmd=cmd, lifetime=lifetime).encode(), "faults.yaml")
    lab = Lab(scenario, 1, directory, probe(), lambda event: None)
    await lab.build()
    await lab.start_agents()
    await lab.attach_mobile_nodes()
    return lab


async def happens(lab: Lab, since: int, node: str, kind: str, **fields: str) -> None:
    """Wait for an event after so many others."""

    def is_it(event: Event) -> bool:
        return (event["node"], event["kind"]) == (node, kind) and fields.items() <= event.items()

    await become(
        lab, lambda: any(map(is_it, lab.tail.events[since:])), f"{kind} {fields} of {node}"
    )


async def phases(lab: Lab, expected: dict[str, str]) -> None:
    """Wait until MARs stand so with mn1."""

    def phase(state: dict[str, Any]) -> str | None:
        binding = state["bindings"].get("mn1")
        return None if binding is None else str(binding["phase"])

    def settled() -> bool:
        states = this_lab().states()
        return all(mar in states and phase(states[mar]) == at for mar, at in expected.items())

    await become(lab, settled, str(expected))


async def become(lab: Lab, done: Callable[[], bool], what: str) -> None:
    """Wait until so it is."""
    deadline = time.monotonic() + PATIENCE_S
    while not done():
        assert time.monotonic() < deadline, what
        await lab.follow(0.02)


def link_up(mar: str, mn: str, link_layer_address: str) -> None:
    """As its access point would tell a MAR."""
    trigger = {"trigger": "link_up", "mn": mn, "mar": mar, "link_layer_address": link_layer_address}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as triggers:
        triggers.sendto(json.dumps(trigger).encode(), str(RUN_DIRECTORY / f"{mar}.trigger"))
