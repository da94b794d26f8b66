"""Being on time on a busy machine."""

from __future__ import annotations

import os

DELAY_LINE, AGENT = 10, 5
"""Real-time priorities: packets on their way come before those who answer them."""


def be_realtime(priority: int) -> bool:
    """Have the calling thread run before all that is not real-time; whether that is permitted.

    Threads and processes that it starts are ordinary ones again.
    """
    policy = os.SCHED_FIFO | os.SCHED_RESET_ON_FORK
    try:
        os.sched_setscheduler(0, policy, os.sched_param(priority))
    except PermissionError:
        return False
    return True
