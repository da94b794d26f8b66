"""From one run's record to its rows in the table: one for each flow in each handover.

A flow that no handover touched has one row, whose columns about handovers are empty; so has a
handover of a node without flows, whose columns about flows are.
"""

from __future__ import annotations

from typing import Any

from emu.analysis.forecast import Forecast
from emu.measure import signalling_cost
from emu.measure.disruption import PER_FLOW
from emu.measure.metrics import PREFIX
from emu.scenario.model import Scenario
from emu.scenario.population import VirtualScenario

OF_RUN = ("seed", "faithful", "attempts")
OF_WHAT = ("handover", "mn", "from", "to", "at_s", "disturbed", "flow", "kind")
"""The columns that say of what a row is."""
_OF_FLOW_IN_HANDOVER = (*PER_FLOW, "recovered")
_PARTS = ("l2", "authentication", "detection", "binding", "address", "total")
_LATENCIES = (*(f"{part}_ms" for part in _PARTS), "care_of_test_ms")
COUNTED = ("signalling_messages", "signalling_bytes", "binding_messages", "binding_hops")
OF_HANDOVER = (*_LATENCIES, *COUNTED, "predicted_binding_ms")
"""The metrics of a handover, which all rows of its flows have, as they have those of other
packages; the others are a flow's."""

METRICS = (
    *_OF_FLOW_IN_HANDOVER,
    *_LATENCIES,
    *COUNTED,
    "join_ms",
    "flow_delay_ms",
    "flow_overhead_bytes",
    "predicted_binding_ms",
    "predicted_disruption_ms",
    "predicted_low_ms",
    "predicted_high_ms",
    "predicted_leave_ms",
)
"""The columns that are measured or predicted; the others say of what."""

OF_GROUP = (
    "depth",
    "depth_max",
    "rmd",
    "rad",
    "stretch_p90",
    "stress_max",
    "stress_p99",
    "in_tree",
    "out_of_tree",
    "delivery_ratio",
    "longest_gap_ms",
    "longest_gap_ms_p99",
    "replies_per_join",
    "queries_of_founder",
    "queries_max",
    "losses",
    "given_up",
    "requests_per_loss",
    "duplicates_per_loss",
    "repair_ms",
    "repair_ms_p95",
)
"""The metrics of a group on i3, as the record has them; other sweeps have no such columns."""

Row = dict[str, Any]


def rows(record: dict[str, Any], scenario: Scenario | VirtualScenario) -> list[Row]:
    """The rows of a record of one run."""
    (run,) = record["runs"]
    if isinstance(scenario, VirtualScenario):
        return [_of_group(run, flow) for flow in run["flows"]]
    found = _of_handovers(run, scenario)
    return [row | _figures(run) if row.get("kind") == "i3" else row for row in found]


def _of_group(run: dict[str, Any], flow: dict[str, Any]) -> Row:
    """The row of a group whose receivers have no names."""
    delay = {"flow_delay_ms": flow["delay_ms"]["median"]}
    return {"flow": flow["flow"], "kind": flow["kind"], **delay, **_figures(run)}


def _figures(run: dict[str, Any]) -> Row:
    found = run["overlay"]["tree"] | run["overlay"].get("group", {})
    return {name: found[name] for name in OF_GROUP if name in found}


def _of_handovers(run: dict[str, Any], scenario: Scenario) -> list[Row]:
    whole = {flow["flow"]: _of_whole_flow(flow) for flow in run["flows"]}
    forecast = Forecast(scenario)
    found: list[Row] = []
    for index, handover in enumerate(run["handovers"]):
        shared = _of_handover(index, handover) | _predicted_binding(forecast, handover)
        if not handover["flows"]:
            found.append(shared)
        for flow in handover["flows"]:
            row = {**shared, "flow": flow["flow"], "kind": flow["kind"]}
            row |= {name: flow[name] for name in _OF_FLOW_IN_HANDOVER}
            found.append(row | _predicted(forecast, handover, flow["flow"]))
    touched = {row.get("flow") for row in found}
    found += [
        {"flow": flow["flow"], "kind": flow["kind"]}
        for flow in run["flows"]
        if flow["flow"] not in touched
    ]
    return [{**row, **whole.get(row.get("flow"), {})} for row in found]


def _of_whole_flow(flow: dict[str, Any]) -> Row:
    return {
        "join_ms": flow.get("join_ms"),
        "flow_delay_ms": flow["delay_ms"]["median"],
        "flow_overhead_bytes": flow["tunnel_overhead_bytes"],
    }


def _of_handover(index: int, handover: dict[str, Any]) -> Row:
    counted = (
        *signalling_cost.sums(handover["signalling"]),
        *signalling_cost.binding(handover["signalling"]),
    )
    return {
        "handover": index,
        **{key: handover[key] for key in ("mn", "from", "to", "at_s", "disturbed")},
        **{f"{part}_ms": handover["latency_ms"].get(part) for part in _PARTS},
        "care_of_test_ms": handover.get("care_of_test_ms"),
        **{f"{PREFIX}{name}": value for name, value in handover.get("metrics", {}).items()},
        **dict(zip(COUNTED, counted, strict=True)),
    }


def _predicted_binding(forecast: Forecast, handover: dict[str, Any]) -> Row:
    move = forecast.move(handover)
    return {"predicted_binding_ms": move.path.binding} if move else {}


def _predicted(forecast: Forecast, handover: dict[str, Any], flow: str) -> Row:
    prediction = forecast.channel(handover, flow)
    if prediction is None:
        return {}
    return {
        "predicted_disruption_ms": prediction.disruption.mean,
        "predicted_low_ms": prediction.disruption.low,
        "predicted_high_ms": prediction.disruption.high,
        "predicted_leave_ms": prediction.leave.mean,
    }
