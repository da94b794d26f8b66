"""How far one CMD goes, and what signalling costs as a domain grows; in virtual time, without root.

    python experiments/hdmm-scale/scale.py [--nodes 1000000] [--dars 1000] [--out DIRECTORY]

Prints two tables, and writes them to ``results/hdmm-scale/cmd.csv`` and ``signalling.csv``; every
sample is in ``samples.parquet``.

Other work on the machine makes every rate smaller, processor time or not: caches and cores are
shared. So each rate is told as the best of its samples, which any quiet moment decides, and as a
ratio: how many handovers pass in the time that a fixed piece of Python takes just before. How much
others used the processors meanwhile is in the column ``others``.
"""

from __future__ import annotations

import gc
import os
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import pandas as pd

from agents.core import MILLISECOND, SECOND
from agents.mobility.config import Variant
from agents.roles.binding_store import BindingStore
from emu.simulator.cmd_load import Load
from emu.simulator.domain import Domain, DomainConfig
from emu.simulator.network import Quality

SAMPLES = 20
SAMPLE = 2_000
"""Handovers."""
YARDSTICK = 200_000
"""Steps."""
QUIET = 0.05
"""The share of the processors that others may use."""
MEMORY = "octets a binding"
PREVIOUS = (1, 2, 4, 8)
DARS = (10, 100, 1000)


def one_cmd(variant: Variant, nodes: int, dars: int) -> Iterator[dict[str, float | str]]:
    """Memory and samples of the rate of a CMD core; every node has one previous DAR."""
    before = _resident()
    load = Load(nodes, dars, previous=1, variant=variant)
    for _ in range(2):
        load.attach_all()
    gc.collect()
    name = variant.value
    yield {"variant": name, "what": MEMORY, "value": (_resident() - before) / nodes}
    yield from _samples(name, "handovers/s: core alone", load)
    load.octets = True
    yield from _samples(name, "handovers/s: decoding and encoding too", load)
    with TemporaryDirectory() as directory:
        load.store = BindingStore(f"{directory}/cmd.sqlite").store
        yield from _samples(name, "handovers/s: SQLite store too", load)


def _in_a_process_of_its_own(variant: Variant, nodes: int, dars: int) -> pd.DataFrame:
    """So that the memory is nobody else's."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_table, variant, nodes, dars).result()


def _table(variant: Variant, nodes: int, dars: int) -> pd.DataFrame:
    return pd.DataFrame(one_cmd(variant, nodes, dars))


def _samples(variant: str, what: str, load: Load) -> Iterator[dict[str, float | str]]:
    """By the processor time of this process: the machine may have other work."""
    for number in range(SAMPLES):
        before = _busy_s(), time.process_time(), time.monotonic()
        unit = yardstick()
        rate = load.hand_over(SAMPLE).rate
        used, own, passed = _busy_s() - before[0], time.process_time(), time.monotonic()
        others = (used - (own - before[1])) / (passed - before[2]) / (os.cpu_count() or 1)
        row = {"variant": variant, "what": what, "sample": number}
        yield {**row, "value": rate, "yardstick_s": unit, "others": min(1.0, max(0.0, others))}


def rates(samples: pd.DataFrame) -> pd.DataFrame:
    """One row a variant and what was measured: median and best of the samples, ratio, others."""
    cells = samples.assign(ratio=samples["value"] * samples["yardstick_s"])
    return (
        cells.groupby(["variant", "what"], sort=False)
        .agg(
            median=("value", "median"),
            best=("value", "max"),
            ratio=("ratio", "median"),
            others=("others", "mean"),
        )
        .reset_index()
    )


def yardstick() -> float:
    """Processor time (s) of a fixed piece of Python: calls, and a dictionary's look-ups."""
    places = dict.fromkeys(range(1024), 0)
    began = time.process_time()
    for number in range(YARDSTICK):
        _step(places, number)
    return time.process_time() - began


def _step(places: dict[int, int], number: int) -> None:
    places[number & 1023] += 1


def _busy_s() -> float:
    """How long all processors together have been busy, since the machine started."""
    user, nice, system, _idle, _wait, irq, soft, steal, *_ = map(
        int, Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:]
    )
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize()


def signalling() -> Iterator[dict[str, int | str]]:
    """Messages of one handover, and the copies of them that DARs and the CMD have to take."""
    schemes = [(variant.value, variant, False) for variant in Variant]
    for name, variant, distributed in (*schemes, ("distributed", Variant.PROXY, True)):
        for previous, dars in ((n, max(DARS[:2])) for n in PREVIOUS):
            yield {"scheme": name, **_one_handover(variant, distributed, previous, dars)}
        for dars in DARS:
            yield {"scheme": name, **_one_handover(variant, distributed, 2, dars)}


def _one_handover(variant: Variant, distributed: bool, previous: int, dars: int) -> dict[str, int]:
    quality = Quality(delay=5 * MILLISECOND)
    domain = Domain(DomainConfig(dars, quality, variant=variant, distributed=distributed), seed=1)
    for number in range(1, previous + 2):
        left = domain.detach("mn1")
        if left is not None:
            domain.link_down("mn1", left)
        sent, taken = domain.network.carried, domain.network.delivered
        domain.attach("mn1", number)
        domain.engine.run(domain.engine.now + 5 * SECOND)
    return {
        "previous DARs": previous,
        "DARs": dars,
        "messages": domain.network.carried - sent,
        "copies": domain.network.delivered - taken,
    }


@click.command()
@click.option("--nodes", default=1_000_000, show_default=True, help="Mobile nodes.")
@click.option("--dars", default=1_000, show_default=True, help="Access routers.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"))
def main(nodes: int, dars: int, out: Path) -> None:
    """Measure, print and write."""
    results = out / "hdmm-scale"
    results.mkdir(parents=True, exist_ok=True)
    growth = pd.DataFrame(signalling()).drop_duplicates()
    growth.to_csv(results / "signalling.csv", index=False)
    print(growth.to_string(index=False), flush=True)
    samples = pd.concat(_in_a_process_of_its_own(variant, nodes, dars) for variant in Variant)
    samples.to_parquet(results / "samples.parquet", index=False)
    cmd = rates(samples)
    cmd.to_csv(results / "cmd.csv", index=False, float_format="%.4g")
    print(f"\n{nodes:,} mobile nodes, {dars:,} DARs, one previous DAR each; {SAMPLES} samples")
    print("rates are by processor time; ratio: handovers in the time of the yardstick")
    print(cmd.round(2).to_string(index=False))
    if (others := samples["others"].mean()) > QUIET:
        print(f"others used {others:.0%} of the processors: rates are what there was left; run it")
        print("again on a quiet machine, or compare ratios")


if __name__ == "__main__":
    main()
