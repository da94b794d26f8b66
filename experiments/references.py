"""Runs the experiments again whose results the documents show, and keeps what they find.

    make references [EXPERIMENTS="hdmm-figure-11 multicast-sources"]

All of them, i3-figures apart, which has to be named, take about two hours on an idle machine with
two cores. Started again, it goes on where it was stopped, as long as the code is the same. All that
comes out is in ``results/references``, a folder a commit; what the documents need goes to
``results/reference/<experiment>``, with the rows it is made of (``table.parquet``) and what it is
of (``provenance.json``). What differs from the reference before, beyond the confidence intervals,
is printed. With ``--list`` nothing is run.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click
import pandas as pd

from emu import __version__
from emu.interrupts import INTERRUPTED, run_below
from emu.runner import give_to_caller
from emu.sweep.changes import changes
from emu.sweep.loader import plan
from emu.sweep.provenance import provenance

ROOT = Path(__file__).resolve().parents[1]
CODE = ("agents", "emu", "topologies", "experiments", ":(exclude)*.md")
"""What results hang on; only these need to be committed."""
PROVENANCE, SUMMARY = "provenance.json", "summary.csv"
TABLE = "table.parquet"
ROWS = (TABLE, "samples.parquet")
"""What a sweep, or an experiment without one, keeps of what it measured."""
LEFT_OUT = ("table.csv", PROVENANCE)
"""The same rows are in Parquet; what the results are of is written anew."""
NOT_FAITHFUL = 4
"""How an experiment's script ends when the machine could not keep up with all of its runs."""
PASSES = 2
"""How often that is tried in a row; each tries every run several times."""
BY_NAME = {"i3-figures"}
"""Takes many hours more than all others together: run when it is asked for."""
ENOUGH = 0.9
"""The share of runs that must be faithful for a reference."""


@dataclass(frozen=True)
class Places:
    """Where things are."""

    experiments: Path
    reference: Path
    work: Path

    def script(self, name: str) -> Path:
        """The one script of an experiment."""
        (path,) = (self.experiments / name).glob("*.py")
        return path

    def names(self) -> list[str]:
        """Of all experiments that have a reference."""
        return sorted(path.parent.name for path in self.reference.glob(f"*/{PROVENANCE}"))

    def usual(self) -> list[str]:
        """Of those that are run unless some are named."""
        return [name for name in self.names() if name not in BY_NAME]


def git(*arguments: str) -> str:
    """What git says of this checkout; root may ask about the caller's, too."""
    command = ["git", "-c", f"safe.directory={ROOT}", "-C", str(ROOT), *arguments]
    done = subprocess.run(command, check=False, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise click.ClickException(f"results are of a commit, and git says: {done.stderr.strip()}")
    return done.stdout.strip()


def code() -> dict[str, str]:
    """The last commit that changed the code, and its time; there may be nothing beyond it."""
    if changed := git("status", "--porcelain", "--", *CODE):
        raise click.ClickException(f"results are of a commit; commit first:\n{changed}")
    commit, date = git("log", "-1", "--format=%H %cI", "--", *CODE).split()
    return {"commit": commit, "committed_at": date}


def run(name: str, places: Places) -> dict[str, Any]:
    """Run an experiment, or go on with it; what its results are of.

    Ends the program after Ctrl-C; raises `click.ClickException` when there is no result.
    """
    results, began = places.work / name, _now()
    for _ in range(PASSES):
        status = run_below([sys.executable, str(places.script(name)), "--out", str(places.work)])
        if status == INTERRUPTED:
            click.echo("interrupted: the same command goes on with what is left", err=True)
            sys.exit(INTERRUPTED)
        if status not in (0, NOT_FAITHFUL):
            raise click.ClickException(f"{name}: ended with status {status}; no result")
        about = about_results(places.experiments / name, results, began)
        if is_whole(about):
            break
    runs = about["runs"]
    if runs["faithful"] < ENOUGH * runs["planned"]:
        few = f"only {runs['faithful']} of {runs['planned']} runs are faithful"
        raise click.ClickException(f"{name}: {few}; the same command tries the others again")
    return about


def about_results(folder: Path, results: Path, began: str) -> dict[str, Any]:
    """What the results in a folder are of; those of virtual time are of one run, this one."""
    matrix = folder / "matrix.yaml"
    if matrix.exists():
        return provenance(plan(matrix), results, pd.read_parquet(results / TABLE))
    return {
        "emu_version": [__version__],
        "kernel": [platform.release()],
        "backends": [],
        "began": began,
        "last_run_began": began,
        "runs": {"planned": 1, "faithful": 1, "not_faithful": 0},
        "not_faithful_excluded": None,
    }


def is_whole(about: dict[str, Any]) -> bool:
    """Whether every run that there should be is a result."""
    return bool(about["runs"]["faithful"] == about["runs"]["planned"])


def install(name: str, about: dict[str, Any], places: Places) -> None:
    """Replace an experiment's reference, in one step."""
    target = places.reference / name
    fresh = places.reference / f".{name}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for path in (places.work / name).iterdir():
        if path.is_file() and path.name not in LEFT_OUT and not path.name.startswith("."):
            shutil.copyfile(path, fresh / path.name)
    for path in (places.work / name).glob("figures/*.svg"):
        (fresh / "figures").mkdir(exist_ok=True)
        shutil.copyfile(path, fresh / "figures" / path.name)
    write(fresh / PROVENANCE, about)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def write(path: Path, about: dict[str, Any]) -> None:
    """Write what results are of."""
    path.write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def tell_changes(name: str, places: Places) -> None:
    """Print what is different from the reference before, and write it beside the results."""
    before, now = places.reference / name / SUMMARY, places.work / name / SUMMARY
    if not before.exists() or not now.exists():
        print(f"{name}: the reference before has no intervals, so nothing is compared")
        return
    found = changes(pd.read_csv(before), pd.read_csv(now))
    print(f"{name}: {found}")
    if len(found.rows):
        path = places.work / f"{name}-changes.csv"
        found.rows.to_csv(path, index=False, float_format="%.4g")
        print(found.rows.to_markdown(index=False, floatfmt=".4g"))


def refresh(name: str, of: dict[str, str], places: Places) -> None:
    """Run one experiment, unless it was run with this code, and make its results the reference."""
    done = places.work / name / PROVENANCE
    if done.exists():
        about = json.loads(done.read_text(encoding="utf-8"))
    else:
        machine = {"cpus": len(os.sched_getaffinity(0))}
        about = {"experiment": name, **of, **machine, **run(name, places)}
        about["rows"] = next(name for name in ROWS if (done.parent / name).exists())
        about["note"] = None if is_whole(about) else "not whole: some runs were not faithful"
        tell_changes(name, places)
        if is_whole(about):
            write(done, about)
    install(name, about, places)


def show(places: Places) -> None:
    """What every reference is of, and how much the code has changed since."""
    rows = []
    for name in places.names():
        path = places.reference / name / PROVENANCE
        about = json.loads(path.read_text(encoding="utf-8"))
        since = git("rev-list", "--count", f"{about['commit']}..HEAD", "--", *CODE)
        runs = about["runs"] or dict.fromkeys(("faithful", "planned"), "?")
        row = {
            "experiment": name,
            "commit": about["commit"][:8],
            "date": about["committed_at"][:10],
        }
        whole = f"{runs['faithful']} of {runs['planned']}"
        rows.append({**row, "faithful runs": whole, "changes of the code since": since})
    print(pd.DataFrame(rows).to_markdown(index=False))


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


@click.command(help=__doc__)
@click.argument("names", metavar="[EXPERIMENT]...", nargs=-1)
@click.option("--list", "only_list", is_flag=True, help="Say what the references are of.")
@click.option("--out", type=click.Path(path_type=Path), default=ROOT / "results" / "references")
def main(names: tuple[str, ...], only_list: bool, out: Path) -> None:
    """Run what is asked for, one experiment after the other; a failed one does not end it.

    Without names: all that have a reference. An experiment that is named gets its first one.
    """
    experiments, reference = ROOT / "experiments", ROOT / "results" / "reference"
    for name in names:
        if not list((experiments / name).glob("*.py")):
            raise click.UsageError(f"{name} is no experiment with a script of its own")
    of = {} if only_list else code()
    places = Places(experiments, reference, out / of.get("commit", "")[:12])
    failed = []
    for name in () if only_list else names or places.usual():
        print(f"== {name}", flush=True)
        try:
            refresh(name, of, places)
        except click.ClickException as problem:
            failed.append(problem.message)
        give_to_caller(reference)
        give_to_caller(places.work)
    show(places)
    if failed:
        raise click.ClickException("; ".join(failed))


if __name__ == "__main__":
    main()
