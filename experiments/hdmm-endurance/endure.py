"""Has flows live through 50 handovers under every scheme; status 1 if one of them did not.

    sudo python experiments/hdmm-endurance/endure.py [--of EXPERIMENT] [--out DIRECTORY] [OPTIONS]

Other options are those of ``emu sweep``. The sweep goes on where it was stopped. Results go to
``results/hdmm-endurance``: ``endurance.csv`` and ``.md`` (a row a scheme) and what ``emu sweep``
writes. With ``--of`` all this is of another experiment, which has a matrix of this scenario. Runs
that the machine could not keep up with are left out, and run again by the next command. A flow
lives if its packets still come after the last handover; nothing is left over if no kernel has
anything that it had not before the mobile node came, and no agent a binding of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from emu import records
from emu.measure.handovers import find
from emu.measure.run import Run, runs_of
from emu.measure.stream import RECEIVED, Stream
from emu.show.outcome import leftovers
from emu.sweep.experiment import Unmet, experiment, faithful_records, tabulate

HERE = Path(__file__).resolve().parent
HANDOVERS = 50
NOTHING = "nothing"


def row(scheme: str, directory: Path) -> dict[str, Any]:
    """What a record says of one scheme."""
    (run,) = runs_of(directory)
    (result,) = records.read(directory)["runs"]
    bindings = [handover["latency_ms"]["binding"] for handover in result["handovers"]]
    known = [latency for latency in bindings if latency is not None]
    lines = leftovers(result["leftovers"]).splitlines()
    return {
        "scheme": scheme,
        "handovers": len(known),
        "binding_ms": pd.Series(known, dtype=float).median(),
        **{f"{flow['flow']}_packets_after": _after(run, flow) for flow in run.meta["flows"]},
        "udp_lost": sum(flow["lost"] or 0 for flow in result["flows"]),
        "tunnel_overhead_bytes": sum(flow["tunnel_overhead_bytes"] for flow in result["flows"]),
        "left_over": "; ".join(lines[1:]) or NOTHING,
    }


def _after(run: Run, flow: dict[str, Any]) -> int:
    """How many of a flow's packets came when the last handover was over."""
    done = find(run)[-1].done_ns
    return int((Stream(run, flow).arrivals[:, RECEIVED] > done).sum())


def endures(one: pd.Series) -> bool:
    """Whether a scheme did what it must."""
    alive = [one[name] > 0 for name in one.index if name.endswith("_packets_after")]
    return bool(one["handovers"] == HANDOVERS and all(alive) and one["left_over"] == NOTHING)


def analyse(_: pd.DataFrame, results: Path) -> None:
    """Run every scheme through 50 handovers, then say how each did."""
    folder = HERE.with_name(results.name)
    rows = [row(job.values["scheme"], path) for job, path in faithful_records(folder, results)]
    frame = pd.DataFrame(rows)
    frame["endures"] = frame.apply(endures, axis=1)
    tabulate(frame, results / "endurance")
    if not frame["endures"].all():
        raise Unmet(f"does not endure: {', '.join(frame['scheme'][~frame['endures']])}")


if __name__ == "__main__":
    experiment(HERE, analyse)()
