"""What changed between two summaries of a sweep beyond their intervals."""

from __future__ import annotations

from typing import Any

import pandas as pd

from emu.measure.statistics import summarise
from emu.sweep.changes import changes


def summary(*rows: tuple[Any, str, list[float]]) -> pd.DataFrame:
    """By gap, metric, and the runs' means."""
    return pd.DataFrame(
        {"gap_ms": gap, "from": "mar1", "kind": None, "metric": metric,
         **summarise([[mean] for mean in means])}
        for gap, metric, means in rows
    )  # fmt: skip


def test_only_what_is_beyond_both_intervals_has_changed() -> None:
    before = summary((0, "binding_ms", [40, 41, 42]), (50, "binding_ms", [40, 41, 42]))
    now = summary((0, "binding_ms", [43, 44, 45]), (50, "binding_ms", [60, 61, 62]))
    found = changes(before, now)
    (row,) = found.rows.to_dict("records")
    assert (row["gap_ms"], row["mean_before"], row["mean_now"]) == ("50", 41, 61)
    assert found.compared == 2
    assert str(found).startswith("1 of 2 means changed beyond their intervals")


def test_who_did_not_come_back_does_not_tell_rows_apart() -> None:
    before = summary((0, "lost", [4, 5, 6])).assign(not_recovered=0)
    now = summary((0, "lost", [4, 5, 6])).assign(not_recovered=2)
    assert changes(before, now).compared == 1


def test_a_count_that_never_varied_has_changed_when_it_is_another() -> None:
    found = changes(summary((0, "lost", [4, 4, 4])), summary((0, "lost", [5, 5, 5])))
    assert len(found.rows) == 1


def test_of_what_has_no_interval_nothing_is_said() -> None:
    found = changes(summary((0, "lost", [4])), summary((0, "lost", [90, 91])))
    assert (len(found.rows), found.compared, found.without_interval) == (0, 0, 1)


def test_what_came_and_what_went_is_counted() -> None:
    before = summary((0, "lost", [4, 5]), (10, "lost", [4, 5]))
    now = summary((0, "lost", [4, 5]), (20, "lost", [4, 5]), (30, "lost", [4, 5]))
    found = changes(before, now)
    assert (found.compared, found.gone, found.new) == (1, 1, 2)


def test_files_may_have_written_the_same_value_otherwise(tmp_path) -> None:
    before, now = summary((50, "lost", [4, 5])), summary((50.0, "lost", [4, 5]))
    now.to_csv(tmp_path / "now.csv", index=False)
    assert changes(before, pd.read_csv(tmp_path / "now.csv")).compared == 1
