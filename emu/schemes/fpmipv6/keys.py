"""Keys of a scenario's ``mobility`` that fast handovers for Proxy Mobile IPv6 have."""

from __future__ import annotations

from typing import Annotated, Literal

from emu.scenario.fields import within
from emu.scenario.section import Section
from emu.scenario.units import DURATION, SIZE


class FastHandovers(Section):
    """How MAGs hand mobile nodes over to each other."""

    fast_handover: Literal["predictive", "reactive"] = "predictive"
    """When the new MAG hears of a node: before it leaves the previous one, if the handover is
    ``announced``; or when it has come."""
    handover_lifetime: Annotated[int, within(DURATION, "100ms", "1h")] = DURATION.parse("5s")
    """How long a MAG keeps or forwards what comes for a node that has left, or is to come."""
    handover_buffer: Annotated[int, within(SIZE, "1", "1000000000")] = 1_000_000
    """Octets that are kept for one mobile node; the oldest packets go first."""
