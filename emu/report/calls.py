"""Calls: how good each direction sounded over time, with the handovers in it."""

from __future__ import annotations

import io
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

from emu.report.style import FIGURE, PALETTE

_WIDTH_IN, _HEIGHT_IN = 7.2, 2.3
_COLOURS = (PALETTE["binding"], PALETTE["good"])
_STYLES = ("-", "--")
"""The two directions differ in more than colour."""


def of_run(run: dict[str, Any]) -> list[dict[str, Any]]:
    """The calls of a run in a record; older records have none."""
    return [one for one in run.get("services", ()) if one["kind"] == "call"]


def draw(call: dict[str, Any], salt: str) -> str:
    """MOS over time as SVG; ``salt`` makes its element ids differ from those of other plots."""
    with mpl.rc_context({**FIGURE, "svg.hashsalt": salt}):
        figure = Figure(figsize=(_WIDTH_IN, _HEIGHT_IN))
        figure.subplots_adjust(left=0.07, right=0.99, top=0.86, bottom=0.2)
        panel = figure.subplots()
        for way, colour, style in zip(call["directions"], _COLOURS, _STYLES, strict=False):
            panel.plot(
                [score["at_s"] for score in way["over_time"]],
                [score["mos"] for score in way["over_time"]],
                style, color=colour, linewidth=1.6, label=f"{way['from']} to {way['to']}",
            )  # fmt: skip
        for handover in call["directions"][0]["handovers"]:
            panel.axvline(handover["at_s"], color=PALETTE["soft"], linewidth=0.8, dashes=(3, 2))
            panel.text(
                handover["at_s"], 1.02, f"to {handover['to']}", ha="center", va="bottom",
                transform=panel.get_xaxis_transform(), fontsize=8, color=PALETTE["soft"],
            )  # fmt: skip
        panel.set_ylim(1, 4.6)
        panel.set_ylabel("MOS")
        panel.set_xlabel("time (s)")
        panel.legend(loc="lower right", frameon=False, ncols=2)
        out = io.StringIO()
        title = f"MOS of the call {call['service']}"
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Title": title})
    return out.getvalue()
