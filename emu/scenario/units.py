"""Quantities with their units: text such as ``50ms`` or ``54mbit`` to exact integers, and back."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from emu.scenario.errors import quote

_NUMBER = re.compile(r"([+-]?)([0-9]+(?:\.[0-9]+)?) ?([A-Za-zµ%/]*)")
_LONGEST_NUMBER = 20
"""Digits of a number that is still worth reading; any longer one is out of every range."""


class UnitError(ValueError):
    """A text is not the quantity that it should be; str() says why and what would be right."""


@dataclass(frozen=True)
class Quantity:
    """A kind of quantity: its name, an example, and each unit's size in the base unit."""

    noun: str
    example: str
    units: dict[str, int]

    def parse(self, value: object) -> int:
        """The value in the base unit; text carries its unit, an integer is in the base unit."""
        if isinstance(value, int):
            return value
        exact = self.exact(value)
        if exact.denominator != 1:
            finest = min(self.units, key=lambda unit: self.units[unit])
            raise UnitError(f"{quote(value)} is finer than 1{finest}; {self._hint()}")
        return exact.numerator

    def show(self, value: int) -> str:
        """The shortest exact text, in the largest unit that makes a whole number."""
        if value == 0:
            return "0"
        whole = [unit for unit, size in self.units.items() if value % size == 0]
        unit = max(whole, key=lambda unit: self.units[unit])
        return f"{value // self.units[unit]}{unit}"

    def _hint(self) -> str:
        return f"write {self.noun} such as {self.example}"

    def exact(self, value: object) -> Fraction:
        """The value that a text says, in the base unit, before it is made whole."""
        match = _NUMBER.fullmatch(value) if isinstance(value, str) else None
        if match is None:
            complaint = "has no value" if value is None else f"{quote(value)} is not {self.noun}"
            raise UnitError(f"{complaint}; {self._hint()}")
        sign, number, unit = match.groups()
        if len(number) > _LONGEST_NUMBER:
            raise UnitError(f"{quote(value)} is too large; {self._hint()}")
        exact = Fraction(number)
        if sign == "-" and exact:
            raise UnitError(f"{quote(value)} is negative; {self._hint()}")
        if not exact and not unit:
            return exact
        sizes = {name.lower(): size for name, size in self.units.items()}
        if unit.lower() in sizes:
            return exact * sizes[unit.lower()]
        if not unit:
            raise UnitError(f"{quote(value)} has no unit; {self._hint()}")
        known = " ".join(name for name in self.units if name)
        raise UnitError(f"{quote(value)} has an unknown unit; {self._hint()} (units: {known})")


DURATION = Quantity(
    "a duration",
    "5ms",
    {
        "ns": 1,
        "us": 10**3,
        "ms": 10**6,
        "s": 10**9,
        "min": 60 * 10**9,
        "h": 3600 * 10**9,
    },
)
"""Durations, in ns."""

RATE = Quantity("a rate", "54mbit", {"bit": 1, "kbit": 10**3, "mbit": 10**6, "gbit": 10**9})
"""Rates, in bit/s; decimal multiples, as tc writes them."""

SIZE = Quantity("a size in bytes", "1316", {"": 1, "B": 1})
"""Sizes, in bytes; the unit may be left out."""

_PERCENTAGE = Quantity("a percentage", "1%", {"%": 1})


def percentage(value: object) -> float:
    """A share of 0 to 1 from text such as ``1%`` or ``0.05%``; a number is the share itself."""
    if isinstance(value, (int, float)):
        return float(value)
    return float(_PERCENTAGE.exact(value) / 100)
