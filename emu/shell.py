"""Mininet's command line in a scenario's network, with its agents running."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path
from subprocess import STDOUT
from typing import Any

from mininet.cli import CLI
from mininet.log import lg, output
from rich.console import Console

from agents.kernel.capabilities import probe
from emu import terminal
from emu.events import Event
from emu.lab import Lab, LabFailed
from emu.narrative import ALARMS, tell
from emu.processes import ProcessFailed
from emu.radio.client import RadioError
from emu.requirements import IPERF3, missing_programs
from emu.running import this_lab
from emu.sandbox import RUN_DIRECTORY
from emu.scenario import load
from emu.scenario.model import Scenario
from emu.show.membership import show_membership

_LOOK_S = 0.2
PATIENCE_S = 5.0
"""How long the agents may take to end."""
_HELP = """help COMMAND says more. A line that begins with a node's name is a command for that node;
names of nodes in it stand for their addresses:
  emu> mn1 ping src
A program that is no mere line of text wants noecho:
  emu> noecho mn1 vi notes

"""
_PING_S, _IPERF_S, _CONNECT_MS = "2", "5", "3000"


class ScenarioCLI(CLI):  # type: ignore[misc]
    """Mininet's commands, those of them that speak IPv4 in IPv6, ``handover`` and ``show``."""

    prompt = "emu> "
    helpStr = _HELP

    def __init__(self, lab: Lab, loop: asyncio.AbstractEventLoop) -> None:
        self._lab = lab
        self._loop = loop
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

    def do_pingall(self, line: str) -> None:
        """pingall [SECONDS]: ping between all nodes that have an address; how long to wait."""
        self.mn.ping(self._with_addresses(), line.strip() or _PING_S)

    def do_pingallfull(self, _line: str) -> None:
        """pingallfull: the same, with the round-trip times."""
        self.mn.pingFull(self._with_addresses(), _PING_S)

    def do_pingpair(self, _line: str) -> None:
        """pingpair: ping between the first two nodes."""
        self.mn.ping(self._with_addresses()[:2], _PING_S)

    def do_pingpairfull(self, _line: str) -> None:
        """pingpairfull: the same, with the round-trip times."""
        self.mn.pingFull(self._with_addresses()[:2], _PING_S)

    def do_iperf(self, line: str) -> None:
        """iperf FROM TO: the throughput of TCP between two nodes, by iperf3."""
        words = line.split()
        if len(words) == 2:
            self._iperf3(*words)
        else:
            print("usage: iperf FROM TO")

    def do_iperfudp(self, line: str) -> None:
        """iperfudp RATE FROM TO: what arrives of so much UDP (such as 10M), by iperf3."""
        words = line.split()
        if len(words) == 3:
            self._iperf3(*words[1:], "-u", "-b", words[0])
        else:
            print("usage: iperfudp RATE FROM TO")

    def waitForNode(self, node: Any) -> None:
        """Show a node's output until its command ends; only a terminal's keys are for the node."""
        if self.isatty():
            super().waitForNode(node)
            return
        while node.waiting:
            output(node.monitor())

    def _with_addresses(self) -> list[Any]:
        return [host for host in self.mn.hosts if host.defaultIntf().updateIP()]

    def _iperf3(self, sender: str, receiver: str, *options: str) -> None:
        known = {host.name: host for host in self._with_addresses()}
        unknown = [name for name in (sender, receiver) if name not in known]
        if unknown:
            print(f"{unknown[0]} is no node that has an address")
            return
        if IPERF3.path is None:
            print(*missing_programs([IPERF3]))
            return
        serve = ["iperf3", "-s", "-1", "--forceflush"]
        with known[receiver].popen(serve, stderr=STDOUT, encoding="utf-8") as server:
            try:
                next((line for line in server.stdout if "listening" in line), None)
                measure = ("iperf3", "-6", "-c", known[receiver].IP(), *options)
                known[sender].sendCmd(*measure, "-t", _IPERF_S, "--connect-timeout", _CONNECT_MS)
                self.waitForNode(known[sender])
            finally:
                server.terminate()


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
    terminal.take_over()
    lg.ch.setStream(sys.stderr)
    try:
        _serve(Path(sys.argv[1]))
    except (LabFailed, ProcessFailed, RadioError) as error:
        sys.exit(f"emu shell: {error}")
    except KeyboardInterrupt:  # not at the prompt: while the lab came up, or was closed
        sys.exit(130)


def _serve(path: Path) -> None:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    scenario = load(path)
    lab = asyncio.run_coroutine_threadsafe(_bring_up(scenario, path.parent), loop).result()
    watching = asyncio.run_coroutine_threadsafe(_watch(lab), loop)
    ScenarioCLI(lab, loop)
    watching.cancel()
    lab.processes.stop(lab.agents, PATIENCE_S)
    asyncio.run_coroutine_threadsafe(lab.radio.close(), loop).result()
    lab.network.stop()


if __name__ == "__main__":
    main()
