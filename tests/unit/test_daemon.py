"""The loop of every agent: what a callback or its thread raises ends it, and is its last word."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.patience import PATIENCE_S

PROGRAM = """
import os
from agents.core import Log
from agents.roles.daemon import Daemon

daemon = Daemon("mar1", "/dev/null")
reader, writer = os.pipe()
os.write(writer, b"packet")

def fail():
    raise ValueError("the kernel has no room")

class Alarm:
    def next_deadline(self):
        return 1

    def timer(self, now):
        fail()

{how}
daemon.run(lambda: print("last words"))
"""


@pytest.mark.parametrize(
    "how",
    [
        "daemon.watch(reader, fail)",
        "daemon.soon(fail)",
        "daemon.carry_out(Alarm(), [])",
        "daemon.after(0.01, fail); daemon.watch(reader, lambda: os.read(reader, 1))",
        "daemon.aside(fail)",
        "daemon.soon(lambda: daemon.aside(fail))",
    ],
)
def test_an_agent_that_fails_ends_and_says_why(how):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(how=how)],
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE_S,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ValueError: the kernel has no room"
    assert not done.stdout


def test_an_agent_whose_thread_fails_at_the_end_says_so_too():
    how = "import signal; daemon.soon(lambda: os.kill(os.getpid(), signal.SIGTERM))"
    program = PROGRAM.format(how=how).replace('print("last words")', "daemon.aside(fail)")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, encoding="utf-8", timeout=PATIENCE_S
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "ValueError: the kernel has no room"
