"""Runs the jobs of a sweep that are not done yet, and again those that were not faithful."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from queue import SimpleQueue

from emu import room
from emu.sweep.loader import Job, Plan
from emu.sweep.store import Store
from emu.sweep.work import Result

Work = Callable[[Job, str], Result]
Tell = Callable[[Job, Result], None]
Ends = SimpleQueue[Future[Result] | None]


def sweep(plan: Plan, store: Store, executor: Executor, work: Work, tell: Tell, ends: Ends) -> bool:
    """Do all that is left to do; ``tell`` is called for each job once it is settled.

    ``ends`` gets every run that has ended; None in it stops the sweep at once, for False. NoRoom if
    the disk with the results is nearly full.

    A job is settled when its run is faithful, or has failed, or after the matrix's number of
    attempts, marked; the next sweep makes as many again.
    A further attempt waits until every other job had its turn: the machine may be less busy then.
    """
    done, kept = store.done(plan.jobs), store.results(plan.jobs)
    left = [job for job in plan.jobs if job.name not in done]
    for attempt in range(1, plan.matrix.attempts + 1):
        running = {executor.submit(work, job, str(store.cells)): job for job in left}
        for started in running:
            started.add_done_callback(ends.put)
        left = []
        for _ in running:
            future = ends.get()
            if future is None:
                return False
            job = running[future]
            earlier = kept[job.name].attempts if job.name in kept else 0
            result = replace(_outcome(future, job), attempts=earlier + attempt)
            again = not result.faithful and not result.failed
            if again and attempt < plan.matrix.attempts:
                left.append(job)
            else:
                store.keep(job, result)
                tell(job, result)
            room.check(store.directory)
    return True


def _outcome(future: Future[Result], job: Job) -> Result:
    """A job's result; a worker that broke down is a failed one, with its reason."""
    problem = future.exception()
    if problem is None:
        return future.result()
    text = f"{type(problem).__name__}: {problem}"
    return Result(job.digest, "", [], faithful=False, problem=text, failed=True)
