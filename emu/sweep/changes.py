"""What is different between two summaries of one sweep, beyond what chance makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from emu.sweep.summary import STATISTICS

if TYPE_CHECKING:
    from pandas import DataFrame, Series

BY_CHANCE = 0.006
"""How often 95 % intervals of two equal means of like spread do not overlap, with many runs."""


@dataclass(frozen=True)
class Changes:
    """What became of the means of a sweep."""

    rows: DataFrame
    """Those that changed: of what, then mean and ends of the interval, before and now."""
    compared: int
    """Means that have an interval in both."""
    without_interval: int
    """Means that have none in one or both, and of which nothing can be said."""
    gone: int
    new: int

    def __str__(self) -> str:
        chance = BY_CHANCE * self.compared
        return (
            f"{len(self.rows)} of {self.compared} means changed beyond their intervals "
            f"(by chance some {chance:.0f} would); {self.without_interval} have no interval, "
            f"{self.gone} are gone, {self.new} are new"
        )


def changes(before: DataFrame, now: DataFrame) -> Changes:
    """Compare two summaries, as `emu.sweep.summary` makes them.

    A mean changed where the two confidence intervals do not overlap.
    """
    keys = [name for name in now.columns if name not in STATISTICS]
    values = ["mean", "ci95_low", "ci95_high"]
    sides = [
        frame.reindex(columns=[*keys, *values]).assign(**{key: _words(frame, key) for key in keys})
        for frame in (before, now)
    ]
    merged = sides[0].merge(
        sides[1], on=keys, how="outer", suffixes=("_before", "_now"), indicator=True, sort=False
    )
    both = merged[merged["_merge"] == "both"].drop(columns="_merge")
    known = both.dropna(subset=["ci95_low_before", "ci95_low_now"])
    above = known["ci95_low_now"] > known["ci95_high_before"]
    below = known["ci95_high_now"] < known["ci95_low_before"]
    return Changes(
        rows=known[above | below].reset_index(drop=True),
        compared=len(known),
        without_interval=len(both) - len(known),
        gone=int((merged["_merge"] == "left_only").sum()),
        new=int((merged["_merge"] == "right_only").sum()),
    )


def _words(frame: DataFrame, column: str) -> Series[str]:
    """A column that names things, the same however its file was written: 50 and 50.0 are equal."""
    import pandas as pd

    if column not in frame:
        return pd.Series("", index=frame.index)
    numbers = pd.to_numeric(frame[column], errors="coerce").astype(float)
    words = frame[column].astype("string").fillna("")
    return words.where(numbers.isna(), numbers.map("{:g}".format))
