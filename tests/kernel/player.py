"""GStreamer in a network namespace, as in a run."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from emu.services.content import MANIFEST
from tests.event_log import read_events
from tests.namespaces import Namespace
from tests.patience import PATIENCE_S

_PROGRAM = "import json, sys; from emu.services.gstreamer import main; main(json.load(sys.stdin))"


def played(host: Namespace, server: str, events: Path) -> list[dict[str, Any]]:
    """What the player of a host says of the video of a server, from its start to its end."""
    now = time.monotonic_ns()
    config = {
        "service": "tv", "node": "mn1", "events": str(events),
        "uri": f"http://{server}/{MANIFEST}", "buffer_ns": 4_000_000_000,
        "start_ns": now, "stop_ns": now + 60_000_000_000,
    }  # fmt: skip
    process = host.spawn([sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE)
    process.communicate(json.dumps(config), timeout=PATIENCE_S)
    return [event for event in read_events(events) if event.get("service") == "tv"]


def whole(events: list[dict[str, Any]], seconds: float) -> bool:
    """Whether all of a video of so many seconds was played."""
    (ended,) = (event["reason"] for event in events if event["kind"] == "player_ended")
    last = max(e["position_s"] or 0 for e in events if e["kind"] == "buffer")
    return ended == "end" and last > seconds - 1
