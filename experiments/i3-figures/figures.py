"""Figures 11, 12 and 13 and table 1 of the i3 multicast paper, in virtual time, without root.

    .venv/bin/python experiments/i3-figures/figures.py [--sizes 16,64,256] [--seeds 10] [--jobs 2]

It goes on where it was stopped. Results go to ``results/i3-figures``: a table (.csv, .md) and a
figure for each, and in ``cells`` what each seed gave.
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from rich.progress import track

from agents.kernel.libc import set_parent_death_signal
from emu.simulator import i3_figures
from emu.sweep.canvas import drawing, look
from emu.sweep.experiment import tabulate

SIZES = (16, 64, 256, 1024, 4096, 16384, 65536)
PARTS: dict[str, tuple[Callable[[int, int, str], dict[str, Any]], tuple[str, ...]]] = {
    "tree": (i3_figures.tree, ("wide", "narrow", "power-law")),
    "shapes": (i3_figures.shapes, tuple(i3_figures.SHAPES)),
    "refresh": (i3_figures.refresh, ("refresh-unif", "refresh-level")),
    "recovery": (
        i3_figures.recovery,
        ("rel-loss, wide", "rel-random, wide", "rel-loss, narrow", "rel-random, narrow"),
    ),
    "losses": (
        i3_figures.losses,
        ("wide, servers", "wide, ways", "narrow, servers", "narrow, ways"),
    ),
}
LARGEST = {"recovery": 4096, "losses": 1024, "shapes": 4096}
"""The paper's table 1 and figure 13(b) end here."""
TABLE_1 = {
    ("rel-loss", 16): (1.12, 1.00),
    ("rel-loss", 64): (1.07, 1.92),
    ("rel-loss", 256): (1.16, 2.87),
    ("rel-loss", 1024): (1.18, 3.89),
    ("rel-loss", 4096): (1.13, 5.09),
    ("rel-random", 16): (1.15, 0.18),
    ("rel-random", 64): (1.11, 0.31),
    ("rel-random", 256): (1.18, 0.44),
    ("rel-random", 1024): (1.19, 0.64),
    ("rel-random", 4096): (1.16, 0.84),
}
"""The paper's repairs per drop, and most repairs per sequence number."""


@dataclass(frozen=True)
class Cell:
    """One run."""

    part: str
    variant: str
    receivers: int
    seed: int

    def path(self, results: Path) -> Path:
        """Where its outcome is kept."""
        variant = self.variant.replace(", ", "-").replace(" ", "-")
        name = f"{self.part}-{variant}-{self.receivers}-{self.seed}.json"
        return results / "cells" / name

    def run(self, results: Path) -> None:
        """Run it, and keep what came of it."""
        found = PARTS[self.part][0](self.receivers, self.seed, self.variant)
        path = self.path(results)
        unfinished = path.with_suffix(".part")
        unfinished.write_text(json.dumps(found) + "\n", encoding="utf-8")
        unfinished.rename(path)


def cells(sizes: tuple[int, ...], seeds: int, parts: tuple[str, ...]) -> list[Cell]:
    """All runs, the long ones first, so that the processors are busy to the end."""
    return [
        Cell(part, variant, size, seed)
        for size in sorted(sizes, reverse=True)
        for part in parts
        if size <= LARGEST.get(part, size)
        for variant in PARTS[part][1]
        for seed in range(1, seeds + 1)
    ]


def load(done: list[Cell], results: Path) -> pd.DataFrame:
    """A row a run; the waits of a run stay a list."""
    rows = [
        {
            **{"part": cell.part, "variant": cell.variant},
            **{"receivers_wanted": cell.receivers, "seed": cell.seed},
            **json.loads(cell.path(results).read_text(encoding="utf-8")),
        }
        for cell in done
    ]
    return pd.DataFrame(rows)


def over_seeds(runs: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """Mean and standard deviation over the seeds, by variant and size."""
    groups = runs.groupby(["variant", "receivers_wanted"])[columns]
    table = groups.agg(["mean", "std"])
    table.columns = [name if what == "mean" else f"{name}_sd" for name, what in table.columns]
    return table.assign(seeds=groups.size()).reset_index(names=["variant", "receivers"])


def figures(runs: pd.DataFrame, results: Path) -> None:
    """Write and draw whatever there are runs for."""
    parts = {str(part): frame for part, frame in runs.groupby("part")}
    if "tree" in parts:
        _trees(parts["tree"], results)
    if "shapes" in parts:
        stress = ["stress_max", "stress_p99", "stress_transit", "stress_transit_stub"]
        table = over_seeds(parts["shapes"], ["rmd", "rad", "stretch_p90", *stress])
        tabulate(table, results / "shapes")
    if "refresh" in parts:
        _refreshes(parts["refresh"], results)
    if "recovery" in parts:
        _recovery(parts["recovery"], results)
    if "losses" in parts:
        tabulate(_repairs(parts["losses"]), results / "repairs")


def _trees(runs: pd.DataFrame, results: Path) -> None:
    columns = ["rmd", "rad", "stretch_p90", "stress_max", "stress_p99", "depth", "replies_per_join"]
    table = over_seeds(runs.assign(missing=runs.receivers_wanted - runs.receivers), columns)
    tabulate(table, results / "figure-11")
    with drawing(results / "figure-11a.svg", table) as axes:
        for at, (column, paper) in enumerate((("stretch_p90", 3.5), ("rmd", 1.5), ("rad", 1.5))):
            _curves(axes, table, column, 2 * at)
            axes.axhline(paper, color="grey", linestyle=":", linewidth=0.8)
        axes.set(xscale="log", xlabel="receivers", ylabel="ratio (dotted: the paper's bounds)")
    with drawing(results / "figure-11b.svg", table) as axes:
        for at, (column, paper) in enumerate((("stress_max", 50), ("stress_p99", 18.6))):
            _curves(axes, table, column, 2 * at)
            axes.axhline(paper, color="grey", linestyle=":", linewidth=0.8)
        axes.set(xscale="log", xlabel="receivers", ylabel="copies on a link (dotted: the paper's)")


def _refreshes(runs: pd.DataFrame, results: Path) -> None:
    table = over_seeds(runs, ["mean", "most"])
    tabulate(table, results / "figure-12")
    with drawing(results / "figure-12.svg", table) as axes:
        for at, column in enumerate(("most", "mean")):
            _curves(axes, table, column, 2 * at)
        axes.axhline(1.5, color="grey", linestyle=":", linewidth=0.8)
        axes.set(xscale="log", xlabel="receivers", ylabel="refreshes of a trigger a period")


def _repairs(runs: pd.DataFrame) -> pd.DataFrame:
    columns = ["duplicates_per_loss", "requests_per_loss", "most_requests"]
    within = {limit: runs.waits_ms.map(_share_within(limit)) for limit in (600, 2400)}
    shares = {f"within_{limit}_ms": share for limit, share in within.items()}
    unrepaired = (runs.not_repaired / runs.losses).fillna(0)
    runs = runs.assign(**shares, not_repaired_share=unrepaired)
    return over_seeds(runs, [*columns, *shares, "not_repaired_share"])


def _recovery(runs: pd.DataFrame, results: Path) -> None:
    table = _repairs(runs)
    of_paper = [
        TABLE_1.get((variant.split(", ")[0], receivers), (None, None))
        for variant, receivers in zip(table.variant, table.receivers, strict=True)
    ]
    table["paper_requests"], table["paper_most"] = zip(*of_paper, strict=True)
    tabulate(table, results / "table-1")
    with drawing(results / "figure-13a.svg", table) as axes:
        _curves(axes, table, "duplicates_per_loss")
        axes.axhline(1.5, color="grey", linestyle=":", linewidth=0.8)
        axes.set(xscale="log", xlabel="receivers", ylabel="duplicates a loss")
    at = runs[runs.receivers_wanted == min(1024, runs.receivers_wanted.max())]
    waits = at.explode("waits_ms")[["variant", "seed", "waits_ms"]].dropna()
    waits = waits.rename(columns={"waits_ms": "wait_ms"}).sort_values(["variant", "wait_ms"])
    with drawing(results / "figure-13b.svg", waits) as axes:
        for variant, frame in waits.groupby("variant"):
            axes.step(frame.wait_ms, np.arange(1, len(frame) + 1) / len(frame), label=variant)
        axes.plot([600], [0.85], "k+", label="the paper's 85 % at 600 ms")
        size = at.receivers_wanted.iloc[0]
        axes.set(xlabel=f"ms to the repair, {size} receivers", ylabel="share", xlim=(0, 2400))


def _share_within(limit: float) -> Callable[[list[float]], float]:
    return lambda waits: float(np.mean(np.array(waits) <= limit)) if waits else 1.0


def _curves(axes: Axes, table: pd.DataFrame, column: str, first: int = 0) -> None:
    """A column's means over the receivers, a curve a variant, with the standard deviations."""
    for number, (variant, frame) in enumerate(table.groupby("variant"), start=first):
        axes.errorbar(
            frame.receivers,
            frame[column],
            frame[f"{column}_sd"],
            markersize=3,
            capsize=2,
            label=f"{column}, {variant}",
            **look(number),
        )


def _numbers(context: click.Context, option: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(number) for number in value.split(","))
    except ValueError:
        numbers = ()
    if not numbers or min(numbers) < 1:
        raise click.BadParameter("write whole numbers such as 16,64,256")
    return numbers


@click.command()
@click.option("--sizes", callback=_numbers, default=",".join(map(str, SIZES)), show_default=True)
@click.option("--seeds", type=click.IntRange(1), default=10, show_default=True)
@click.option("--jobs", type=click.IntRange(1), default=os.cpu_count(), help="Processes.")
@click.option("--part", "parts", multiple=True, type=click.Choice([*PARTS]), help="All by default.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"))
def main(sizes: tuple[int, ...], seeds: int, jobs: int, parts: tuple[str, ...], out: Path) -> None:
    """Run what is missing, then write the tables and the figures of what there is."""
    results = out / "i3-figures"
    (results / "cells").mkdir(parents=True, exist_ok=True)
    wanted = cells(sizes, seeds, parts or tuple(PARTS))
    missing = [cell for cell in wanted if not cell.path(results).exists()]
    interrupted = False
    end_with_us = {"initializer": set_parent_death_signal, "initargs": (signal.SIGKILL,)}
    with ProcessPoolExecutor(jobs, **end_with_us) as pool:
        runs = [pool.submit(cell.run, results) for cell in missing]
        try:
            for run in track(as_completed(runs), "runs", len(runs)):
                run.result()
        except KeyboardInterrupt:
            interrupted = True
            pool.shutdown(cancel_futures=True)
    done = [cell for cell in wanted if cell.path(results).exists()]
    if done:
        runs = load(done, results)
        runs.to_parquet(results / "table.parquet", index=False)
        figures(runs, results)
    if interrupted:
        click.echo("interrupted: the same command goes on with what is left", err=True)
        raise SystemExit(130)


if __name__ == "__main__":
    main()
