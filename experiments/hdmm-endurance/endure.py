"""Has flows live through 50 handovers under every scheme; status 1 if one of them did not.

    sudo python experiments/hdmm-endurance/endure.py [--out DIRECTORY] [OPTIONS OF emu sweep]

Results go to ``results/hdmm-endurance``: ``endurance.csv`` (a row a scheme) and what ``emu sweep``
writes. A flow lives if its packets still come after the last handover; nothing is left over if no
kernel has anything that it had not before the mobile node came, and no agent a binding of it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pandas as pd

from emu import records
from emu.measure.handovers import find
from emu.measure.run import Run, runs_of
from emu.measure.stream import RECEIVED, Stream
from emu.show.outcome import leftovers

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


def _rows(results: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(results.glob("cells/*/cell.json")):
        cell = json.loads(path.read_text(encoding="utf-8"))
        if not cell["failed"]:
            scheme = path.parent.name.removeprefix("scheme-").partition("+")[0]
            yield row(scheme, Path(cell["directory"]))


@click.command(context_settings={"ignore_unknown_options": True})
@click.option("--out", type=click.Path(path_type=Path), default=Path("results"))
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def main(out: Path, options: tuple[str, ...]) -> None:
    """Run the sweep, then say how each scheme did."""
    sweep = [sys.executable, "-m", "emu", "sweep", str(HERE / "matrix.yaml"), "--out", str(out)]
    status = subprocess.run([*sweep, *options], check=False).returncode
    results = out / "hdmm-endurance"
    frame = pd.DataFrame(_rows(results))
    frame["endures"] = frame.apply(endures, axis=1)
    frame.to_csv(results / "endurance.csv", index=False, float_format="%.4g")
    print(frame.round(1).to_string(index=False, max_colwidth=40))
    sys.exit(status or not frame["endures"].all())


if __name__ == "__main__":
    main()
