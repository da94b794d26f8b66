"""What the equations predict for a scenario, on the terminal."""

from __future__ import annotations

from dataclasses import asdict
from statistics import fmean
from typing import Any

from rich.console import Console
from rich.table import Table

from emu.analysis import hdmm, reach
from emu.analysis.hdmm import Scheme
from emu.analysis.journey import Equations
from emu.analysis.moves import Move, binding_ms, cost, messages, moves, session_cost
from emu.analysis.prediction import predict
from emu.scenario.model import Scenario, Topology
from emu.show.numbers import exact, spread
from emu.show.tables import new_table
from emu.topologies import TOPOLOGIES


def show_model(console: Console, scenario: Scenario) -> None:
    """Prints the predictions for every handover, and how far a call can move."""
    data = predictions(scenario)
    if not data["handovers"]:
        console.print("no handovers: nothing to predict")
    for table in (_handovers(data), _schemes(data, scenario), _channels(data, scenario)):
        if table.row_count:
            console.print(table)
            console.print()
    if scenario.topology.backhaul.delay:
        console.print(_reach(scenario.topology), soft_wrap=True)


def predictions(scenario: Scenario) -> dict[str, list[dict[str, Any]]]:
    """The same as plain data: handovers, schemes in the mean over them, channels; times in ms."""
    found = moves(scenario)
    subnets = scenario.topology.mars
    return {
        "handovers": [_of_move(move) for move in found],
        "schemes": [_of_scheme(scheme, found, subnets) for scheme in _compared(found)],
        "channels": [
            {
                **{key: _place(one.move)[key] for key in ("at_s", "mn", "from", "to")},
                "flow": one.flow,
                "disruption_ms": asdict(one.disruption),
                "leave_ms": asdict(one.leave),
            }
            for one in predict(scenario)
        ],
    }


def _compared(found: list[Move]) -> list[Scheme | Equations]:
    """Those of the paper, and what the scenario has besides; none without a handover."""
    own = dict.fromkeys(move.scheme for move in found if isinstance(move.scheme, Equations))
    return [*Scheme, *own] if found else []


def _place(move: Move) -> dict[str, Any]:
    return {"at_s": move.at_s, "mn": move.mn, "from": move.origin, "to": move.target}


def _of_move(move: Move) -> dict[str, Any]:
    binding, authentication = move.path.binding, move.authentication
    gap = move.path.gap - authentication
    return {
        **_place(move),
        "scheme": move.scheme.value,
        "previous": list(move.previous),
        "messages": messages(move.scheme, move),
        "gap_ms": gap,
        "authentication_ms": authentication,
        "binding_ms": binding,
        "sum_ms": float(hdmm.handover_latency(gap, 0, 0, authentication, binding)),
    }


def _of_scheme(scheme: Scheme | Equations, found: list[Move], subnets: int) -> dict[str, Any]:
    """A scheme of the paper on this network, in the mean over the handovers."""
    return {
        "scheme": scheme.value,
        "messages": fmean(messages(scheme, move) for move in found),
        "weighted_hops": fmean(cost(scheme, move) for move in found),
        "session_cost": fmean(session_cost(scheme, move, subnets) for move in found),
        "binding_ms": fmean(_binding_ms(scheme, move) for move in found),
    }


def _handovers(data: dict[str, Any]) -> Table:
    table = new_table(
        ("at", "mobile node", "from → to", "scheme"),
        ("previous MARs", "messages", "gap", "authentication", "binding", "sum"),
        "Handovers (times in ms)",
    )
    numbers = ("messages", "gap_ms", "authentication_ms", "binding_ms", "sum_ms")
    for one in data["handovers"]:
        table.add_row(
            f"{one['at_s']:.3f} s", one["mn"], _way(one), one["scheme"],
            str(len(one["previous"])), *(exact(one[name]) for name in numbers),
        )  # fmt: skip
    return table


def _schemes(data: dict[str, Any], scenario: Scenario) -> Table:
    subnets = scenario.topology.mars
    table = new_table(
        ("scheme",),
        ("messages", "weighted hops", "a session's", "binding (ms)"),
        f"The same under every scheme, in the mean (τ = ω = 1; SMR = 1, M = {subnets})",
    )
    for one in data["schemes"]:
        counted = (exact(round(one[name], 1)) for name in ("messages", "weighted_hops"))
        session, binding = exact(round(one["session_cost"], 1)), exact(round(one["binding_ms"], 2))
        table.add_row(one["scheme"], *counted, session, binding)
    return table


def _binding_ms(scheme: Scheme | Equations, move: Move) -> float:
    return binding_ms(scheme, move.path, move.farthest, secured=move.secured)


def _channels(data: dict[str, Any], scenario: Scenario) -> Table:
    table = new_table(
        ("at", "channel", "from → to"),
        ("disruption", "forwarded to the previous place for"),
        f"Channels, {scenario.multicast.scheme} (ms from link down: mean, and least to most)",
    )
    for one in data["channels"]:
        ranges = (
            spread(found["low"], found["mean"], found["high"])
            for found in (one["disruption_ms"], one["leave_ms"])
        )
        table.add_row(f"{one['at_s']:.3f} s", one["flow"], _way(one), *ranges)
    return table


def _way(one: dict[str, Any]) -> str:
    return f"{one['from']} → {one['to']}"


def _reach(topology: Topology) -> str:
    delay = topology.backhaul.delay / 1e6
    farthest = TOPOLOGIES.find(topology.kind).farthest(topology.mars)
    if farthest <= 1:
        total, most = float(hdmm.end_to_end_delay(reach.REGIONAL_MS, delay)), reach.MOUTH_TO_EAR_MS
        verdict = "bears" if total <= most else "does not bear"
        return (
            f"Every MAR is {exact(delay)} ms from every other, however far a node moves: "
            f"a call {verdict} that ({exact(total)} of {exact(most)} ms, equation 19)."
        )
    last, _ = reach.break_even(delay)
    return (
        f"A call bears {int(reach.reach(delay))} hops of {exact(delay)} ms from its anchor "
        f"(equation 19); here they are up to {exact(farthest)} apart. "
        f"After {int(last)} it is no better than with a central anchor."
    )
