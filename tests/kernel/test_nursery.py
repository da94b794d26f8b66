"""Stopping processes, whatever has become of them."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from emu.processes import Processes, ProcessFailed
from tests.patience import PATIENCE_S, eventually

pytestmark = pytest.mark.root


def capture(processes: Processes, place: Path, name: str) -> int:
    """Start a capture, and wait until it serves; its process."""
    ready = place / "ready"
    config = {"interfaces": [], "directory": str(place), "all": False, "ready": str(ready)}
    processes.start(name, os.getpid(), "emu.measure.capture", config)
    eventually(ready.exists)
    processes.running()  # takes the news of its start, but of its end only below
    return int(subprocess.check_output(["pgrep", "-x", name]))


def test_a_process_that_has_just_ended_can_be_stopped(tmp_path: Path):
    name = f"just-{os.getpid()}"
    processes = Processes(tmp_path / "errors")
    pid = capture(processes, tmp_path, name)
    os.kill(pid, signal.SIGKILL)
    processes.kill(name)
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    processes.stop({name}, PATIENCE_S)
    assert processes.running() == set()


def test_one_that_ends_in_order_but_untold_fails_the_run(tmp_path: Path):
    name = f"untold-{os.getpid()}"
    processes = Processes(tmp_path / "errors")
    pid = capture(processes, tmp_path, name)
    os.kill(pid, signal.SIGTERM)
    eventually(lambda: not Path(f"/proc/{pid}").exists())
    with pytest.raises(ProcessFailed, match="ended unexpectedly: status 0"):
        eventually(lambda: name not in processes.running())


def test_the_keys_of_a_terminal_are_for_no_agent(tmp_path: Path):
    """Ctrl-C is sent to the terminal's process group; the conductor decides what it means."""
    name = f"keys-{os.getpid()}"
    processes = Processes(tmp_path / "errors")
    pid = capture(processes, tmp_path, name)
    assert os.getsid(pid) != os.getsid(0)
    processes.stop({name}, PATIENCE_S)
