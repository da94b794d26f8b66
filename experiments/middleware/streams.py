"""The test of the paper: seven MPEG transport streams of 11 Mbit/s over the overlay, and players.

    sudo .venv/bin/python experiments/middleware/streams.py [--receivers 1]

ffmpeg sends and plays; it knows nothing of the overlay. A channel of ours beside the streams tells
how much its packets' delay varies. Results go to ``results/middleware``: ``streams``.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pandas as pd

from emu.interrupts import run_below
from emu.measure.run import runs_of
from emu.sweep.experiment import tabulate

STREAMS, SECONDS = 7, 8
GROUP = "239.7.7.{}:5000"
VIDEO = (
    *("-f", "lavfi", "-i", f"testsrc2=size=1280x720:rate=25:duration={SECONDS}"),
    *("-vf", "noise=alls=40:allf=t", "-c:v", "mpeg2video"),
    *("-b:v", "10500k", "-maxrate", "16M", "-bufsize", "4M", "-f", "mpegts"),
)
PLAYER = "fifo_size=50000&overrun_nonfatal=1&buffer_size=4000000&timeout=8000000"


def scenario(clip: Path, receivers: int) -> dict[str, Any]:
    """The sender ``m1``, and receivers of all streams; 10 ms between any two."""
    players = [f"m{number}" for number in range(2, receivers + 2)]
    probe = {"group": "ff0e::7", "source": "m1", "rate": "80kbit", "packet": "100"}
    traffic: list[dict[str, Any]] = [{"kind": "multicast", "channel": "probe", "to": players}]
    for number in range(1, STREAMS + 1):
        group = f"udp://{GROUP.format(number)}"
        send = ["ffmpeg", "-v", "error", "-re", "-i", str(clip), "-c", "copy", "-f", "mpegts"]
        command = [*send, f"{group}?pkt_size=1316&ttl=8"]
        traffic.append({"kind": "program", "node": "m1", "start": "3s", "command": command})
        for player in players:
            command = ["ffmpeg", "-v", "warning", "-i", f"{group}?{PLAYER}"]
            command += ["-c", "copy", "-f", "mpegts", "-y", f"{player}-{number}.ts"]
            flow = {"kind": "program", "node": player, "start": "500ms", "command": command}
            traffic.append(flow)
    return {
        "name": "streams",
        "duration": f"{SECONDS + 6}s",
        "topology": {"kind": "internet", "delays": "rtt.txt"},
        "overlay": {"scheme": "own"},
        "nodes": {name: {"role": "member"} for name in ("m1", *players)},
        "channels": {"probe": probe},
        "traffic": traffic,
    }


def rows(record: dict[str, Any], probes: int, complaints: dict[str, int]) -> list[dict[str, Any]]:
    """A line for each receiver; packets are the streams', as the members count them.

    ``probes`` were sent beside them; those before a receiver had joined did not come.
    """
    (run,) = record["runs"]
    links = {name: member["link"] for name, member in run["overlay"]["members"].items()}
    flows = {flow["to"]: flow for flow in run["flows"]}
    sent = links["m1"]["sent"] - probes
    return [
        {
            "receiver": name,
            "sent": sent,
            "delivered": links[name]["delivered"] - flow["received"],
            "lost": sent - links[name]["delivered"] + flow["received"],
            "players_complain": complaints.get(name, 0),
            "delay_ms_min": flow["delay_ms"]["min"],
            "delay_ms_median": flow["delay_ms"]["median"],
            "delay_ms_p99": flow["delay_ms"]["p99"],
            "kept_up": record["fidelity"]["ok"],
        }
        for name, flow in flows.items()
    ]


def said(errors: Path, receivers: int) -> dict[str, int]:
    """How many lines the players of each receiver have written: a gap in a stream is one."""
    names = [f"m{number}" for number in range(2, receivers + 2)]
    return {
        name: sum(
            len(path.read_text(encoding="utf-8", errors="replace").splitlines())
            for path in (
                *errors.glob(f"stderr/ffmpeg-{name}*"),
                *errors.glob(f"programs/ffmpeg-{name}*.log"),
            )
        )
        for name in names
    }


@click.command()
@click.option("--receivers", type=click.IntRange(1, 8), default=1, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("results/middleware"))
def main(receivers: int, out: Path) -> None:
    """Make the video, play the scenario, and count."""
    place = out.resolve() / f"streams-{receivers}"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    clip = place / "clip.ts"
    subprocess.run(["ffmpeg", "-v", "error", "-y", *VIDEO, str(clip)], check=True)
    text = json.dumps(scenario(clip, receivers))
    (place / "streams.yaml").write_text(text, encoding="utf-8")
    matrix = [["0" if a == b else "20" for b in range(2)] for a in range(2)]
    (place / "rtt.txt").write_text("\n".join(map(" ".join, matrix)) + "\n", encoding="utf-8")
    words = [sys.executable, "-m", "emu", "run", str(place / "streams.yaml"), "--out", str(place)]
    run_below(words)
    folder = (place / "streams" / "latest").resolve()
    record = json.loads((folder / "record.json").read_text(encoding="utf-8"))
    (run,) = runs_of(folder)
    probes = len(run.rows(run.meta["flows"][0]["sent"]))
    found = rows(record, probes, said(run.directory, receivers))
    tabulate(pd.DataFrame(found), out / "streams")


if __name__ == "__main__":
    main()
