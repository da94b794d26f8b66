"""Being on time on a busy machine: real-time priorities of what other nodes wait for."""

from __future__ import annotations

import os

DELAY_LINE, AGENT, SWITCH, SOURCE = 10, 5, 2, 1
"""Packets on their way come first, then those who answer them, then the radio's switch, then those
who send at a rate: before who measures, plays or captures."""


def be_realtime(priority: int) -> bool:
    """Have the calling thread run before all that is not real-time; whether that is permitted.

    Threads and processes that it starts are ordinary ones again.
    """
    return _schedule(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, priority)


def make_realtime(pid: int, priority: int) -> bool:
    """The same of another process, and of the threads that it will start."""
    return _schedule(pid, os.SCHED_FIFO, priority)


def _schedule(pid: int, policy: int, priority: int) -> bool:
    try:
        os.sched_setscheduler(pid, policy, os.sched_param(priority))
    except PermissionError:
        return False
    return True
