"""A phone call on a walk, section 5.3 of the HDMM paper.

    sudo python experiments/walking-call/walk.py [--out DIRECTORY] [OPTIONS OF emu sweep]

The sweep goes on where it was stopped. Results go to ``results/walking-call``: ``walking-call.md``
and ``.csv`` (a row a scheme and walk) and what ``emu sweep`` writes.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from emu.analysis import hdmm, reach
from emu.sweep.experiment import experiment, tabulate

ACCESS_MS = 1.0
REGIONAL_MS = reach.REGIONAL_MS
"""From the peer to the first DAR, and to the central anchor."""
BETWEEN_DARS_MS = {"network": reach.LOCAL_MS, "client": reach.INTER_DAR_CLIENT_MS[0]}


def expected_ms(scheme: str, handovers: int) -> float:
    """One way, from the peer to the walker after so many handovers: the left side of equation 19.

    The anchor is a hop further away after each; the central one is as far from either end, always.
    """
    if scheme in BETWEEN_DARS_MS:
        return float(
            hdmm.end_to_end_delay(REGIONAL_MS, handovers * BETWEEN_DARS_MS[scheme] + ACCESS_MS)
        )
    return float(hdmm.end_to_end_delay(REGIONAL_MS, REGIONAL_MS + ACCESS_MS))


def walks(table: pd.DataFrame) -> pd.DataFrame:
    """One row a scheme and walk: the delay at the beginning and at the end, and what was lost.

    Delays are one way, the disruption is of one handover, medians of both directions; lost is what
    both lost in all handovers of a call.
    """
    rows = []
    for (scheme, walk), part in table.groupby(["scheme", "walk"], sort=False):
        moves = part[part["handover"].notna()]
        count = int(moves["handover"].max()) + 1
        first = moves[moves["handover"] == 0]["delay_before_ms"].median()
        last = moves[moves["handover"] == count - 1]["delay_after_ms"].median()
        rows.append(
            {
                **{"scheme": scheme, "walk": walk, "handovers": count},
                **{"first_ms": first, "last_ms": last, "added_ms": last - first},
                "expected_ms": expected_ms(str(scheme), count),
                "bearable": last <= reach.MOUTH_TO_EAR_MS,
                "disruption_ms": moves["disruption_ms"].median(),
                "lost": moves.groupby("seed")["lost"].sum().median(),
            }
        )
    return pd.DataFrame(rows)


def analyse(table: pd.DataFrame, results: Path) -> None:
    """Run every walk under every scheme, then say how far away the other end came to be."""
    tabulate(walks(table), results / "walking-call")


if __name__ == "__main__":
    experiment(Path(__file__).resolve().parent, analyse)()
