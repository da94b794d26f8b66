"""From one run's record to its rows in the table: one for each flow in each handover.

A flow that no handover touched has one row, whose columns about handovers are empty.
"""

from __future__ import annotations

import math
from typing import Any

from emu.analysis.prediction import Prediction, predict
from emu.scenario.model import MulticastFlow, Scenario

_OF_FLOW_IN_HANDOVER = (
    "disruption_ms",
    "lost",
    "duplicated",
    "reordered",
    "delay_before_ms",
    "delay_after_ms",
    "leave_ms",
    "recovered",
)
_PARTS = ("l2", "detection", "binding", "address", "total")
COUNTED = ("signalling_messages", "signalling_bytes")

METRICS = (
    *_OF_FLOW_IN_HANDOVER,
    *(f"{part}_ms" for part in _PARTS),
    "signalling_messages",
    "signalling_bytes",
    "join_ms",
    "copies",
    "predicted_disruption_ms",
    "predicted_low_ms",
    "predicted_high_ms",
    "predicted_leave_ms",
)
"""The columns that are measured or predicted; the others say of what."""

Row = dict[str, Any]


def rows(record: dict[str, Any], scenario: Scenario) -> list[Row]:
    """The rows of a record of one run."""
    (run,) = record["runs"]
    joins = {flow["flow"]: flow.get("join_ms") for flow in run["flows"]}
    predictions = predict(scenario)
    groups = _groups(scenario)
    found: list[Row] = []
    for index, handover in enumerate(run["handovers"]):
        shared = _of_handover(index, handover)
        for flow in handover["flows"]:
            row = {**shared, "flow": flow["flow"], "kind": flow["kind"]}
            row |= {name: flow[name] for name in _OF_FLOW_IN_HANDOVER}
            row["copies"] = _copies(run, index, groups.get(flow["flow"].split("→")[0]))
            found.append(row | _predicted(predictions, handover, flow["flow"]))
    touched = {row["flow"] for row in found}
    found += [
        {"flow": flow["flow"], "kind": flow["kind"]}
        for flow in run["flows"]
        if flow["flow"] not in touched
    ]
    return [{**row, "join_ms": joins[row["flow"]]} for row in found]


def _of_handover(index: int, handover: dict[str, Any]) -> Row:
    costs = handover["signalling"].values()
    return {
        "handover": index,
        **{key: handover[key] for key in ("mn", "from", "to", "at_s")},
        **{f"{part}_ms": handover["latency_ms"][part] for part in _PARTS},
        "signalling_messages": sum(cost["messages"] for cost in costs),
        "signalling_bytes": sum(cost["bytes"] for cost in costs),
    }


def _groups(scenario: Scenario) -> dict[str, str]:
    """The group of each multicast flow."""
    return {
        name: str(scenario.channels[flow.channel].group)
        for name, flow in zip(scenario.flow_names, scenario.traffic, strict=True)
        if isinstance(flow, MulticastFlow)
    }


def _copies(run: dict[str, Any], index: int, group: str | None) -> int | None:
    """From how many upstreams the new MAR gets a group, until the next handover of any node."""
    start, target = (run["handovers"][index][key] for key in ("at_s", "to"))
    later = run["handovers"][index + 1 : index + 2]
    end = later[0]["at_s"] if later else math.inf
    counts = [
        len({record["upstream"] for record in state["records"] if record["group"] == group})
        for state in run["membership_history"].get(target, ())
        if start < state["at_s"] <= end
    ]
    return max(counts, default=None) if group else None


def _predicted(predictions: list[Prediction], handover: dict[str, Any], flow: str) -> Row:
    """The prediction for the handover that the scenario has just before the measured one."""
    fitting = [
        prediction
        for prediction in predictions
        if prediction.flow == flow and prediction.move.at_s <= handover["at_s"]
    ]
    if not fitting:
        return {}
    latest = fitting[-1]
    return {
        "predicted_disruption_ms": latest.disruption.mean,
        "predicted_low_ms": latest.disruption.low,
        "predicted_high_ms": latest.disruption.high,
        "predicted_leave_ms": latest.leave.mean,
    }
