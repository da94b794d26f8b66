"""Latency split bars: what each handover's time went into."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from emu.report.drawing import Drawing
from emu.report.style import PALETTE, PARTS, number

_WIDTH, _LEFT, _RIGHT = 720, 168, 92
_ROW, _BAR = 26, 16


def bars(rows: Sequence[tuple[str, dict[str, Any]]]) -> str:
    """One bar a row of (label, latency_ms): its parts side by side, the total written behind."""
    drawing = Drawing(_WIDTH, "Handover latency and its parts")
    longest = max((_sum(latency) for _, latency in rows), default=0) or 1
    scale = (_WIDTH - _LEFT - _RIGHT) / longest
    _legend(drawing)
    y = 34.0
    for label, latency in rows:
        drawing.text(_LEFT - 12, y + 12.5, label, anchor="end")
        x = float(_LEFT)
        for part in PARTS:
            width = (latency.get(part) or 0) * scale
            if width > 0:
                drawing.box(x, y, max(width, 1.0), _BAR, fill=PALETTE[part])
                if width > 44:
                    drawing.text(
                        x + width / 2, y + 12, number(latency[part], 1),
                        size=11, colour=PALETTE["page"], anchor="middle",
                    )  # fmt: skip
            x += width
        total = latency.get("total")
        words = "not finished" if total is None else f"{number(total, 1)} ms"
        colour = PALETTE["bad" if total is None else "ink"]
        drawing.text(x + 8, y + 12.5, words, colour=colour, bold=True)
        y += _ROW
    return drawing.svg()


def _sum(latency: dict[str, Any]) -> float:
    return sum(latency.get(part) or 0 for part in PARTS)


def _legend(drawing: Drawing) -> None:
    x = float(_LEFT)
    for part in PARTS:
        drawing.box(x, 5, 11, 11, fill=PALETTE[part], radius=2)
        words = "L2" if part == "l2" else part
        drawing.text(x + 17, 15, words, colour=PALETTE["soft"])
        x += 36 + 7.2 * len(words)
