"""What a mobile node can do to others, with and without the source guard.

    sudo .venv/bin/python experiments/attacks/attacks.py [--repeat N] [ATTACK…]

Results go to ``results/attacks``: ``attacks.md`` and ``attacks.csv``, a row an attack and guard,
and ``page.md``, the table of docs/security.md.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pandas as pd

from emu.sweep.experiment import tabulate

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "results"
SECONDS, FAST = 4, 5000
"""How long an attack lasts, and packets a second of the fast one."""
FROM_THE_CORE = ("unused-addresses", "core-groups", "core-sources")
ATTACKS = (
    "forged-channel", "many-sources", "many-groups", "report-flood", "data-flood",
    "neighbour-advertisements", "address-detection", "router-advertisements", "redirects",
    "invented-hosts", "forged-sources", "overlapping-fragments", "jumbograms", "binding-updates",
    "unused-addresses", "core-groups", "core-sources",
)  # fmt: skip
SCHEMES = {"binding-updates": ("mipv6", "remote-subscription")}
"""Of mobility and multicast, where they are not these."""
DMM = ("dmm", "mld-dmm")


def scenario(attack: str, guard: str, rate: int | None) -> str:
    """The scenario of one attack."""
    text = (HERE / "scenario.yaml.template").read_text(encoding="utf-8")
    arguments = [attack, str(SECONDS), *([str(rate)] if rate else [])]
    mobility, multicast = SCHEMES.get(attack, DMM)
    if mobility == "mipv6" and guard == "off":
        mobility = "mipv6, key: none"
    places = {
        "name: attacks": f"name: {name(attack, guard, rate)}",
        '"GUARD"': f'"{guard}"',
        '"MOBILITY"': mobility,
        '"MULTICAST"': multicast,
        "ATTACKER": "server1" if attack in FROM_THE_CORE else "mn2",
        "COMMAND": json.dumps(["python3", str(HERE / "attack.py"), *arguments]),
    }
    for place, what in places.items():
        text = text.replace(place, what, 1)
    return text


def name(attack: str, guard: str, rate: int | None) -> str:
    """Of its record."""
    return f"attacks-{attack}-{guard}" + (f"-{rate}" if rate else "")


def play(attack: str, guard: str, rate: int | None, repeat: int) -> dict[str, Any]:
    """Run it so often; what mn1 and mn3 lost (percent), and what was counted."""
    folder = OUT / "attacks"
    folder.mkdir(parents=True, exist_ok=True)
    called = name(attack, guard, rate)
    path = folder / f"{called}.yaml"
    path.write_text(scenario(attack, guard, rate), encoding="utf-8")
    command = [sys.executable, "-m", "emu", "run", path, "--out", OUT, "--repeat", str(repeat)]
    subprocess.run(command, check=False)
    latest = OUT / called / "latest"
    record = json.loads((latest / "record.json").read_text(encoding="utf-8"))
    logs = [latest / f"runs/{run['run']}/programs/attack.log" for run in record["runs"]]
    said = [log.read_text(encoding="utf-8") for log in logs]
    if not said or not all(text.startswith(f"{attack}: ") for text in said):
        sys.exit(f"{attack}: the attack did not take place:\n{''.join(said)}")
    sent = [int(text.split()[-2]) for text in said]
    rows = pd.DataFrame([of_run(run) for run in record["runs"]])
    return {
        "attack": attack,
        "guard": guard,
        "packets/s": round(sum(sent) / len(sent) / SECONDS),
        "runs": len(rows),
        **{column: summary(rows[column], column) for column in rows},
        "fidelity": record["fidelity"]["ok"],
    }


def summary(values: pd.Series[Any], column: str) -> Any:
    """Of several runs: the worst, but of what is counted, and by whom, the first one's."""
    if not pd.api.types.is_numeric_dtype(values):
        return values.iloc[0]
    return values.min() if column.startswith("TCP") else values.max()


def of_run(run: dict[str, Any]) -> dict[str, Any]:
    """What a record says of a run.

    The busiest agent's share of a processor is as if all that it did had been during the attack.
    """
    flows = {flow["flow"]: flow for flow in run["flows"] if "attack" not in flow["flow"]}
    lost = {
        f"{name} lost %": 100 * flow["lost"] / flow["sent"]
        for name, flow in flows.items()
        if flow["kind"] != "iperf3" and flow["sent"]
    }
    joins = {
        f"{name} join ms": flow["join_ms"] for name, flow in flows.items() if name.startswith("C2")
    }
    tcp = {
        f"TCP {flow['to']} Mbit/s": flow["goodput_mbit_s"]
        for flow in flows.values()
        if flow["kind"] == "iperf3"
    }
    busiest, used = max(run["processor_s"].items(), key=lambda used: used[1])
    return {
        **lost,
        **joins,
        **tcp,
        "busiest agent": busiest,
        "CPU %": 100 * used / SECONDS,
        "conductor MiB": run["conductor_mib"],
        "refused": "; ".join(
            f"{node} {reason}: {packets}"
            for node, reasons in run["refused"].items()
            for reason, packets in reasons.items()
        ),
    }


def page(rows: pd.DataFrame) -> str:
    """The table of docs/security.md: a row an attack, with the guard and fast, and without it."""
    lines = [
        "| attack | without the guard, at packets/s: most lost | with it at 5,000: most lost, "
        "joins (ms) | busiest agent, CPU | conductor | counted |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for attack, ways in rows.groupby("attack", sort=False):
        off = ways[ways["guard"] == "off"]
        fast = ways[ways["guard"] == "on"].iloc[-1]
        without = f"{off['packets/s'].iloc[0]}: {most_lost(off.iloc[0])}" if len(off) else ""
        joins = " to ".join(f"{f(column(fast, ' join ms')):.0f}" for f in (min, max))
        lines.append(
            f"| `{attack}` | {without} | {most_lost(fast)}; {joins} | "
            f"`{fast['busiest agent']}`, {fast['CPU %']:.1f} % | {fast['conductor MiB']:.0f} MiB | "
            f"{fast['refused']} |"
        )
    return "\n".join(lines) + "\n"


def column(row: pd.Series[Any], ending: str) -> list[float]:
    """What a row says in all columns of a kind."""
    return [value for name, value in row.items() if str(name).endswith(ending)]


def most_lost(row: pd.Series[Any]) -> str:
    """The worst loss of any flow, in percent."""
    worst = float(f"{max(column(row, ' lost %')):.2g}")  # g alone would write 1e+02
    return f"{worst:g} %"


@click.command()
@click.option("--repeat", default=1, show_default=True, help="Runs of each fast attack.")
@click.argument("chosen", nargs=-1, metavar="[ATTACK]...")
def main(repeat: int, chosen: tuple[str, ...]) -> None:
    """Play all attacks, or those named: without the guard, with it, and fast; and none at all."""
    ways: list[tuple[str, int | None, int]] = [
        ("off", None, 1),
        ("on", None, 1),
        ("on", FAST, repeat),
    ]
    rows = [play("nothing", "on", None, repeat)]
    rows += [play(attack, *way) for attack in chosen or ATTACKS for way in ways]
    frame = pd.DataFrame(rows)
    tabulate(frame, OUT / "attacks" / "attacks")
    (OUT / "attacks" / "page.md").write_text(page(frame), encoding="utf-8")


if __name__ == "__main__":
    main()
