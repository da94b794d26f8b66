"""A program of the machine's own on a node, such as a video player. Config:

node, flow          names, for the event log
command             the program and its arguments
folder              where it runs, and leaves what it prints in ``<flow>.log``
events              path of the event log
start_ns, stop_ns   CLOCK_MONOTONIC; at the latter it is told to end
"""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

from agents.roles.daemon import EventLog
from emu.traffic.process import prepare, run_until, wait_until


def main(config: dict[str, Any]) -> None:
    """Run it from start to stop."""
    prepare()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    folder = Path(config["folder"])
    folder.mkdir(exist_ok=True)
    events = EventLog(config["events"], config["node"])
    if wait_until(config["start_ns"]) == signal.SIGTERM:
        return
    events.write("program_started", flow=config["flow"])
    with (folder / f"{config['flow']}.log").open("wb") as log:
        status = run_until(
            config["stop_ns"], config["command"], stdout=log, stderr=subprocess.STDOUT, cwd=folder
        )
    events.write("program_stopped", flow=config["flow"], status=status)
