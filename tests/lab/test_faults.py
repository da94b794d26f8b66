"""Faults of docs/guarantees.md that need more than a scenario: real daemons, kernels and packets.

Signalling that gets lost, a CMD that is killed at each step of a handover, a MAR whose clock is
slow, and two nodes with one identifier.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from agents.kernel.capabilities import probe
from agents.mobility.sessions import Phase
from emu.events import Event
from emu.lab import Lab
from emu.network.namespace import entered
from emu.running import this_lab
from emu.sandbox import RUN_DIRECTORY
from emu.scenario import parse
from emu.schemes import SCHEMES
from emu.schemes.base import Agent
from emu.schemes.dmm import Dmm
from tests.lab import slow_mar
from tests.lab.sandboxed import in_sandbox

pytestmark = pytest.mark.root

SCENARIO = """
name: faults
duration: 1s
topology: {{kind: dmm-domain, mars: 3, cmd: {cmd}}}
mobility: {{variant: relay, retransmission: 200ms}}
multicast: {{scheme: none}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: off}}
  mn2: {{role: mn, attach: mar1, dad: off}}
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
SERVING, ANCHORING = Phase.SERVING.name, Phase.ANCHORING.name


@in_sandbox
def test_a_lossy_network_whose_cmd_is_killed_at_each_step() -> None:
    asyncio.run(lose_and_kill())


@in_sandbox
def test_a_slow_clock_and_two_nodes_with_one_identifier() -> None:
    asyncio.run(be_slow_and_ambiguous())


async def lose_and_kill() -> None:
    lab = await serving("{delay: 100ms, loss: 30%}")
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
    SCHEMES["dmm"] = WithASlowClock
    lab = await serving("{delay: 5ms}")
    await happens(lab, 0, "mar2", "ready")
    was = len(lab.tail.events)
    await lab.radio.move("mn1", "mar2", 0)  # whose time is earlier than that of mn1's attachment
    await happens(lab, was, "mar2", "binding_complete", mn="mn1")
    await phases(lab, {"mar1": ANCHORING, "mar2": SERVING})
    unconcerned = this_lab().states()["mar1"]["bindings"]["mn2"]
    link_up("mar3", "mn1", "02:00:00:00:00:99")  # another one of this name
    await phases(lab, {"mar1": ANCHORING, "mar2": ANCHORING, "mar3": SERVING})
    assert this_lab().states()["mar1"]["bindings"]["mn2"] == unconcerned
    await lab.radio.move("mn1", "mar1", 0)
    await phases(lab, {"mar1": SERVING, "mar2": ANCHORING, "mar3": ANCHORING})


class WithASlowClock(Dmm):
    """The clock of mar2 is some seconds slow."""

    def agents(self) -> dict[str, Agent]:
        agents = super().agents()
        _, config = agents.pop("mar2")
        command = [sys.executable, "-m", slow_mar.__name__, json.dumps(config)]
        with entered(self.network.namespace("mar2")):
            subprocess.Popen(command)  # it ends with the sandbox
        return agents


async def serving(cmd: str) -> Lab:
    """A lab in which every mobile node has an address."""
    directory = Path(RUN_DIRECTORY) / "run"
    directory.mkdir()
    scenario = parse(SCENARIO.format(cmd=cmd).encode(), "faults.yaml")
    lab = Lab(scenario, 1, directory, probe(), lambda event: None)
    await lab.build()
    await lab.start_agents()
    await lab.attach_mobile_nodes()
    return lab


async def happens(lab: Lab, since: int, node: str, kind: str, **fields: str) -> None:
    """Wait for an event after so many others."""

    def is_it(event: Event) -> bool:
        return (event["node"], event["kind"]) == (node, kind) and fields.items() <= event.items()

    await lab.wait(lambda: any(map(is_it, lab.tail.events[since:])), f"{kind} {fields} of {node}")


async def phases(lab: Lab, expected: dict[str, str]) -> None:
    """Wait until MARs stand so with mn1."""

    def phase(state: dict[str, Any]) -> str | None:
        binding = state["bindings"].get("mn1")
        return None if binding is None else str(binding["phase"])

    def settled() -> bool:
        states = this_lab().states()
        return all(mar in states and phase(states[mar]) == at for mar, at in expected.items())

    await lab.wait(settled, str(expected))


def link_up(mar: str, mn: str, link_layer_address: str) -> None:
    """As its access point would tell a MAR."""
    trigger = {"trigger": "link_up", "mn": mn, "mar": mar, "link_layer_address": link_layer_address}
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as triggers:
        triggers.sendto(json.dumps(trigger).encode(), str(RUN_DIRECTORY / f"{mar}.trigger"))
