"""Colours and number formats that the page and all figures share."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

from emu.measure.statistics import Summary
from emu.show.numbers import estimate

PALETTE = {
    "ink": "#1c2330",
    "soft": "#5b6576",
    "rule": "#d5dae2",
    "panel": "#f5f7fa",
    "page": "#fefefe",
    "l2": "#606b7f",
    "authentication": "#3f6c73",
    "detection": "#8f6000",
    "binding": "#2a62c9",
    "address": "#8250b8",
    "good": "#17795a",
    "bad": "#bd2c43",
    "gap": "#f9e4e7",
}
"""Every colour by its CSS variable's name; the style sheet has the dark ones."""
PARTS = ("l2", "authentication", "detection", "binding", "address")
"""The parts of a handover's latency; each has a colour of its own."""
MESSAGES = {"PB": "binding", "B": "binding", "MLD": "address", "R": "detection"}
"""Colour of a message by the beginning of its type, the longest that fits."""
FIGURE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 9,
    "text.color": PALETTE["ink"],
    "text.parse_math": False,
    "axes.edgecolor": PALETTE["rule"],
    "axes.labelcolor": PALETTE["soft"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "xtick.color": PALETTE["soft"],
    "ytick.color": PALETTE["soft"],
    "axes.grid": True,
    "grid.color": PALETTE["rule"],
    "grid.linewidth": 0.5,
}
"""How matplotlib draws."""
_PROLOGUE = re.compile(r"^.*?(?=<svg)|<metadata>.*?</metadata>", re.DOTALL)
_HEX = re.compile("|".join(PALETTE.values()))
_NAMES = {value: name for name, value in PALETTE.items()}
_NUMBER_GAP = "\N{NARROW NO-BREAK SPACE}"


def message_colour(kind: str) -> str:
    """The colour of a control message's type."""
    fitting = [start for start in MESSAGES if kind.startswith(start)]
    return PALETTE[MESSAGES[max(fitting, key=len)] if fitting else "soft"]


def inline(svg: str) -> Markup:
    """An SVG file's text to put into the page: no prologue, colours as CSS variables."""
    bare = _PROLOGUE.sub("", svg)
    return Markup(_HEX.sub(lambda hit: f"var(--{_NAMES[hit[0]]}, {hit[0]})", bare))


def number(value: float | None, decimals: int = 2) -> str:
    """A number with grouped thousands; a dash for none."""
    if value is None:
        return "\N{EN DASH}"
    return f"{value:,.{decimals}f}".replace(",", _NUMBER_GAP)


def count(value: float | None) -> str:
    """A whole number, or one decimal where a mean is not whole."""
    return number(value, 0 if value is None or float(value).is_integer() else 1)


def interval(summary: Summary, decimals: int = 2) -> str:
    """A mean and its confidence interval."""
    return estimate(summary, decimals, number)
