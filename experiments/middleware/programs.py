"""Programs that know nothing of overlays, over one: session announcements, a chat, Avahi.

    sudo .venv/bin/python experiments/middleware/programs.py

``m1`` announces a session by SAP (RFC 2974) and sends it, and the others play what they hear of
(ffmpeg); all three chat by a group (socat), and each offers a service and looks for those of the
others (Avahi, whose mDNS is of link scope). Results go to ``results/middleware``: ``programs``, a
row a host.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import click
import pandas as pd

from emu.interrupts import run_below
from emu.measure.run import runs_of
from emu.requirements import search_path
from emu.sweep.experiment import tabulate

HOSTS = ("m1", "m2", "m3")
SECONDS = 11
NEEDED = ("avahi-daemon", "avahi-browse", "dbus-daemon", "ffmpeg", "socat")
ZEROCONF = Path(__file__).resolve().parent / "zeroconf.sh"
INTERFACE = "mc0"
SESSION, CHAT = "239.255.7.7:5004", "239.255.8.8"
TONE = ("-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=8000", "-c:a", "pcm_mulaw")
SAID_AFTER_S = 5
OCTETS_A_SECOND = 8000
"""Of the session, whose first seconds are played."""
PLAYED_S = 5


def scenario() -> dict[str, Any]:
    """Three hosts, 10 ms from each other, and their programs."""
    traffic = []
    for name in HOSTS:
        keep = ["-t", str(PLAYED_S), "-c", "copy", "-flush_packets", "1", "-f", "mulaw"]
        listen = ["ffmpeg", "-v", "warning", "-i", "sap://", *keep, "-y", f"{name}.ul"]
        announce = ["ffmpeg", "-v", "error", *TONE, "-f", "sap", f"sap://{SESSION}?ttl=8"]
        session = announce if name == "m1" else listen
        say = f"(sleep {SAID_AFTER_S}; echo {name} is here; sleep {SECONDS})"
        group = f"UDP4-DATAGRAM:{CHAT}:6666,bind=:6666,ip-add-membership={CHAT}:{INTERFACE}"
        chat = ["sh", "-c", f"{say} | exec socat STDIO {group},ip-multicast-ttl=8"]
        find = [str(ZEROCONF), name, INTERFACE, str(SECONDS)]
        traffic += [
            {"kind": "program", "node": name, "start": start, "name": f"{what}-{name}",
             "command": command}
            for what, start, command in (
                ("session", "1500ms" if name == "m1" else "500ms", session),
                ("chat", "500ms", chat),
                ("zeroconf", "500ms", find),
            )
        ]  # fmt: skip
    return {
        "name": "programs",
        "duration": f"{SECONDS + 1}s",
        "topology": {"kind": "internet", "delays": "rtt.txt"},
        "overlay": {"scheme": "own", "link_scope": True},
        "nodes": {name: {"role": "member"} for name in HOSTS},
        "traffic": traffic,
    }


def row(folder: Path, name: str) -> dict[str, Any]:
    """What a host got: how much of the session, whose lines, whose services."""
    sound = folder / f"{name}.ul"
    chat, found = (
        (folder / f"{what}-{name}.log").read_text(encoding="utf-8", errors="replace")
        for what in ("chat", "zeroconf")
    )
    services = {line.split(";")[3] for line in found.splitlines() if line.startswith("=;")}
    return {
        "host": name,
        "session_s": sound.stat().st_size / OCTETS_A_SECOND if sound.exists() else None,
        "heard": " ".join(sorted(set(re.findall(r"^(\w+) is here$", chat, re.MULTILINE)))),
        "services": " ".join(sorted(services)),
    }


def prepare(place: Path) -> Path:
    """Write the scenario, and the delays that it names."""
    matrix = [["0" if a == b else "20" for b in HOSTS] for a in HOSTS]
    (place / "rtt.txt").write_text("\n".join(map(" ".join, matrix)) + "\n", encoding="utf-8")
    path = place / "programs.yaml"
    path.write_text(json.dumps(scenario()), encoding="utf-8")
    return path


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("results/middleware"))
def main(out: Path) -> None:
    """Play the scenario, and say what each host got."""
    missing = [name for name in NEEDED if shutil.which(name, path=search_path()) is None]
    if missing:
        raise click.ClickException(f"{', '.join(missing)}: not installed; make setup-demo")
    place = out.resolve() / "programs"
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    path = prepare(place)
    run_below([sys.executable, "-m", "emu", "run", str(path), "--out", str(place)])
    (run,) = runs_of((place / "programs" / "latest").resolve())
    rows = [row(run.directory / "programs", name) for name in HOSTS]
    tabulate(pd.DataFrame(rows), out / "programs")


if __name__ == "__main__":
    main()
