"""From PBU received to PBA sent, by the captures of a run: the CMD, and the previous MARs.

A previous MAR has made the tunnel by then, if there was none; aim for the CMD: a median under 1 ms.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np

from emu.measure import messages, pcapng

HANDOVERS = 60
INTERVAL_MS = 200


def scenario() -> str:
    """A mobile node that goes round three MARs."""
    events = "".join(
        f"  - {{at: {n * INTERVAL_MS}ms, handover: mn1, to: mar{n % 3 + 1}}}\n"
        for n in range(1, HANDOVERS + 1)
    )
    return (
        f"name: agents\nduration: {(HANDOVERS + 2) * INTERVAL_MS}ms\n"
        "topology: {kind: dmm-domain, mars: 3}\n"
        f"nodes: {{mn1: {{role: mn, attach: mar1, dad: off}}}}\nevents:\n{events}"
    )


def answer_times_ms(captures: Path) -> dict[str, list[float]]:
    """Times from each PBU's arrival to the departure of the PBA with its sequence number."""
    times = defaultdict(list)
    for path in (*captures.glob("cmd-*.pcapng"), *captures.glob("mar*-cmd.pcapng")):
        asked: dict[str, int] = {}
        for seen in messages.sightings(pcapng.read(path)):
            if seen.message.type == "PBU" and not seen.outbound:
                asked[seen.message.detail] = seen.time_ns
            elif seen.message.type == "PBA" and seen.outbound and seen.message.detail in asked:
                role = "CMD" if seen.node == "cmd" else "previous MAR"
                times[role].append((seen.time_ns - asked.pop(seen.message.detail)) / 1e6)
    return times


def main() -> None:
    """Run the scenario and print one table."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "agents.yaml")
        path.write_text(scenario(), encoding="utf-8")
        command = [sys.executable, "-m", "emu", "run", str(path), "--out", directory]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times = answer_times_ms(Path(directory, "agents/latest/captures"))
    print(f"PBU received to PBA sent, {HANDOVERS} handovers, ms")
    print(f"{'agent':>13} {'answers':>8} {'median':>7} {'p99':>7}")
    for role, values in times.items():
        median, p99 = np.percentile(values, [50, 99])
        print(f"{role:>13} {len(values):>8} {median:>7.2f} {p99:>7.2f}")


if __name__ == "__main__":
    main()
