"""What a mobile node can do to others, with and without the source guard.

    sudo .venv/bin/python experiments/attacks/attacks.py [ATTACK…]

Results go to ``results/attacks``: ``attacks.md`` and ``attacks.csv``, a row an attack and guard.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from emu.sweep.experiment import tabulate

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "results"
SECONDS = 4
FROM_THE_CORE = ("unused-addresses",)
ATTACKS = (
    "forged-channel", "many-sources", "neighbour-advertisements", "router-advertisements",
    "invented-hosts", "forged-sources", "unused-addresses",
)  # fmt: skip


def scenario(attack: str, guard: str) -> str:
    """The scenario of one attack."""
    text = (HERE / "scenario.yaml.template").read_text(encoding="utf-8")
    command = json.dumps(["python3", str(HERE / "attack.py"), attack, str(SECONDS)])
    attacker = "server1" if attack in FROM_THE_CORE else "mn2"
    text = text.replace("name: attacks", f"name: attacks-{attack}-{guard}", 1)
    return (
        text.replace('"GUARD"', f'"{guard}"')
        .replace("ATTACKER", attacker)
        .replace("COMMAND", command)
    )


def play(attack: str, guard: str) -> dict[str, Any]:
    """Run it; what mn1 and mn3 lost (percent), and what was counted."""
    folder = OUT / "attacks"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{attack}-{guard}.yaml"
    path.write_text(scenario(attack, guard), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "emu", "run", path, "--out", OUT], check=False)
    latest = OUT / f"attacks-{attack}-{guard}" / "latest"
    said = (latest / "runs" / "1" / "programs" / "attack.log").read_text(encoding="utf-8")
    if not said.startswith(f"{attack}: "):
        sys.exit(f"{attack}: the attack did not take place:\n{said}")
    record = json.loads((latest / "record.json").read_text(encoding="utf-8"))
    return {"attack": attack, "guard": guard, **row(record)}


def row(record: dict[str, Any]) -> dict[str, Any]:
    """What a record says."""
    run = record["runs"][0]
    lost = {
        f"{flow['flow']} lost %": 100 * flow["lost"] / flow["sent"]
        for flow in run["flows"]
        if flow["sent"] and "attack" not in flow["flow"]
    }
    counted = [
        f"{node} {reason}: {packets}"
        for node, reasons in run["refused"].items()
        for reason, packets in reasons.items()
    ]
    return {**lost, "refused": "; ".join(counted), "fidelity": record["fidelity"]["ok"]}


def main() -> None:
    """Play all attacks, or those that are named."""
    chosen = sys.argv[1:] or ATTACKS
    rows = [play(attack, guard) for attack in chosen for guard in ("off", "on")]
    tabulate(pd.DataFrame(rows), OUT / "attacks" / "attacks")


if __name__ == "__main__":
    main()
