"""A video from a web server to a stock player on a mobile node."""

from __future__ import annotations

from typing import Any

import pytest

from emu.services.content import CACHE, Content, segment_of
from tests.lab.emu_run import Run, run

pytestmark = pytest.mark.root

SCENARIO = """
name: video
duration: 9s
topology:
  kind: dmm-domain
  mars: 2
  access: {delay: 2ms, rate: 20mbit}
  core: {delay: 5ms}
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  web: {role: server}
services:
  video: {kind: origin, node: web, length: 8s, bitrates: [200kbit, 600kbit]}
  tv: {kind: player, node: mn1, origin: video, buffer: 3s}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("video")
    path = folder / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return run(path, folder)


def service(done: Run, name: str) -> dict[str, Any]:
    (found,) = (one for one in done.run()["services"] if one["service"] == name)
    return dict(found)


def test_the_video_is_made_once_with_its_segments_of_one_length() -> None:
    content = Content(8_000_000_000, 2_000_000_000, (200_000, 600_000))
    names = {path.name for path in content.ensure(print).iterdir()}
    segments = {f"{r}-{n}.m4s" for r in range(2) for n in range(1, 5)}
    assert names == segments | {"0-init.m4s", "1-init.m4s", "manifest.mpd"}
    assert not list(CACHE.glob(".dash-8s*"))


def test_the_player_plays_it_to_its_end(done: Run) -> None:
    assert done.ended, done.output
    told = service(done, "tv")
    assert told["ended"] in ("end", "stopped")
    assert 0 < told["startup_ms"] < 3000
    assert told["played_s"] > 5


def test_every_segment_came_from_the_origin_once(done: Run) -> None:
    requests = done.events("http_request")
    assert all(request["status"] == 200 and request["node"] == "web" for request in requests)
    assert requests[0]["uri"] == "/manifest.mpd"
    segments = [segment for r in requests if (segment := segment_of(r["uri"]))]
    assert [number for _, number in segments] == [1, 2, 3, 4]
    content = Content(8_000_000_000, 2_000_000_000, (200_000, 600_000)).folder
    assert all(r["bytes"] == (content / r["uri"][1:]).stat().st_size for r in requests)
    told = service(done, "video")
    assert told["requests"] == len(requests)
    assert told["bytes"] == sum(request["bytes"] for request in requests)


def test_the_buffer_is_told_and_stays_within_bounds(done: Run) -> None:
    levels = [event["level_s"] for event in done.events("buffer") if event["level_s"] is not None]
    assert levels
    assert max(levels) <= 3 + 2 + 2
