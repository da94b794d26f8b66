"""dash.js in a headless Chromium on a mobile node, from caches at the edge.

Then cache and origin are gone for longer than what is loaded lasts, and the origin comes again.
"""

from __future__ import annotations

from typing import Any

import pytest

from emu.requirements import CHROMIUM, DASHJS
from tests.lab.emu_run import Run, run

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(
        None in (CHROMIUM.path, DASHJS.path), reason="no Chromium package here, or no dash.js"
    ),
]

SCENARIO = """
name: dashjs
duration: 17s
topology:
  kind: dmm-domain
  mars: 2
  access: {profiles: {mar1: 3g, mar2: wifi}}
  core: {delay: 5ms}
multicast: {scheme: none}
nodes:
  mn1: {role: mn, attach: mar1, dad: off}
  web: {role: server}
services:
  video: {kind: origin, node: web, length: 30s, bitrates: [300kbit, 800kbit, 1500kbit]}
  edge: {kind: cache, at: [mar1, mar2], origin: video, filled: true, keep_alive: true}
  tv: {kind: player, node: mn1, origin: video, program: dashjs, buffer: 2s}
events:
  - {at: 3s, handover: mn1, to: mar2, gap: 50ms}
  - {at: 7s, crash: edge@mar2}
  - {at: 7s, crash: video@web}
  - {at: 13500ms, restart: video@web}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("dashjs")
    path = folder / "scenario.yaml"
    path.write_text(SCENARIO, encoding="utf-8")
    return run(path, folder)


@pytest.fixture
def tv(done: Run) -> dict[str, Any]:
    assert done.ended, done.output
    (found,) = (one for one in done.run()["services"] if one["service"] == "tv")
    return dict(found)


def test_it_plays_and_the_record_says_how(tv: dict[str, Any]) -> None:
    assert tv["ended"] == "stopped"
    assert tv["startup_ms"] > 0
    assert tv["played_s"] > 3
    assert (tv["reloads"], len(tv["stalled_at_s"])) == (0, tv["stalls"])
    assert tv["buffer_min_s"] < 1
    assert tv["buffer_min_s"] < tv["buffer_mean_s"]
    assert tv["mean_bitrate"] >= 300_000


def test_its_buffer_is_told_and_stays_within_bounds(done: Run) -> None:
    levels = [event["level_s"] for event in done.events("buffer")]
    assert 0 < max(levels) <= 2 + 2 + 2


def test_it_leaves_the_connection_that_it_keeps_when_there_is_another_address(
    done: Run, tv: dict[str, Any]
) -> None:
    (handover,) = done.run()["handovers"]
    requests = done.events("http_request")
    assert max(one["request"] for one in requests if one["node"] == "mar1") > 1
    after = [one for one in tv["segments"] if handover["at_s"] + 0.5 < one["at_s"] < 7]
    assert after
    assert {(one["from"], one["cache"], one["tunnel_bytes"]) for one in after} == {
        ("mar2", "HIT", 0)
    }
    assert all(one["address"].startswith("2001:db8:2:1:") for one in after)


def test_it_stands_still_without_servers_and_goes_on_when_one_is_there_again(
    done: Run, tv: dict[str, Any]
) -> None:
    *_, killed = done.events("server_killed")
    (restarted,) = done.events("server_restarted")
    stalled = [e for e in done.events("stalled") if killed["t"] < e["t"] < restarted["t"]]
    assert stalled
    assert tv["stalls"] >= 1
    playing = [event for event in done.events("playing") if event["t"] > restarted["t"]]
    assert playing
    assert {one["from"] for one in tv["segments"] if one["at_s"] > 13.5} == {"web"}
