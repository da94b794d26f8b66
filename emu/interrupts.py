"""Ending early: Ctrl-C, SIGTERM and SIGHUP (the terminal has gone) are one and the same wish.

Signals are the main thread's: in another one, what is here changes nothing. A signal that was
ignored before (by nohup, or for a shell's background jobs) stays so.
"""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130
"""The exit status of what ended early for one of them."""


@contextmanager
def on_interrupt(act: Callable[[], None]) -> Iterator[None]:
    """Have the first of the signals that comes call ``act``, and those that follow do nothing."""
    came = False

    def first(_number: int) -> None:
        nonlocal came
        if not came:
            came = True
            act()

    with _handled(SIGNALS, first):
        yield


@contextmanager
def ctrl_c_is_for_others() -> Iterator[None]:
    """Let another program that the terminal serves, which hears of Ctrl-C too, act on it alone."""
    with _handled((signal.SIGINT,), lambda _: None):
        yield


@contextmanager
def terminal_signals_held() -> Iterator[None]:
    """Threads and processes started in here never hear of Ctrl-C, or that the terminal has gone."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def run_below(command: Sequence[str]) -> int:
    """Run a command to its end, with the same wish to end; its exit status, or `INTERRUPTED`."""
    asked = False

    def pass_on(number: int) -> None:
        nonlocal asked
        asked = True
        process.send_signal(number)

    process = subprocess.Popen(command)
    with _handled(SIGNALS, pass_on):
        status = process.wait()
    return INTERRUPTED if asked else status


@contextmanager
def _handled(numbers: Sequence[signal.Signals], act: Callable[[int], None]) -> Iterator[None]:
    def handle(number: int, _frame: FrameType | None) -> None:
        act(number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heeded = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handle) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
