"""How long a router goes on forwarding a channel to a listener that moved away (leave latency)."""

from __future__ import annotations

from typing import Any

from emu.measure.handovers import Handover
from emu.measure.run import Run
from emu.schemes.registry import SCHEMES


def leave_ms(run: Run, handover: Handover, flow: dict[str, Any]) -> float | None:
    """Link down to the ``leave`` of the listener at the previous MAR; None when it never came.

    Where a home agent forwards by its tunnels, it ends that to the previous care-of address.
    ``flow`` is an entry of the run's meta data. What comes after the node's link went down the next
    time is not this handover's.
    """
    if "group" not in flow:
        return None
    centres = [scheme.centre for scheme in SCHEMES.all().values()]
    anchors = {centre.role for centre in centres if centre.anchors}
    for event in run.of_kind("leave"):
        if (
            handover.down_ns <= event["t"] <= handover.until_ns
            and event["node"] in {handover.origin, *anchors}
            and event["group"] == flow["group"]
            and run.node_of(event["host"]) == handover.mn
        ):
            return (int(event["t"]) - handover.down_ns) / 1e6
    return None
