"""Where the jobs of a sweep run: on Dask workers, here or on many machines."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from pathlib import Path

from emu.interrupts import terminal_signals_held

CORES_A_RUN = 2
"""A lab run keeps its daemons, its switch and its traffic on time with two (see fidelity)."""

PATIENCE = "10s"
"""How long a Dask scheduler may take to answer."""


class Unreachable(Exception):
    """No Dask scheduler answers; str() is one line."""


def default_workers(cores: int = CORES_A_RUN) -> int:
    """How many runs of so many cores this machine bears at a time."""
    return max(1, len(os.sched_getaffinity(0)) // cores)


@contextmanager
def local(workers: int, scratch: Path) -> Iterator[Executor]:
    """Workers on this machine: processes of one thread, which end with this process."""
    from distributed import Client, LocalCluster

    # A worker that is stopped in the middle of a run is killed, which is no news.
    logging.getLogger("distributed.nanny").setLevel(logging.CRITICAL)
    resource_tracker.ensure_running()  # which lets this thread hear of Ctrl-C
    with ExitStack() as stack:
        with terminal_signals_held():
            cluster = LocalCluster(
                n_workers=workers,
                threads_per_worker=1,
                processes=True,
                memory_limit=0,
                dashboard_address="127.0.0.1:0",
                host="127.0.0.1",
                local_directory=str(scratch),
                silence_logs=logging.CRITICAL,
            )
            stack.enter_context(cluster)
        yield stack.enter_context(Client(cluster)).get_executor()


@contextmanager
def remote(address: str, _scratch: Path) -> Iterator[Executor]:
    """The workers of a cluster that runs already; each must be root, and have one thread."""
    from distributed import Client

    try:
        client = Client(address, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise Unreachable(f"{address}: no Dask scheduler answers there ({error})") from None
    with client:
        yield client.get_executor()
