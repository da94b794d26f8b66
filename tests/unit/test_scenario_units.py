"""Quantities carry their unit, are read exactly, and are shown so that they read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.scenario.units import DURATION, RATE, SIZE, Quantity, UnitError, percentage


@pytest.mark.parametrize(
    ("quantity", "text", "value"),
    [
        (DURATION, "5ms", 5_000_000),
        (DURATION, "5 ms", 5_000_000),
        (DURATION, "1.5s", 1_500_000_000),
        (DURATION, "0.1us", 100),
        (DURATION, "12S", 12_000_000_000),
        (DURATION, "2min", 120_000_000_000),
        (DURATION, "1h", 3_600_000_000_000),
        (DURATION, "+7ns", 7),
        (DURATION, "0", 0),
        (DURATION, "-0", 0),
        (RATE, "54mbit", 54_000_000),
        (RATE, "1.5Mbit", 1_500_000),
        (RATE, "64kbit", 64_000),
        (RATE, "10gbit", 10_000_000_000),
        (RATE, "300bit", 300),
        (SIZE, "1316", 1316),
        (SIZE, "1316B", 1316),
    ],
)
def test_text_with_a_unit_is_read_exactly(quantity: Quantity, text: str, value: int) -> None:
    assert quantity.parse(text) == value


def test_an_integer_is_in_the_base_unit_already() -> None:
    assert DURATION.parse(5_000_000) == 5_000_000
    assert percentage(0.01) == 0.01


@pytest.mark.parametrize(("text", "share"), [("1%", 0.01), ("0.05%", 0.0005), ("100%", 1.0)])
def test_a_percentage_is_a_share(text: str, share: float) -> None:
    assert percentage(text) == share


@pytest.mark.parametrize(
    ("quantity", "text", "error"),
    [
        (DURATION, "5", '"5" has no unit; write a duration such as 5ms'),
        (DURATION, "", '"" is not a duration; write a duration such as 5ms'),
        (DURATION, "ms", '"ms" is not a duration; write a duration such as 5ms'),
        (DURATION, "1e3ms", '"1e3ms" is not a duration; write a duration such as 5ms'),
        (DURATION, "1,5s", '"1,5s" is not a duration; write a duration such as 5ms'),
        (DURATION, "٣s", '"٣s" is not a duration; write a duration such as 5ms'),
        (DURATION, "nan", '"nan" is not a duration; write a duration such as 5ms'),
        (DURATION, "-1s", '"-1s" is negative; write a duration such as 5ms'),
        (DURATION, "0.3ns", '"0.3ns" is finer than 1ns; write a duration such as 5ms'),
        (RATE, "0.5bit", '"0.5bit" is finer than 1bit; write a rate such as 54mbit'),
        (
            RATE,
            "1mbps",
            '"1mbps" has an unknown unit; write a rate such as 54mbit (units: bit kbit mbit gbit)',
        ),
        (SIZE, "1.5", '"1.5" is finer than 1; write a size in bytes such as 1316'),
        (RATE, None, "has no value; write a rate such as 54mbit"),
        (RATE, ["1mbit"], "a list is not a rate; write a rate such as 54mbit"),
    ],
)
def test_the_error_says_why_and_what_would_be_right(
    quantity: Quantity, text: object, error: str
) -> None:
    with pytest.raises(UnitError) as raised:
        quantity.parse(text)
    assert str(raised.value) == error


def test_a_number_beyond_all_ranges_is_refused_however_long() -> None:
    with pytest.raises(UnitError, match="is too large"):
        DURATION.parse("9" * 10_000 + "s")


@given(st.integers(0, 10**15))
def test_what_is_shown_reads_back(value: int) -> None:
    for quantity in (DURATION, RATE, SIZE):
        assert quantity.parse(quantity.show(value)) == value


def test_the_largest_whole_unit_is_shown() -> None:
    assert DURATION.show(4_050_000_000) == "4050ms"
    assert DURATION.show(300_000_000_000) == "5min"
    assert DURATION.show(0) == "0"
    assert RATE.show(54_000_000) == "54mbit"
    assert SIZE.show(1316) == "1316"
