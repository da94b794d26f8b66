"""How a mean and its interval are written."""

from __future__ import annotations

import pytest

from emu.measure.statistics import summarise
from emu.report import style
from emu.show.numbers import estimate, exact, spread


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


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (40.0, "40"),
        (17.5, "17.5"),
        (0.25, "0.25"),
        (0.0, "0"),
        (1_076.5, "1,076.5"),
        (5_000.0, "5,000"),
        (1 / 3, "0.333"),
    ],
)
def test_what_is_computed_has_the_digits_that_it_needs(value: float, text: str) -> None:
    assert exact(value) == text


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((125_000.0, 188_499.3, 251_000.0), "188,500 (125,000 to 251,000)"),
        ((82.0, 566.1, 1_066.0), "566.1 (82 to 1,066)"),
        ((4.0, 6.25, 8.5), "6.2 (4 to 8.5)"),
        ((102.0, 102.0, 102.0), "102"),
    ],
)
def test_a_range_has_four_digits(values: tuple[float, float, float], text: str) -> None:
    assert spread(*values) == text


def test_a_page_groups_thousands_in_its_own_way() -> None:
    summary = summarise([[1_000_000.0], [1_400_000.0], [1_200_000.0]])
    assert (
        style.interval(summary).replace("\N{NARROW NO-BREAK SPACE}", "_") == "1_200_000 ± 500_000"
    )
