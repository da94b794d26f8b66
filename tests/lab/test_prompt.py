"""When nodes are said to be ready they are: what is typed first works."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from agents.kernel.capabilities import probe
from emu.lab import Lab
from emu.sandbox import RUN_DIRECTORY
from emu.scenario import load
from tests.lab.sandboxed import in_sandbox
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root

SCENARIO = """
name: prompt
duration: 5s
topology: {kind: dmm-domain, mars: 2, backhaul: {delay: 5ms}}
mobility:
  scheme: client
  security: {cga: true, return_routability: true, permanent_keygen_token: true}
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
"""


@in_sandbox
def test_a_handover_at_once_binds_the_first_home_address() -> None:
    asyncio.run(hand_over_at_once())


async def hand_over_at_once() -> None:
    lab = await ready()
    await lab.radio.move("mn1", "mar2", 0)
    await lab.wait(lambda: bool(acknowledged(lab)), "the binding")
    assert acknowledged(lab)[0].startswith("2001:db8:1:")  # the home address of mar1
    assert not events(lab, "home_untested")
    lab.processes.stop(lab.agents, PATIENCE_S)


async def ready() -> Lab:
    directory = RUN_DIRECTORY / "run"
    directory.mkdir()
    path = Path(RUN_DIRECTORY) / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    lab = Lab(load(path), 1, directory, probe(), lambda event: None)
    await lab.build()
    await lab.start_agents()
    await lab.attach_mobile_nodes()
    return lab


def acknowledged(lab: Lab) -> list[str]:
    """The home addresses whose updates were acknowledged."""
    came = (e for e in events(lab, "received") if e["node"] == "mn1")
    return [event["home_address"] for event in came if event["message"] == "BA"]


def events(lab: Lab, kind: str) -> list[dict]:
    return [event for event in lab.tail.events if event["kind"] == kind]
