"""Matrices: their expansion into jobs, and what is said about wrong ones."""

import re
from pathlib import Path

import pytest

from emu.scenario import ScenarioError
from emu.scenario.loader import parse
from emu.sweep.loader import plan
from tests.unit.sweeps import spoiled_matrix, write_matrix


def test_every_combination_is_run_with_every_seed(tmp_path):
    jobs = plan(write_matrix(tmp_path)).jobs
    assert len(jobs) == len({job.name for job in jobs}) == 3 * 2 * 2
    points = {(job.values["gap_ms"], job.values["reach"], job.seed) for job in jobs}
    assert points == {(g, r, s) for g in (0, 50, 1000) for r in ("near", "far") for s in (1, 2)}


def test_every_combination_comes_before_the_next_seed(tmp_path):
    assert [job.seed for job in plan(write_matrix(tmp_path)).jobs] == [1] * 6 + [2] * 6


def test_a_job_has_the_scenario_with_its_values(tmp_path):
    for job in plan(write_matrix(tmp_path)).jobs:
        scenario = parse(job.scenario.encode(), "job")
        assert scenario.events[0].gap / 1e6 == job.values["gap_ms"]
        near = job.values["reach"] == "near"
        assert scenario.topology.backhaul.delay == (1_000_000 if near else 30_000_000)
        assert scenario.topology.cmd.delay == (2_000_000 if near else 0)
        assert (scenario.repeat, scenario.name) == (1, "base")


def test_a_job_is_another_one_when_its_scenario_or_seed_changes(tmp_path):
    path = write_matrix(tmp_path)
    before = plan(path).jobs
    base = tmp_path / "base.yaml"
    assert len({job.digest for job in before}) == len(before)
    assert [job.digest for job in plan(path).jobs] == [job.digest for job in before]
    base.write_text(
        base.read_text(encoding="utf-8").replace("rate: 1mbit", "rate: 2mbit"), encoding="utf-8"
    )
    after = plan(path).jobs
    assert [job.name for job in after] == [job.name for job in before]
    assert not {job.digest for job in after} & {job.digest for job in before}


@pytest.mark.parametrize(
    ("key", "values", "column", "expected"),
    [
        ("cmd.delay", "[0, 20ms]", "axis_ms", [0, 20]),
        ("mars", "[3, 4]", "axis", [3, 4]),
        ("cmd.loss", "[0%, 5%]", "axis", ["0%", "5%"]),
    ],
)
def test_columns_hold_numbers_where_they_can(tmp_path, key, values, column, expected):
    axis = f"axis: {{key: topology.{key}, values: {values}}}"
    jobs = plan(write_matrix(tmp_path, f"name: m\nscenario: base.yaml\naxes:\n  {axis}\n")).jobs
    assert [job.values[column] for job in jobs] == expected


GAP = 'gap: {key: "events[handover].gap", values: [0, 50ms, 1s]}'


@pytest.mark.parametrize(
    ("old", "new", "line", "complaint"),
    [
        ("seeds: 2", "seeds: none", 3, 'seeds: "none" is not a whole number; write a number'),
        ("seeds: 2", "sedes: 2", 3, "sedes: unknown key; did you mean seeds?"),
        ("name: small\n", "", 1, "name: is missing; write name: multicast-comparison"),
        ("axes:\n", "topology:\n", 5, "topology: belongs to a scenario, not a matrix; run it"),
        ("values: [0, 50ms, 1s]", "values: []", 6, "axes.gap: has no value; write at least one"),
        ("[0, 50ms, 1s]", "[0, 1s, 1s]", 6, "axes.gap: has a value twice; leave one out"),
        (", values: [0, 50ms, 1s]", "", 6, "axes.gap: has only half of what it needs"),
        (GAP, "gap: {}", 6, "axes.gap: does not say what varies"),
        ("[handover].gap", "[handover].gpa", 5, "axes: with gap 0, reach near: base.yaml: "),
        ("events[handover].gap", "events[7].gap", 6, 'axes.gap: "events[7].gap" is nowhere'),
        ("1s]", "7s]", 5, "with gap 7s, reach near: base.yaml: events[0].gap: 7s lasts past"),
        ("attempts: 3", "attempts: 0", 4, "attempts: 0 is too small; write 1 or more"),
        ("seeds: 2", "seeds: 10000", 3, None),
    ],
)
def test_what_is_wrong_is_said_in_one_line_each(tmp_path, old, new, line, complaint):
    path = write_matrix(tmp_path, spoiled_matrix(old, new))
    if complaint is None:
        assert len(plan(path).jobs) == 60_000
        return
    with pytest.raises(ScenarioError) as error:
        plan(path)
    first = error.value.problems[0]
    assert first.startswith(f"{path}:{line}: ")
    assert complaint in first
    assert "\n" not in first
    assert re.search(r"; \S", first) or "did you mean" in first


@pytest.mark.parametrize(
    ("plot", "complaint"),
    [
        ("{name: d, kind: cdf, metric: disruptoin_ms}", "did you mean disruption_ms?"),
        ("{name: d, kind: cdf, metric: lost, over: gap}", "does not fit a cdf; leave it out"),
        ("{name: d, kind: median, metric: lost}", "does not fit a median; write an axis"),
        ("{name: d, kind: cdf, metric: lost, curves: gapp}", "did you mean gap?"),
        ("{name: d, kind: pie, metric: lost}", "write one of cdf, median, scatter"),
    ],
)
def test_a_plot_of_what_is_not_there(tmp_path, plot, complaint):
    path = write_matrix(tmp_path, spoiled_matrix("attempts: 3", f"plots: [{plot}]"))
    with pytest.raises(ScenarioError, match=re.escape(complaint)):
        plan(path)


def test_a_scenario_that_is_not_there(tmp_path):
    path = write_matrix(tmp_path, spoiled_matrix("base.yaml", "bsae.yaml"))
    with pytest.raises(ScenarioError, match=r"bsae\.yaml: no such file or directory"):
        plan(path)


def test_a_wrong_scenario_is_told_of_in_its_own_lines(tmp_path):
    path = write_matrix(tmp_path)
    Path(tmp_path / "base.yaml").write_text("name: base\nduration: soon\n", encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"base\.yaml:2: duration:"):
        plan(path)


POLICY = """
      own:
        multicast.scheme: multi-upstream
        multicast.channel_control.policy: policies/mine.py:Mine
"""


def test_a_policy_of_ones_own_goes_with_the_job(tmp_path):
    path = write_matrix(tmp_path, spoiled_matrix("    choices:\n", "    choices:" + POLICY))
    with pytest.raises(ScenarioError, match=r"with gap 0, reach own: .*mine\.py.* cannot be read"):
        plan(path)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies/mine.py").write_text("class Mine:\n    pass\n", encoding="utf-8")
    before = [job for job in plan(path).jobs if job.values["reach"] == "own"]
    assert before[0].files == {"policies/mine.py": "class Mine:\n    pass\n"}
    (tmp_path / "policies/mine.py").write_text("class Mine:\n    more = 1\n", encoding="utf-8")
    after = [job for job in plan(path).jobs if job.values["reach"] == "own"]
    assert before[0].digest != after[0].digest
