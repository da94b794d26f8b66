"""The player goes on when an answer was cut short."""

from __future__ import annotations

import http.server
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from emu.services.content import Content
from tests.kernel.player import played, whole
from tests.namespaces import Namespaces

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
    begun_ns = time.monotonic_ns()
    events = played(host, "[::1]:8080", tmp_path / "events.jsonl")
    server.shutdown()
    assert whole(events, 8), (server.asked, [e for e in events if e["kind"] != "buffer"])
    moves = [event["kind"] for event in events if event["kind"] in ("playing", "stalled")]
    assert moves[-1] == "playing"  # a stall, if there was one, is over
    reloaded = [event["t"] for event in events if event["kind"] == "reloaded"]
    assert all(at - begun_ns > 3_000_000_000 for at in reloaded)  # not before it had any reason to
