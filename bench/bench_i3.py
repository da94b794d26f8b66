"""How long one multicast tree on i3 takes in virtual time: every message, on one processor.

Aim: 65,536 receivers in 60 s and 4 GiB (``python -m bench.bench_i3 65536``). Times are those of the
processor, so that other work on the machine counts less.
"""

from __future__ import annotations

import resource
import sys
import time

from emu.simulator import i3_figures
from emu.simulator.i3_tree import measure

SIZES = (256, 1024, 4096)


def main() -> None:
    """Measure, and print one table."""
    print(f"{'receivers':>9} {'events each':>11} {'µs an event':>11} {'s in all':>8} {'MiB':>6}")
    for receivers in [int(size) for size in sys.argv[1:]] or SIZES:
        start = time.process_time()
        session = i3_figures.planted(receivers, seed=1, network="wide")
        taken = time.process_time() - start
        measure(session.overlay, session.root, session.source[0], session.hosts)
        events = session.engine.played
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{receivers:>9} {events / receivers:>11.0f} {taken / events * 1e6:>11.2f} "
            f"{taken:>8.1f} {peak:>6.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
