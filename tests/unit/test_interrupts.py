"""Ctrl-C, SIGTERM and SIGHUP are one wish, which is heard once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from emu.interrupts import SIGNALS, ctrl_c_is_for_others, on_interrupt, terminal_signals_held
from tests.patience import PATIENCE_S, eventually

CHILD = """
import os, signal, sys, time
def end(number, frame):
    time.sleep(0.6)  # longer than subprocess would wait for
    print("in order", flush=True)
    sys.exit(1)  # of whoever was killed, say
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, end)
print(os.getppid(), flush=True)
time.sleep(60)
"""
SCRIPT = "import sys; from emu.interrupts import run_below; sys.exit(run_below(sys.argv[1:]))"


@pytest.mark.parametrize("number", SIGNALS)
def test_the_first_signal_is_heard_and_no_other(number):
    heard = []
    before = signal.getsignal(number)
    with on_interrupt(lambda: heard.append(1)):
        for one in (number, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), one)
        eventually(lambda: heard)
    assert heard == [1]
    assert signal.getsignal(number) == before


def test_what_nohup_has_ignored_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with on_interrupt(lambda: pytest.fail("heard")):
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_in_another_thread_nothing_changes():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with on_interrupt(lambda: None):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_ctrl_c_can_be_for_others():
    with ctrl_c_is_for_others():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.05)


def test_what_is_started_meanwhile_never_hears_of_ctrl_c():
    with terminal_signals_held():
        child = subprocess.Popen(["sleep", "60"])
    child.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        child.wait(0.3)
    child.kill()
    child.wait()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_script_lets_what_it_runs_end_in_order(number):
    """Ctrl-C comes to both, the others to the script alone."""
    script = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, sys.executable, "-c", CHILD],
        stdout=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
    )
    assert script.stdout is not None
    assert script.stdout.readline() == f"{script.pid}\n"
    (os.killpg if number == signal.SIGINT else os.kill)(script.pid, number)
    assert script.stdout.read() == "in order\n"
    assert script.wait(PATIENCE_S) == 130
