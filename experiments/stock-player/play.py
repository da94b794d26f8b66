"""What a stock player's viewer sees of each scheme: continuity errors of the stream received.

    sudo python experiments/stock-player/play.py [--out DIRECTORY] [OPTIONS OF emu sweep]

Needs ffmpeg and tcpdump. Results go to ``results/stock-player``: ``continuity.csv`` and
``continuity.md``, a row a scheme.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
from scapy.layers.inet import UDP
from scapy.utils import PcapReader

from emu.sweep.experiment import experiment, faithful_records, tabulate

HERE = Path(__file__).resolve().parent

PACKET, SYNC, NULL_PID = 188, 0x47, 0x1FFF
"""Of MPEG transport streams (ISO/IEC 13818-1 section 2.4.3)."""
_COMPLAINT = re.compile(r"Continuity check failed for pid")
_FRAMES = re.compile(r"frame=\s*(\d+)")


def continuity(packets: Iterator[bytes]) -> dict[str, int]:
    """Transport packets received, continuity errors, and the least number of packets missing.

    The counter of each PID goes up by one, modulo 16, with each packet that has a payload.
    """
    last: dict[int, int] = {}
    counts = {"received": 0, "errors": 0, "missing": 0}
    for packet in packets:
        pid = int.from_bytes(packet[1:3], "big") & NULL_PID
        has_payload, counter = packet[3] & 0x10, packet[3] & 0x0F
        counts["received"] += 1
        if packet[0] != SYNC or pid == NULL_PID or not has_payload:
            continue
        skipped = (counter - last.get(pid, counter - 1) - 1) % 16
        last[pid] = counter
        counts["errors"] += skipped > 0
        counts["missing"] += skipped
    return counts


def transport_packets(capture: Path) -> Iterator[bytes]:
    """The transport stream that a host received, as its datagrams came."""
    with PcapReader(str(capture)) as frames:
        for frame in frames:
            payload = bytes(frame[UDP].payload)
            yield from (
                payload[at : at + PACKET] for at in range(0, len(payload) - PACKET + 1, PACKET)
            )


def viewing(programs: Path) -> dict[str, int]:
    """What one run came to: counted in the stream, and as the player itself says."""
    log = (programs / "player.log").read_text(errors="replace", encoding="utf-8")
    frames = _FRAMES.findall(log)
    return {
        **continuity(transport_packets(programs / "received.pcap")),
        "player_errors": len(_COMPLAINT.findall(log)),
        "frames_played": int(frames[-1]) if frames else 0,
    }


def analyse(_: pd.DataFrame, results: Path) -> None:
    """Play television through three handovers under each scheme, and count what is missing."""
    rows = [
        {**job.values, **viewing(record / "runs" / "1" / "programs")}
        for job, record in faithful_records(HERE, results)
    ]
    tabulate(pd.DataFrame(rows), results / "continuity")


if __name__ == "__main__":
    experiment(HERE, analyse)()
