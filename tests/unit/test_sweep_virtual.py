"""A sweep of scenarios in virtual time: the same table, with the figures of the group."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner

from emu.cli import commands
from emu.scenario import ScenarioError
from emu.sweep.loader import plan
from emu.sweep.work import work
from tests.unit.scenarios import GOOD

GROUP = """\
name: group
seed: 3
duration: 12s
topology: {kind: transit-stub, domains: 2, routers: 2, stubs: 2, stub_nodes: 8}
overlay: {scheme: i3, servers: 20, degree: 4}
traffic: [{kind: i3, receivers: 12, interval: 500ms, join_interval: 100ms}]
"""
MATRIX = """\
name: groups
scenario: base.yaml
world: virtual
seeds: 2
axes:
  receivers: {key: "traffic[i3].receivers", values: [12]}
  network:
    choices:
      stubs: {overlay.degree: 2}
      power: {topology: {kind: power-law, nodes: 60}}
plots:
  - {name: stretch, kind: cdf, metric: stretch_p90, curves: network}
"""
OF_THE_LAB = MATRIX[: MATRIX.index("axes:")] + "axes: {length: {key: duration, values: [10s]}}\n"


def write(directory: Path, scenario: str = GROUP, matrix: str = MATRIX) -> Path:
    """The matrix's file, beside its scenario."""
    (directory / "base.yaml").write_text(scenario, encoding="utf-8")
    path = directory / "matrix.yaml"
    path.write_text(matrix, encoding="utf-8")
    return path


def sweep(*arguments: object) -> tuple[int, str]:
    """The command's status, and what it says."""
    result = CliRunner().invoke(commands, ["sweep", *map(str, arguments)])
    return result.exit_code, result.output


def test_it_makes_a_row_for_each_group_and_goes_on_where_it_was_stopped(tmp_path):
    path = write(tmp_path)
    status, said = sweep(path, "--out", tmp_path / "results", "--workers", 1)
    assert status == 0, said
    results = tmp_path / "results" / "groups"
    table = pd.read_csv(results / "table.csv")
    assert sorted(zip(table.network, table.seed, strict=True)) == [
        (network, seed) for network in ("power", "stubs") for seed in (3, 4)
    ]
    assert table.faithful.all()
    assert list(table.in_tree) == [12] * 4
    assert (table.stretch_p90 >= 1).all()
    assert (table.delivery_ratio == 1).all()
    assert (results / "figures" / "stretch.svg").exists()
    summary = pd.read_csv(results / "summary.csv")
    assert list(summary[summary.metric == "rad"].runs) == [2, 2]
    times = {path: path.stat().st_mtime_ns for path in results.glob("cells/*/cell.json")}
    assert sweep(path, "--out", tmp_path / "results", "--workers", 1)[0] == 0
    assert times == {path: path.stat().st_mtime_ns for path in times}


def test_a_job_gives_the_same_wherever_it_is_done(tmp_path):
    job = plan(write(tmp_path)).jobs[0]
    here, there = (work(job, str(tmp_path / name)) for name in ("here", "there"))
    assert here.rows == there.rows
    assert (here.faithful, here.failed) == (True, False)


@pytest.mark.parametrize(
    ("scenario", "matrix", "says"),
    [
        (GROUP, MATRIX.replace("world: virtual\n", ""), "play it with emu simulate"),
        (GOOD, OF_THE_LAB, "sweep this with world: lab"),
        (GROUP, MATRIX.replace("values: [12]", "values: [0]"), "traffic[0].receivers"),
        (GROUP, MATRIX.replace("virtual", "real"), "world"),
        (GROUP, MATRIX.replace("  receivers:", "  rmd:"), "axes.rmd: is what a column"),
        (GROUP, MATRIX.replace("  receivers:", "  seed:"), "axes.seed: is what a column"),
    ],
)
def test_what_cannot_be_played_is_said_before_anything_is(tmp_path, scenario, matrix, says):
    with pytest.raises(ScenarioError) as error:
        plan(write(tmp_path, scenario, matrix))
    assert any(says in line for line in error.value.problems), error.value.problems
