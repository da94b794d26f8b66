"""What every traffic process shares: signals as values and absolute deadlines."""

from __future__ import annotations

import signal
import subprocess
import time
from typing import Any

from agents.kernel import libc

WATCHED = (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2)
_GRACE_S = 2
_LONGEST_WAIT_NS = 3600 * 1_000_000_000


def prepare() -> None:
    """Make signals wait for ``wait_until`` and let sleeps end on time (no 50 µs timer slack).

    SIGINT is ignored: a Ctrl-C at the terminal is the conductor's to act on.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    libc.set_timer_slack(1)


def release_signals() -> None:
    """Undo the blocking of ``prepare`` in a child that is about to exec."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (*WATCHED, signal.SIGCHLD))


def run_until(deadline_ns: int | None, command: list[str], **options: Any) -> int:
    """Run a program until it ends, the deadline passes or SIGTERM comes; its exit status.

    ``options`` are those of ``subprocess.Popen``. SIGCHLD has to be blocked.
    """
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, preexec_fn=release_signals, **options
    )
    while process.poll() is None:
        came = wait_until(deadline_ns, also=(signal.SIGCHLD,))
        if came in (None, signal.SIGTERM):
            break
    return _end(process)


def _end(process: subprocess.Popen[bytes]) -> int:
    """Ask a program to end; insist if it does not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        return process.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def wait_until(deadline_ns: int | None, also: tuple[int, ...] = ()) -> int | None:
    """Sleep until a CLOCK_MONOTONIC time (None: for ever); the signal that came first, or None.

    ``also`` names further blocked signals to wait for, such as SIGCHLD.
    """
    watched = (*WATCHED, *also)
    while True:
        wait = _LONGEST_WAIT_NS if deadline_ns is None else deadline_ns - time.monotonic_ns()
        came = signal.sigtimedwait(watched, min(max(wait, 0), _LONGEST_WAIT_NS) / 1e9)
        if came is not None:
            return came.si_signo
        if deadline_ns is not None and time.monotonic_ns() >= deadline_ns:
            return None
