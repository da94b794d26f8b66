"""Very many random schedules of a multicast domain, a ring of servers, an i3 group and an overlay.

Each seed is one of tests/unit/mobile_schedule.py, whose source does not move, one a scheme of
tests/unit/source_schedule.py, and one each of ring_schedule.py, i3_tree_schedule.py,
overlay_schedule.py and nemo_schedule.py there. All processors take part.
``python -m tests.soak --schedules 5000 --first 0``. It prints each seed that fails with the call
that repeats it and what was wrong, and ends with 1 if any did.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing import Pool

from rich.console import Console
from rich.progress import track

from tests.unit import (
    i3_tree_schedule,
    mobile_schedule,
    nemo_schedule,
    overlay_schedule,
    ring_schedule,
    source_schedule,
)


def main() -> int:
    """Run the schedules; how the command ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--schedules", type=int, default=5000, help="how many (5000)")
    parser.add_argument("--first", type=int, default=0, help="the first seed (0)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes (all CPUs)")
    options = parser.parse_args()
    seeds = range(options.first, options.first + options.schedules)
    console, failed = Console(highlight=False), []
    with Pool(options.jobs) as pool:
        outcomes = pool.imap_unordered(outcome, seeds)
        for seed, found in track(outcomes, "schedules", len(seeds), console=console):
            if found:
                failed.append(seed)
                console.print(f"seed {seed}:", *found, sep="\n  ", markup=False)
    console.print(
        f"{len(seeds)} schedules from seed {options.first}, {len(failed)} failed", *failed
    )
    return 1 if failed else 0


def outcome(seed: int) -> tuple[int, list[str]]:
    """A seed, and what was wrong in its schedules, an exception included."""
    large = partial(mobile_schedule.run_schedule, seed, mobile_schedule.FULL)
    found = faults(f"mobile_schedule.run_schedule({seed}, FULL)", large)
    for scheme in source_schedule.SCHEMES:
        schedule = partial(source_schedule.run_schedule, seed, scheme)
        found += faults(f"source_schedule.run_schedule({seed}, {scheme!r})", schedule)
    ring = partial(ring_schedule.run_schedule, seed)
    found += faults(f"ring_schedule.run_schedule({seed})", ring)
    group = partial(i3_tree_schedule.run_schedule, seed)
    found += faults(f"i3_tree_schedule.run_schedule({seed})", group)
    size = overlay_schedule.LARGE if seed % 50 == 0 else overlay_schedule.SMALL
    overlay = partial(overlay_schedule.run_schedule, seed, size)
    found += faults(f"overlay_schedule.run_schedule({seed}, {size})", overlay)
    nemo_size = nemo_schedule.LARGE if seed % 50 == 0 else nemo_schedule.SMALL
    nemo = partial(nemo_schedule.run_schedule, seed, nemo_size)
    return seed, found + faults(f"nemo_schedule.run_schedule({seed}, {nemo_size})", nemo)


def faults(call: str, schedule: Callable[[], list[str]]) -> list[str]:
    """What is wrong in a schedule, headed by the call that repeats it."""
    try:
        found = schedule()
    except Exception:
        found = traceback.format_exc().splitlines()
    return [call, *found] if found else []


if __name__ == "__main__":
    sys.exit(main())
