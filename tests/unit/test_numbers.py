"""How a mean and its interval are written."""

from __future__ import annotations

import pytest

from emu.measure.statistics import summarise
from emu.report import style
from emu.show.numbers import estimate


@pytest.mark.parametrize(
    ("means", "text"),
    [
        ([61.25], "61.2"),
        ([], "-"),
        ([60.0, 61.0, 62.0, 61.0, 60.5], "60.90 ± 0.92"),
        ([60.0, 70.0, 66.0, 64.0, 61.0], "64.2 ± 5.0"),
        ([100.0, 190.0, 160.0, 140.0, 110.0], "140 ± 46"),
        ([4.0, 4.0, 4.0], "4.00 ± 0.00"),
        ([60.0, 70.0], "65 ± 64"),
        ([60.0, 80.0], "70 (0 to 200)"),
        ([2_500_000.0, 300_000.0, 24_434.0], "900,000 (0 to 4,300,000)"),
    ],
)
def test_no_more_digits_than_the_interval_has(means: list[float], text: str) -> None:
    assert estimate(summarise([[mean] for mean in means]), 2 if len(means) > 1 else 1) == text


def test_a_page_groups_thousands_in_its_own_way() -> None:
    summary = summarise([[1_000_000.0], [1_400_000.0], [1_200_000.0]])
    assert (
        style.interval(summary).replace("\N{NARROW NO-BREAK SPACE}", "_") == "1_200_000 ± 500_000"
    )
