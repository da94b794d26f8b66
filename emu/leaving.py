"""The end of a run that must leave nothing behind: every mobile node goes, what is left of it?"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from agents.core import SECOND
from agents.mobility.config import DETACH_DELAY
from emu.lab import Lab
from emu.network.kernel_state import KernelState, differences

_PERIOD_S = 1.0
_MARGIN_S = 5.0


async def leave(lab: Lab, before: KernelState) -> dict[str, Any]:
    """Detach all mobile nodes, and wait until the nodes' kernels are as before they came.

    As long as it takes a MAR to be sure that a node does not come back, and a binding that nobody
    refreshes to end. Gives ``waited_s`` and the differences, ``kernel``.
    """
    began = time.monotonic()
    await asyncio.gather(*(lab.radio.detach(mn) for mn in list(lab.places)))
    patience = (DETACH_DELAY + lab.scenario.mobility.binding_lifetime) / SECOND + _MARGIN_S
    while (found := differences(before, lab.kernel_state())) and (
        time.monotonic() - began < patience
    ):
        await lab.follow(_PERIOD_S)
    return {"waited_s": time.monotonic() - began, "kernel": found}
