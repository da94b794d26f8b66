"""Stopping processes, whatever has become of them."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from emu.processes import Processes
from tests.patience import PATIENCE_S, eventually

pytestmark = pytest.mark.root


def test_a_process_that_has_just_ended_can_be_stopped(tmp_path: Path):
    name = f"just-{os.getpid()}"
    ready = tmp_path / "ready"
    config = {"interfaces": [], "directory": str(tmp_path), "all": False, "ready": str(ready)}
    processes = Processes(tmp_path / "errors")
    processes.start(name, os.getpid(), "emu.measure.capture", config)
    eventually(ready.exists)
    processes.running()  # takes the news of its start, but of its end only below
    pid = int(subprocess.check_output(["pgrep", "-x", name]))
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    processes.stop({name}, PATIENCE_S)
    assert processes.running() == set()
