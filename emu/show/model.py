"""What the equations predict for a scenario, on the terminal."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import fmean

from rich.console import Console
from rich.table import Table

from emu.analysis import hdmm, reach
from emu.analysis.hdmm import Scheme
from emu.analysis.moves import Move, binding_ms, cost, messages, moves, session_cost
from emu.analysis.multicast import Range
from emu.analysis.prediction import predict
from emu.scenario.model import Scenario, Topology
from emu.show.numbers import exact, spread


def show_model(console: Console, scenario: Scenario) -> None:
    """Prints the predictions for every handover, and how far a call can move."""
    found = moves(scenario)
    if not found:
        console.print("no handovers: nothing to predict")
    for table in (_handovers(found), _schemes(found, scenario), _channels(scenario)):
        if table.row_count:
            console.print(table)
            console.print()
    if scenario.topology.backhaul.delay:
        console.print(_reach(scenario.topology), soft_wrap=True)


def _handovers(found: Iterable[Move]) -> Table:
    table = _table(
        "Handovers (times in ms)",
        ("at", "mobile node", "from → to", "scheme"),
        ("previous MARs", "messages", "gap", "authentication", "binding", "sum"),
    )
    for move in found:
        binding, authentication = move.path.binding, move.authentication
        gap = move.path.gap - authentication
        table.add_row(
            f"{move.at_s:.3f} s", move.mn, f"{move.origin} → {move.target}",
            move.scheme.value, str(len(move.previous)), exact(messages(move.scheme, move)),
            exact(gap), exact(authentication), exact(binding),
            exact(float(hdmm.handover_latency(gap, 0, 0, authentication, binding))),
        )  # fmt: skip
    return table


def _schemes(found: list[Move], scenario: Scenario) -> Table:
    """Each scheme of the paper on this network, in the mean over the handovers."""
    subnets = scenario.topology.mars
    table = _table(
        f"The same under every scheme, in the mean (τ = ω = 1; SMR = 1, M = {subnets})",
        ("scheme",),
        ("messages", "weighted hops", "a session's", "binding (ms)"),
    )
    for scheme in Scheme if found else ():
        table.add_row(
            scheme.value,
            _mean(messages(scheme, move) for move in found),
            _mean(cost(scheme, move) for move in found),
            _mean(session_cost(scheme, move, subnets) for move in found),
            _mean((_binding_ms(scheme, move) for move in found), 2),
        )
    return table


def _binding_ms(scheme: Scheme, move: Move) -> float:
    return binding_ms(scheme, move.path, move.farthest, secured=move.secured)


def _channels(scenario: Scenario) -> Table:
    table = _table(
        f"Channels, {scenario.multicast.scheme} (ms from link down: mean, and least to most)",
        ("at", "channel", "from → to"),
        ("disruption", "forwarded to the previous place for"),
    )
    for one in predict(scenario):
        move = one.move
        way = f"{move.origin} → {move.target}"
        table.add_row(
            f"{move.at_s:.3f} s", one.flow, way, _range(one.disruption), _range(one.leave)
        )
    return table


def _reach(topology: Topology) -> str:
    delay = topology.backhaul.delay / 1e6
    if topology.kind != "line":
        total, most = float(hdmm.end_to_end_delay(reach.REGIONAL_MS, delay)), reach.MOUTH_TO_EAR_MS
        verdict = "bears" if total <= most else "does not bear"
        return (
            f"Every MAR is {exact(delay)} ms from every other, however far a node moves: "
            f"a call {verdict} that ({exact(total)} of {exact(most)} ms, equation 19)."
        )
    last, _ = reach.break_even(delay)
    return (
        f"A call bears {int(reach.reach(delay))} hops of {exact(delay)} ms from its anchor "
        f"(equation 19); this line has {topology.mars - 1}. "
        f"After {int(last)} it is no better than with a central anchor."
    )


def _mean(values: Iterable[float], places: int = 1) -> str:
    return exact(round(fmean(values), places))


def _range(value: Range) -> str:
    return spread(value.low, value.mean, value.high)


def _table(title: str, words: Iterable[str], numbers: Iterable[str]) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for heading in words:
        table.add_column(heading, overflow="fold")
    for heading in numbers:
        table.add_column(heading, justify="right")
    return table
