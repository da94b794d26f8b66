"""Reference results say what they are of; running them again goes on where it was stopped."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest
import scripts
from click import ClickException

from emu.measure.statistics import summarise
from emu.sweep.loader import plan
from emu.sweep.provenance import provenance
from emu.sweep.store import Store
from emu.sweep.work import Result
from tests.unit.sweeps import write_matrix

REFERENCE = Path(__file__).resolve().parents[2] / "results" / "reference"
FOLDERS = sorted(path for path in REFERENCE.iterdir() if path.is_dir())
OF = {"commit": "0123456789abcdef", "committed_at": "2026-11-30T10:00:00+00:00"}
RECORD: dict[str, Any] = {
    **{"scenario": {}, "runs": [], "summary": {}},
    "emu_version": "0.1.0",
    "kernel": "6.1.0",
    "backends": {"switch": "kernel", "tunnel": "ip6tnl", "delay": "netem"},
    "fidelity": {"ok": True, "runs": [{"timer_lag_ms": {"p99": 0.4}, "cpu": {"mean": 0.3}}]},
}


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_reference_says_what_it_is_of(folder: Path) -> None:
    about = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    assert about["experiment"] == folder.name
    assert len(about["commit"]) == 40
    assert about["committed_at"]
    names = {"emu_version", "kernel", "backends", "began", "runs", "not_faithful_excluded"}
    assert names | {"rows", "note"} <= set(about)
    if about["note"] is not None and about["note"].startswith("older than the code"):
        # From before this was kept: nothing is claimed that is not known.
        assert about["kernel"] is about["backends"] is None
    else:
        assert about["kernel"]
        assert about["runs"]["faithful"] > 0
        assert about["rows"].endswith(".parquet")
    if about["rows"] is not None:
        path = folder / about["rows"]
        frame = pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)
        assert not frame.empty
    assert len(list((scripts.EXPERIMENTS / folder.name).glob("*.py"))) == 1


class Experiment:
    """One whose script is done by the test; its runs can be unfaithful."""

    def __init__(self, module: ModuleType, folder: Path) -> None:
        self.module = module
        experiments, reference = folder / "experiments", folder / "reference"
        self.places = module.Places(experiments, reference, folder / "work")
        (experiments / "small").mkdir(parents=True)
        (experiments / "small" / "figure.py").touch()
        self.matrix = write_matrix(experiments / "small")
        (reference / "small").mkdir(parents=True)
        self.asked = 0
        self.unfaithful = set[str]()
        self.status = 0
        self.mean = 60.0

    def script(self, command: list[str]) -> int:
        assert command[1:] == [str(self.matrix.with_name("figure.py")), "--out",
                               str(self.places.work)]  # fmt: skip
        self.asked += 1
        results = self.places.work / "small"
        store = Store(results)
        for number, job in enumerate(plan(self.matrix).jobs):
            record = results / "records" / job.name
            record.mkdir(parents=True, exist_ok=True)
            started = f"2026-11-30T10:{number:02}:00Z"
            (record / "record.json").write_text(
                json.dumps(RECORD | {"started_at": started}), encoding="utf-8"
            )
            faithful = job.name not in self.unfaithful
            store.keep(job, Result(job.digest, str(record), [], faithful, None, failed=False))
        rows = {"gap_ms": 0, "reach": "near", "seed": 1, "handover": 0, "disturbed": False}
        pd.DataFrame([rows, rows | {"seed": 2, "disturbed": True}]).to_parquet(
            results / "table.parquet"
        )
        means = [[self.mean], [self.mean + 1], [self.mean + 2]]
        summary = pd.DataFrame([{"gap_ms": 0, "metric": "disruption_ms", **summarise(means)}])
        summary.to_csv(results / "summary.csv", index=False)
        for name in ("table.csv", ".lock", "figure.svg", "figures/cdf.svg", "figures/cdf.pdf"):
            path = results / name
            path.parent.mkdir(exist_ok=True)
            path.touch()
        return self.status

    def refresh(self) -> dict[str, Any]:
        self.module.refresh("small", OF, self.places)
        text = (self.places.reference / "small" / "provenance.json").read_text(encoding="utf-8")
        about: dict[str, Any] = json.loads(text)
        return about


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    module = scripts.script("references.py")
    made = Experiment(module, tmp_path)
    monkeypatch.setattr(module, "run_below", made.script)
    return made


def test_it_keeps_what_belongs_to_it_with_what_it_is_of(experiment: Experiment) -> None:
    (experiment.places.reference / "small" / "old.csv").touch()
    about = experiment.refresh()
    place = experiment.places.reference / "small"
    found = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    assert found == {"provenance.json", "table.parquet", "summary.csv", "figure.svg",
                     "figures/cdf.svg"}  # fmt: skip
    assert (about["experiment"], about["commit"], about["rows"]) == (
        "small", OF["commit"], "table.parquet",
    )  # fmt: skip
    assert about["runs"] == {"planned": 12, "faithful": 12, "not_faithful": 0}
    assert (about["kernel"], about["backends"]) == (["6.1.0"], [RECORD["backends"]])
    assert (about["began"], about["last_run_began"]) == (
        "2026-11-30T10:00:00Z", "2026-11-30T10:11:00Z",
    )  # fmt: skip
    assert (about["disturbed_handovers"], about["note"]) == (1, None)
    assert about["worst"] == {"timer_lag_p99_ms": 0.4, "cpu_mean": 0.3}


def test_what_is_whole_is_not_run_again_with_the_same_code(experiment: Experiment) -> None:
    experiment.refresh()
    experiment.refresh()
    assert experiment.asked == 1


def test_what_is_not_faithful_is_tried_again_and_told(experiment: Experiment) -> None:
    experiment.unfaithful = {plan(experiment.matrix).jobs[0].name}
    about = experiment.refresh()
    assert experiment.asked == experiment.module.PASSES
    assert about["runs"] == {"planned": 12, "faithful": 11, "not_faithful": 1}
    assert about["note"] == "not whole: some runs were not faithful"
    experiment.unfaithful = set()
    assert experiment.refresh()["note"] is None


def test_few_faithful_runs_make_no_reference(experiment: Experiment) -> None:
    experiment.unfaithful = {job.name for job in plan(experiment.matrix).jobs[:2]}
    with pytest.raises(ClickException, match="only 10 of 12 runs are faithful"):
        experiment.refresh()
    assert list((experiment.places.reference / "small").iterdir()) == []


@pytest.mark.parametrize(("status", "ends"), [(130, SystemExit), (1, ClickException)])
def test_what_was_stopped_or_failed_makes_no_reference(
    experiment: Experiment, status: int, ends: type[Exception]
) -> None:
    experiment.status = status
    with pytest.raises(ends):
        experiment.refresh()
    assert list((experiment.places.reference / "small").iterdir()) == []


def test_it_says_what_changed_beyond_its_interval(
    experiment: Experiment, capsys: pytest.CaptureFixture[str]
) -> None:
    experiment.refresh()
    assert "no intervals, so nothing is compared" in capsys.readouterr().out
    (experiment.places.work / "small" / "provenance.json").unlink()
    experiment.mean = 90.0
    experiment.refresh()
    assert "1 of 1 means changed beyond their intervals" in capsys.readouterr().out
    changed = pd.read_csv(experiment.places.work / "small-changes.csv")
    assert changed[["mean_before", "mean_now"]].to_numpy().tolist() == [[61, 91]]


def test_runs_of_another_scenario_are_not_counted(experiment: Experiment) -> None:
    experiment.refresh()
    base = experiment.matrix.with_name("base.yaml")
    base.write_text(
        base.read_text(encoding="utf-8").replace("rate: 1mbit", "rate: 2mbit"), encoding="utf-8"
    )
    results = experiment.places.work / "small"
    table = pd.read_parquet(results / "table.parquet")
    about = provenance(plan(experiment.matrix), results, table)
    assert about["runs"] == {"planned": 12, "faithful": 0, "not_faithful": 0}


def test_what_takes_many_hours_is_run_when_it_is_named() -> None:
    module = scripts.script("references.py")
    places = module.Places(scripts.EXPERIMENTS, REFERENCE, Path())
    assert set(places.names()) - set(places.usual()) == {"i3-figures"}
