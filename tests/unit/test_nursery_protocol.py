"""The conductor and the nursery talk over a socket that holds little: neither waits for ever."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from emu.nursery import Nursery
from emu.processes import Processes, ProcessFailed

NODES, CHANNELS = 30, 20
PATIENCE_S = 20


class Willing(Nursery):
    """Tells of each process that it has been started, and starts none."""

    def _start(self, request: dict[str, Any]) -> None:
        self._tell({"started": request["name"], "pid": os.getpid()})


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Processes:
    """The conductor's side, with such a nursery in a thread at the other."""

    def launch(_command: list[str], pass_fds: list[int], **_: object) -> None:
        nursery = Willing(socket.socket(fileno=os.dup(pass_fds[0])), tmp_path)

        def serve() -> None:
            with suppress(BrokenPipeError):  # the test is over
                while nursery._answer_requests():
                    pass

        threading.Thread(target=serve, daemon=True).start()

    monkeypatch.setattr(subprocess, "Popen", launch)
    return Processes(tmp_path / "errors")


def test_six_hundred_jobs_are_started_in_one_go(processes):
    names = [f"C{c}@mn{n}" for n in range(NODES) for c in range(CHANNELS)]

    def start_all() -> None:
        for name in names:
            config = {"node": name, "events": "/results/a/long/enough/path" * 10}
            processes.start(name, 1, "emu.traffic.listener", config)

    starting = threading.Thread(target=start_all, daemon=True)
    starting.start()
    starting.join(PATIENCE_S)
    assert not starting.is_alive()
    assert processes.running() == set(names)


def test_a_nursery_that_has_gone_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: None)
    processes = Processes(tmp_path)
    with pytest.raises(ProcessFailed, match="the nursery ended unexpectedly"):
        processes.start("mar1", 1, "agents.roles.mar", {})
