"""The end of a run that must leave nothing behind: every mobile node goes, what is left of it?"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from agents.core import SECOND
from agents.mobility.config import DETACH_DELAY
from emu.lab import Lab
from emu.network.kernel_state import KernelState, differences
from emu.running import this_lab

_PERIOD_S = 1.0
_MARGIN_S = 5.0


async def leave(lab: Lab, before: KernelState) -> dict[str, Any]:
    """Detach all mobile nodes; wait until kernels are as before they came, and no binding is left.

    As long as it takes a MAR to be sure that a node does not come back, and a binding that nobody
    refreshes to end. Gives ``waited_s`` and the differences, ``kernel``.
    """
    began = time.monotonic()
    await asyncio.gather(*(lab.radio.detach(mn) for mn in list(lab.places)))
    patience = (DETACH_DELAY + lab.scenario.mobility.binding_lifetime) / SECOND + _MARGIN_S
    while True:
        waited = time.monotonic() - began
        found = differences(before, lab.kernel_state())
        if waited > patience or not (found or _is_bound()):
            return {"waited_s": waited, "kernel": found}
        await lab.follow(_PERIOD_S)


def _is_bound() -> bool:
    """Whether an agent still has a binding, as far as agents say."""
    return any(state.get("bindings") for state in this_lab().states().values())
