"""Very many of the random schedules of tests/unit/mobile_schedule.py, on all processors.

``python -m tests.soak --schedules 5000 --first 0``. It prints each seed that fails with what was
wrong, and ends with 1 if any did. ``run_schedule(seed, FULL)`` repeats one.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from multiprocessing import Pool

from rich.console import Console
from rich.progress import track

from tests.unit.mobile_schedule import FULL, run_schedule


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
    """A seed, and what is wrong in the end, an exception included."""
    try:
        return seed, run_schedule(seed, FULL)
    except Exception:
        return seed, traceback.format_exc().splitlines()


if __name__ == "__main__":
    sys.exit(main())
