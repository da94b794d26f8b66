"""A live video, which two stock players on mobile nodes watch as it is made."""

from __future__ import annotations

import time
from typing import Any

import pytest

from emu.services.content import segment_of
from emu.services.live_video import DELAY
from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SEGMENT_S = 2
VIDEO = f"node: web, length: 1min, segment: {SEGMENT_S}s, bitrates: [200kbit], live: true"
SCENARIO = f"""
name: live
duration: 12s
topology:
  kind: dmm-domain
  mars: 2
  access: {{delay: 2ms, rate: 20mbit}}
  core: {{delay: 5ms}}
multicast: {{scheme: none}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: off}}
  mn2: {{role: mn, attach: mar2, dad: off}}
  web: {{role: server}}
services:
  video: {{kind: origin, {VIDEO}}}
  edge: {{kind: cache, at: [mar1, mar2], origin: video}}
  tv: {{kind: player, node: mn1, origin: video, buffer: 30s}}
  late: {{kind: player, node: mn2, origin: video, start: 6s, buffer: 30s}}
events:
  - {{at: 5s, handover: mn1, to: mar2, gap: 50ms}}
"""


@pytest.fixture(scope="module")
def begun_ns() -> int:
    """A time before the video begins."""
    return time.monotonic_ns()


@pytest.fixture(scope="module")
def done(begun_ns: int, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("live")
    path = folder / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return run(path, folder)


def service(done: Run, name: str) -> dict[str, Any]:
    (found,) = (one for one in done.run()["services"] if one["service"] == name)
    return dict(found)


def test_it_is_played_until_the_run_ends(done: Run) -> None:
    assert done.ended, done.output
    for name, least_s in (("tv", 3), ("late", 1)):
        told = service(done, name)
        assert told["ended"] == "stopped"
        assert least_s < told["played_s"] < 12


def test_a_segment_is_there_only_when_it_was_filmed(done: Run, begun_ns: int) -> None:
    for request in done.events("http_request"):
        segment = segment_of(request["uri"])
        if segment is not None and request["status"] == 200:
            since_s = (request["t"] - begun_ns) / 1e9
            assert since_s >= (segment[1] - DELAY) * SEGMENT_S


def test_who_comes_late_begins_with_what_is_filmed_then(done: Run) -> None:
    numbers = {
        name: [segment["number"] for segment in service(done, name)["segments"]]
        for name in ("tv", "late")
    }
    assert numbers["late"][0] > numbers["tv"][0]
    for asked in numbers.values():
        assert asked == list(range(asked[0], asked[0] + len(asked)))


def test_caches_keep_what_the_first_viewer_asked_for(done: Run) -> None:
    (handover,) = done.run()["handovers"]
    since_s = handover["at_s"] + 0.5  # what was asked for before came by the old prefix
    after = [one for one in service(done, "tv")["segments"] if one["at_s"] > since_s]
    assert after
    assert {one["from"] for one in after} == {"mar2"}
    at_second = [
        event
        for event in done.events("http_request")
        if event["node"] == "mar2" and event["status"] == 200  # not: not filmed yet
    ]
    missed = [event["uri"] for event in at_second if event["cache"] == "MISS"]
    assert len(missed) == len(set(missed)) < len(at_second)
    assert {event["cache"] for event in at_second} == {"MISS", "HIT"}
