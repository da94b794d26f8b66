"""Makes and draws figure 12 of the HDMM paper.

    sudo python experiments/hdmm-figure-12/figure.py [--out DIRECTORY] [OPTIONS OF emu sweep]

The sweep goes on where it was stopped. Results go to ``results/hdmm-figure-12``: ``figure-12.svg``,
``figure-12.csv`` and ``.md`` (a row a point, beside equations 17 and 18), ``crossings.csv`` and
``.md`` (where the measured curves say that both schemes are equal) and what ``emu sweep`` writes.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from emu.analysis.hdmm import fully_binding, proxy_binding
from emu.sweep.canvas import drawing, look
from emu.sweep.experiment import bindings, experiment, interval, tabulate

RATIOS = (0.125, 0.25, 0.5, 1, 2, 4, 8)


def ratios(table: pd.DataFrame) -> pd.DataFrame:
    """One row a pair of delays: T_binding of both schemes, means over the runs, and their ratio.

    ``above`` is what each is above its equation. A run of one scheme and the run of the other with
    the same seed give one ratio; the interval is over those.
    """
    each = by_run(table)
    rows = []
    for (cmd, dar), part in each.groupby(["cmd_ms", "dar_ms"]):
        ratio = interval(part.reset_index(), "ratio")
        fully, partially = part["fully"].mean(), part["partially"].mean()
        rows.append(
            {
                **{"cmd_ms": cmd, "dar_ms": dar, "runs": len(part)},
                **{"fully_ms": fully, "fully_above_ms": fully - fully_binding(2 * dar)},
                "partially_ms": partially,
                "partially_above_ms": partially - proxy_binding(2 * cmd, 2 * cmd),
                **{"ratio": ratio["ratio_mean"], "predicted": predicted(cmd, dar)},
                **{name: ratio[name] for name in ("ratio_low", "ratio_high")},
            }
        )
    return pd.DataFrame(rows)


def by_run(table: pd.DataFrame) -> pd.DataFrame:
    """The mean T_binding of each run of both schemes, and their ratio."""
    keys = ["cmd_ms", "dar_ms", "seed"]
    frame = bindings(table, ["scheme", *keys[:2]])
    means = frame.groupby([*keys, "scheme"])["binding_ms"].mean().unstack().dropna()
    return means.assign(ratio=means["fully"] / means["partially"])


def predicted(cmd_ms: float, dar_ms: float) -> float:
    """Equation 18 over equation 17."""
    return float(fully_binding(2 * dar_ms) / proxy_binding(2 * cmd_ms, 2 * cmd_ms))


def crossings(table: pd.DataFrame) -> pd.DataFrame:
    """For each delay to the CMD: where both schemes are equally fast, the mean over the runs.

    A run whose ratio is on the same side of 1 at all measured delays has no such place: nothing is
    said beyond what was measured.
    """
    each = by_run(table).reset_index()
    rows = []
    for cmd, part in each.groupby("cmd_ms"):
        runs = [(seed, crossing(run)) for seed, run in part.groupby("seed")]
        found = interval(pd.DataFrame(runs, columns=["seed", "equal_ms"]), "equal_ms")
        crossed = sum(place is not None for _, place in runs)
        rows.append({"cmd_ms": cmd, "runs": len(runs), "crossed": crossed, **found})
    return pd.DataFrame(rows)


def crossing(points: pd.DataFrame) -> float | None:
    """The DAR-DAR delay (ms) at which the ratio is 1, between two measured points around it."""
    points = points.sort_values("dar_ms")
    delays, logs = np.log(points["dar_ms"].to_numpy()), np.log(points["ratio"].to_numpy())
    for at in range(1, len(logs)):
        low, high = logs[at - 1], logs[at]
        if low <= 0 <= high:
            share = -low / (high - low) if high > low else 0.0
            return float(np.exp(delays[at - 1] + share * (delays[at] - delays[at - 1])))
    return None


def draw(frame: pd.DataFrame, path: Path) -> None:
    """The ratio against the delay between DARs, a curve a delay to the CMD; dashed: predicted.

    Bars are the confidence intervals over the runs.
    """
    with drawing(path, frame) as axes:
        for number, (delay, points) in enumerate(frame.groupby("cmd_ms")):
            curve = look(number)
            label = f"DAR-CMD delay {delay:g} ms"
            axes.plot(points["dar_ms"], points["ratio"], label=label, **curve)
            same = {"color": curve["color"]}
            axes.vlines(points["dar_ms"], points["ratio_low"], points["ratio_high"], **same)
            axes.plot(points["dar_ms"], points["predicted"], "--", alpha=0.6, **same)
            axes.axvline(delay, linewidth=0.6, linestyle=":", **same)
        axes.axhline(1, color="black", linewidth=0.8)
        axes.set(xlabel="S-DAR to P-DAR delay (ms)", xscale="log", yscale="log")
        axes.set_ylabel("Latency, fully / partially distributed")
        for axis, ticks in ((axes.xaxis, sorted(set(frame["dar_ms"]))), (axes.yaxis, RATIOS)):
            axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
            axis.set_ticks([], minor=True)


def analyse(table: pd.DataFrame, results: Path) -> None:
    """Run every pair of delays, then draw the figure."""
    frame = ratios(table)
    tabulate(frame, results / "figure-12")
    tabulate(crossings(table), results / "crossings")
    draw(frame, results / "figure-12.svg")


if __name__ == "__main__":
    experiment(Path(__file__).resolve().parent, analyse)()
