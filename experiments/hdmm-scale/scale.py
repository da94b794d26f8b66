"""How far one CMD goes, and what signalling costs as a domain grows; in virtual time, without root.

    python experiments/hdmm-scale/scale.py [--nodes 1000000] [--dars 1000] [--out DIRECTORY]

Prints two tables, and writes them to ``results/hdmm-scale/cmd.csv`` and ``signalling.csv``.
"""

from __future__ import annotations

import gc
import resource
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
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
PREVIOUS = (1, 2, 4, 8)
DARS = (10, 100, 1000)


def one_cmd(variant: Variant, nodes: int, dars: int) -> Iterator[dict[str, float | str]]:
    """Memory and handovers a second of a CMD core; every node has one previous DAR."""
    before = _resident()
    load = Load(nodes, dars, previous=1, variant=variant)
    for _ in range(2):
        load.attach_all()
    gc.collect()
    name = variant.value
    yield {"variant": name, "what": "octets a binding", "median": (_resident() - before) / nodes}
    yield {"variant": name, "what": "handovers/s: core alone", **_rates(load)}
    load.octets = True
    yield {"variant": name, "what": "handovers/s: decoding and encoding too", **_rates(load)}
    with TemporaryDirectory() as directory:
        load.store = BindingStore(f"{directory}/cmd.sqlite").store
        yield {"variant": name, "what": "handovers/s: SQLite store too", **_rates(load)}


def _in_a_process_of_its_own(variant: Variant, nodes: int, dars: int) -> pd.DataFrame:
    """So that the memory is nobody else's."""
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        return process.submit(_table, variant, nodes, dars).result()


def _table(variant: Variant, nodes: int, dars: int) -> pd.DataFrame:
    return pd.DataFrame(one_cmd(variant, nodes, dars))


def _rates(load: Load) -> dict[str, float]:
    """By the processor time of this process: the machine may have other work."""
    rates = [load.hand_over(SAMPLE).rate for _ in range(SAMPLES)]
    return {"median": median(rates), "best": max(rates)}


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
    cmd = pd.concat(_in_a_process_of_its_own(variant, nodes, dars) for variant in Variant)
    cmd.to_csv(results / "cmd.csv", index=False, float_format="%.0f")
    print(f"\n{nodes:,} mobile nodes, {dars:,} DARs, one previous DAR each")
    print("rates are by processor time (time.process_time) of one process")
    print(cmd.round().to_string(index=False))


if __name__ == "__main__":
    main()
