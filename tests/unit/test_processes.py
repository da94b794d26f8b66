"""What becomes of a run when one of its processes ends; the nursery is played here."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import Any

import pytest

from emu.processes import Processes, ProcessFailed

FOR_EVER = 3600 * 1_000_000_000


class Nursery:
    """Says what it is told to say; it starts nothing."""

    def __init__(self, command: list[str], pass_fds: list[int], **_: Any) -> None:
        self.control = socket.socket(fileno=os.dup(pass_fds[0]))

    def tell(self, **news: Any) -> None:
        self.control.sendall(json.dumps(news).encode() + b"\n")


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Processes:
    monkeypatch.setattr("emu.processes.subprocess.Popen", Nursery)
    return Processes(tmp_path)


def ended(processes: Processes, status: int, **options: Any) -> set[str]:
    """Who runs after mar1 was started and has ended by itself."""
    processes.start("mar1", 1, "agents.roles.mar", {}, **options)
    nursery: Any = processes._nursery
    nursery.tell(started="mar1", pid=0)
    nursery.tell(exited="mar1", pid=0, status=status)
    return processes.running()


@pytest.mark.parametrize("status", [0, 1, -15])
def test_an_agent_that_ends_untold_fails_the_run(processes: Processes, status: int) -> None:
    """Also if it ends in order, as on a signal that was not for it."""
    with pytest.raises(ProcessFailed, match=f"mar1 ended unexpectedly: status {status}"):
        ended(processes, status)


def test_one_that_ends_before_its_time_fails_the_run(processes: Processes) -> None:
    with pytest.raises(ProcessFailed):
        ended(processes, 0, until_ns=time.monotonic_ns() + FOR_EVER)


def test_one_may_end_when_it_has_done_its_work(processes: Processes) -> None:
    assert ended(processes, 0, until_ns=time.monotonic_ns()) == set()


def test_one_that_does_its_work_badly_fails_the_run_at_any_time(processes: Processes) -> None:
    with pytest.raises(ProcessFailed):
        ended(processes, 1, until_ns=0)


def test_one_that_had_ended_before_it_was_told_fails_the_run(processes: Processes) -> None:
    processes.start("mar1", 1, "agents.roles.mar", {})
    nursery: Any = processes._nursery
    nursery.tell(started="mar1", pid=0)
    nursery.tell(exited="mar1", pid=0, status=0)
    with pytest.raises(ProcessFailed):
        processes.stop({"mar1"}, 1)


def test_one_that_was_killed_as_a_crash_and_started_again(processes: Processes) -> None:
    processes.start("mar1", 1, "agents.roles.mar", {})
    nursery: Any = processes._nursery
    processes.kill("mar1")
    nursery.tell(exited="mar1", pid=0, status=-9)
    assert processes.running() == set()
    with pytest.raises(ProcessFailed):
        ended(processes, 0)
