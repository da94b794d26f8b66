"""Differences between records: paired by seed, with intervals over the pairs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from emu.cli import commands
from emu.measure.differences import differences
from emu.show.differences import difference


def handover(binding: float, *, disturbed: bool = False) -> dict[str, Any]:
    latency = {"binding": binding, "total": None}
    return {"disturbed": disturbed, "latency_ms": latency, "flows": []}


def record(bindings: dict[int, list[float]], unfaithful: tuple[int, ...] = ()) -> dict[str, Any]:
    """Runs by their seeds, each with handovers of so many ms."""
    runs = [
        {
            "run": number,
            "seed": seed,
            "handovers": [handover(one) for one in found],
            "flows": [],
            "signalling": {"PBU": {"messages": 2 * len(found), "bytes": 200 * len(found)}},
            "refusals": [],
        }
        for number, (seed, found) in enumerate(bindings.items(), 1)
    ]
    verdicts = [{"ok": seed not in unfaithful} for seed in bindings]
    reason = "run 1: CPU load 99 %" if unfaithful else None
    fidelity = {"ok": not unfaithful, "reason": reason, "runs": verdicts}
    return {"scenario": {}, "seed": 1, "fidelity": fidelity, "runs": runs, "summary": {}}


def of_binding(first: dict[str, Any], other: dict[str, Any]) -> Any:
    found = {one.metric: one for one in differences(first, other)}
    return found["latency_ms.binding"]


def test_runs_of_one_seed_are_a_pair() -> None:
    """Seeds differ by far more than the records do; the pairs agree to 1 ms."""
    first = record({1: [10.0, 20.0], 2: [100.0], 3: [1000.0]})
    other = record({3: [1003.0], 1: [16.0, 18.0], 2: [103.0], 4: [7.0]})
    found = of_binding(first, other)
    assert (found.seeds, found.first, found.other) == (
        3,
        pytest.approx(371.6667),
        pytest.approx(374.3333),
    )
    # 2, 3 and 3 ms: standard deviation 0.57735, Student's t with two degrees of freedom 4.30265.
    assert found.mean == pytest.approx(8 / 3)
    assert found.half == pytest.approx(4.30265 * 0.57735 / 3**0.5, rel=1e-5)
    assert found.is_clear
    assert difference(found) == "+2.7 (1.2 to 4.1)"


def test_handovers_of_one_run_are_not_independent() -> None:
    first, other = record({1: [10.0] * 50}), record({1: [12.0] * 50})
    found = of_binding(first, other)
    assert (found.seeds, found.mean, found.half, found.is_clear) == (1, 2.0, None, False)
    assert difference(found) == "+2.000"


def test_disturbed_handovers_and_unfaithful_runs_are_left_out() -> None:
    first = record({1: [10.0], 2: [10.0], 3: [10.0]})
    other = record({1: [999.0], 2: [11.0], 3: [11.0]}, unfaithful=(1,))
    other["runs"][1]["handovers"].append(handover(999.0, disturbed=True))
    found = of_binding(first, other)
    assert (found.seeds, found.mean) == (2, 1.0)


def test_what_is_equal_is_not_different() -> None:
    same = record({1: [10.0], 2: [30.0]})
    assert not any(one.is_clear or one.mean for one in differences(same, same))


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, made in (
        ("a", record({1: [10.0], 2: [30.0], 3: [20.0]})),
        ("b", record({1: [15.0], 2: [35.5], 3: [24.5]})),
        ("late", record({1: [15.0], 2: [35.5], 3: [24.5]}, unfaithful=(1,))),
        ("other-seeds", record({7: [10.0]})),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "record.json").write_text(json.dumps(made), encoding="utf-8")
    (tmp_path / "results").mkdir()
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(commands, ["compare", *arguments])


def test_it_prints_a_table_and_writes_a_page(results: Path) -> None:
    result = call("a", "b")
    assert result.exit_code == 0, result.output
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert lines[0] == "b against a"
    assert "latency_ms.binding 3 20.0 25.0 +5.0 (3.8 to 6.2)" in lines
    assert lines[-1] == "page: results/comparison.html"
    page = (results / "results/comparison.html").read_text(encoding="utf-8")
    assert '<td class="strong">+5.0 (3.8 to 6.2)</td>' in page
    assert "<svg" in page
    data = json.loads(call("a", "b", "--json", "--page", "mine.html").stdout)
    (first, *_) = data["others"]["b"]
    assert (first["metric"], first["mean"]) == ("latency_ms.binding", 5.0)
    assert (results / "mine.html").exists()


def test_what_the_machine_could_not_keep_up_with_is_named(results: Path) -> None:
    result = call("a", "late")
    assert result.exit_code == 4
    assert "latency_ms.binding  " in result.stdout
    assert result.stderr.splitlines()[1] == "late: run 1: CPU load 99 %"


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        (["a"], "name two records or more; emu list shows what there is"),
        (["a", "a"], "name two records or more; emu list shows what there is"),
        (
            ["a", "absent"],
            "absent/record.json: no such file or directory; emu list shows what there is",
        ),
        (
            ["a", "other-seeds"],
            "other-seeds: has no faithful run of a seed of a; "
            "run both with the same --seed and --repeat",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused(results: Path, names: list[str], problem: str) -> None:
    result = call(*names)
    assert (result.exit_code, result.stderr) == (2, f"{problem}\n")
    assert not (results / "results/comparison.html").exists()
