"""The player goes on when an answer was cut short."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from emu.services.content import MANIFEST, Content
from tests.namespaces import Namespaces
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root

CONTENT = Content(8_000_000_000, 2_000_000_000, (200_000, 600_000))
HALF = 20_000


class CuttingServer(http.server.ThreadingHTTPServer):
    """Cuts the first answer that has a name short, as a server that dies does."""

    address_family = 10

    def __init__(self, cut: int) -> None:
        super().__init__(("::1", 8080), Handler)
        self.cut, self.asked = cut, list[str]()


class Handler(http.server.BaseHTTPRequestHandler):
    server: CuttingServer

    def do_GET(self) -> None:
        body = (CONTENT.folder / self.path[1:]).read_bytes()
        number = self.path.partition("-")[2]
        cut = number == f"{self.server.cut}.m4s" and self.path not in self.server.asked
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:HALF] if cut else body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_it_plays_to_the_end_when_a_segment_was_cut_short(
    namespaces: Namespaces, tmp_path: Path, cut: int
) -> None:
    CONTENT.ensure(print)
    host = namespaces.new()
    with host:
        server = CuttingServer(cut)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    now = time.monotonic_ns()
    config = {
        "service": "tv", "node": "mn1", "events": str(tmp_path / "events.jsonl"),
        "uri": f"http://[::1]:8080/{MANIFEST}", "buffer_ns": 4_000_000_000,
        "start_ns": now, "stop_ns": now + 60_000_000_000,
    }  # fmt: skip
    program = (
        "import json, sys; from emu.services.gstreamer import main; main(json.load(sys.stdin))"
    )
    process = host.spawn([sys.executable, "-c", program], stdin=subprocess.PIPE)
    process.communicate(json.dumps(config), timeout=PATIENCE_S)
    server.shutdown()
    events = [
        json.loads(line)
        for line in (tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    (ended,) = (event for event in events if event["kind"] == "player_ended")
    assert ended["reason"] == "end", (server.asked, [e for e in events if e["kind"] != "buffer"])
    positions = [e["position_s"] or 0 for e in events if e["kind"] == "buffer"]
    assert max(positions) > 7
    moves = [event["kind"] for event in events if event["kind"] in ("playing", "stalled")]
    assert moves[-1] == "playing"  # a stall, if there was one, is over
    reloaded = [event["t"] for event in events if event["kind"] == "reloaded"]
    assert all(at - now > 3_000_000_000 for at in reloaded)  # not before it had any reason to
