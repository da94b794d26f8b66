"""One job of a sweep, as a worker does it: run the scenario in a sandbox, make the table's rows."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emu import runner
from emu.scenario.loader import load_any
from emu.scenario.model import Scenario
from emu.sweep.loader import AnyScenario, Job
from emu.sweep.rows import Row, rows


@dataclass(frozen=True)
class Result:
    """What became of a job. ``rows`` is empty when there is nothing to measure."""

    digest: str
    directory: str
    """The record's, on the machine that ran it."""
    rows: list[Row]
    faithful: bool
    """Whether the machine could keep up."""
    problem: str | None
    """Why there is no result, or why it is not faithful."""
    failed: bool
    attempts: int = 1

    def as_dict(self) -> dict[str, Any]:
        """As JSON keeps it."""
        return asdict(self)


def work(job: Job, folder: str) -> Result:
    """Run a job; its record goes to ``folder/<job>/``.

    The sandbox ends with the thread that called this: with the worker.
    """
    place = Path(folder) / job.name
    path = place / "scenario.yaml"
    for file, text in ((path, job.scenario), *((place / name, t) for name, t in job.files.items())):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    scenario = load_any(path)
    outcome = _simulate(job, path, scenario) if job.is_virtual else _run(job, path, scenario)
    record = outcome.record
    failed = outcome.failed
    if not failed and record.get("interrupted"):
        failed = "the run was interrupted"
    found = rows(record, scenario) if record.get("runs") and not failed else []
    fidelity = record.get("fidelity", {})
    return Result(
        digest=job.digest,
        directory=str(outcome.directory),
        rows=found,
        faithful=not failed and bool(fidelity.get("ok")),
        problem=failed or fidelity.get("reason"),
        failed=failed is not None,
    )


def _run(job: Job, path: Path, scenario: AnyScenario) -> runner.Outcome:
    assert isinstance(scenario, Scenario)
    out = path.parent
    options = runner.RunOptions(out=out, seed=job.seed, repeat=1, jobs=1, keep_captures=False)
    return runner.run(path, scenario, options, lambda event: None)


def _simulate(job: Job, path: Path, scenario: AnyScenario) -> runner.Outcome:
    from emu import simulated

    options = simulated.SimulationOptions(out=path.parent, seed=job.seed, repeat=1, jobs=1)
    return simulated.simulate(path, scenario, options, lambda event: None)
