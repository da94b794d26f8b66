"""Mininet's command line in a scenario's network, with its agents running."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

from mininet.cli import CLI
from rich.console import Console

from agents.kernel.capabilities import probe
from emu.events import Event
from emu.lab import Lab, LabFailed
from emu.narrative import ALARMS, tell
from emu.processes import ProcessFailed
from emu.radio.client import RadioError
from emu.running import this_lab
from emu.sandbox import RUN_DIRECTORY
from emu.scenario import load
from emu.scenario.model import Scenario
from emu.show.membership import show_membership

_LOOK_S = 0.2
PATIENCE_S = 5.0
"""How long the agents may take to end."""


class ScenarioCLI(CLI):  # type: ignore[misc]
    """Mininet's commands, ``handover`` and ``show``."""

    def __init__(self, lab: Lab, loop: asyncio.AbstractEventLoop) -> None:
        self._lab = lab
        self._loop = loop
        self.prompt = "emu> "
        super().__init__(lab.network.net)

    def do_handover(self, line: str) -> None:
        """handover MN MAR: move a mobile node to another MAR."""
        words = line.split()
        if len(words) != 2:
            print("usage: handover MN MAR")
            return
        move = self._lab.radio.move(words[0], words[1], 0)
        try:
            asyncio.run_coroutine_threadsafe(move, self._loop).result()
        except RadioError as error:
            print(error)

    def do_show(self, line: str) -> None:
        """show membership: what the routers have in their membership records now."""
        if line.split() != ["membership"]:
            print("usage: show membership")
            return
        show_membership(Console(highlight=False), this_lab())


async def _bring_up(scenario: Scenario, folder: Path) -> Lab:
    directory = RUN_DIRECTORY / "shell"
    directory.mkdir()
    lab = Lab(scenario, scenario.seed, directory, probe(), _warn, folder)
    await lab.build()
    await lab.start_agents()
    await lab.attach_mobile_nodes()
    return lab


def _warn(event: Event) -> None:
    """Say why a mobile node is not served, if that happens."""
    if event["kind"] in ALARMS:
        print(tell(event, {}), flush=True)


async def _watch(lab: Lab) -> None:
    """Follow what happens while commands are typed."""
    try:
        while True:
            await lab.follow(_LOOK_S)
    except (LabFailed, ProcessFailed) as error:
        print(error, flush=True)


def main() -> None:
    """Entry of ``python -m emu.shell SCENARIO``, inside a sandbox."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    path = Path(sys.argv[1])
    scenario = load(path)
    try:
        lab = asyncio.run_coroutine_threadsafe(_bring_up(scenario, path.parent), loop).result()
    except (LabFailed, ProcessFailed, RadioError) as error:
        sys.exit(f"emu shell: {error}")
    watching = asyncio.run_coroutine_threadsafe(_watch(lab), loop)
    ScenarioCLI(lab, loop)
    watching.cancel()
    lab.processes.stop(lab.agents, PATIENCE_S)
    asyncio.run_coroutine_threadsafe(lab.radio.close(), loop).result()
    lab.network.stop()


if __name__ == "__main__":
    main()
