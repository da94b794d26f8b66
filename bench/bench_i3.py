"""How long one multicast tree on i3 takes in virtual time: every message, on one processor.

Aim: 65,536 receivers in 60 s and 4 GiB (``python -m bench.bench_i3 65536``). Times are those of the
processor, so that other work on the machine counts less. Each size is a process of its own, whose
memory is that of this size alone; ``make compiled`` before makes it faster.
"""

from __future__ import annotations

import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from emu.simulator import compiled, i3_figures
from emu.simulator.i3_tree import measure

SIZES = (256, 1024, 4096)


def main() -> None:
    """Measure, and print one table."""
    print("machine code (make compiled)" if compiled.is_used() else "Python")
    print("receivers events each µs an event  s in all receivers/s    MiB")
    for receivers in [int(size) for size in sys.argv[1:]] or SIZES:
        with ProcessPoolExecutor(1, get_context("spawn")) as alone:
            events, taken, peak = alone.submit(tree, receivers).result()
        print(
            f"{receivers:>9} {events / receivers:>11.0f} {taken / events * 1e6:>11.2f} "
            f"{taken:>9.1f} {receivers / taken:>11.0f} {peak:>6.0f}",
            flush=True,
        )


def tree(receivers: int) -> tuple[int, float, float]:
    """Events, seconds of the processor, and MiB at most."""
    start = time.process_time()
    session = i3_figures.planted(receivers, 1, i3_figures.NETWORKS["wide"])
    taken = time.process_time() - start
    measure(session.overlay, session.root, session.source[0], session.hosts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return session.engine.played, taken, peak


if __name__ == "__main__":
    main()
