"""A video while caches and origin fail, and nodes move faster than is good for them."""

from __future__ import annotations

from typing import Any

import pytest

from emu.services.content import Content
from tests.lab.emu_run import Run, run_side_by_side

pytestmark = pytest.mark.root

HEAD = """
topology:
  kind: dmm-domain
  mars: 3
  access: {access}
  backhaul: {{delay: 5ms}}
  core: {{delay: 10ms}}
multicast: {{scheme: none}}
nodes:
  mn1: {{role: mn, attach: mar1, dad: off}}
  web: {{role: server}}
"""
FAR_NS = 150_000_000
FAR = "{delay: 150ms, rate: 6mbit, profiles: {mar2: lte, mar3: lte}}"
# The manifest is on its way at the first handover: to connect and to get it takes 600 ms at least,
# and a player that is slow to begin has until then to connect. mar2's cache dies while the buffer
# is filled, so within a segment. Then three handovers within two seconds, the last one to mar1.
WALK = f"""
name: faults
duration: 20s
{HEAD.format(access=FAR)}
services:
  video: {{kind: origin, node: web, length: 30s, bitrates: [1500kbit]}}
  edge: {{kind: cache, at: [mar1, mar2, mar3], origin: video, filled: true}}
  tv: {{kind: player, node: mn1, origin: video, buffer: 6s}}
events:
  - {{at: 550ms, handover: mn1, to: mar2, gap: 50ms}}
  - {{at: 2s, crash: edge@mar2}}
  - {{at: 10s, handover: mn1, to: mar3, gap: 50ms}}
  - {{at: 10700ms, handover: mn1, to: mar2, gap: 50ms}}
  - {{at: 11400ms, handover: mn1, to: mar1, gap: 50ms}}
"""
# mar1's cache has all of the video when the origin dies, mar2's has nothing.
DOWN = f"""
name: down
duration: 12s
{HEAD.format(access="{profiles: {mar1: 3g, mar2: lte, mar3: lte}}")}
services:
  video: {{kind: origin, node: web, length: 30s, bitrates: [1500kbit]}}
  filled: {{kind: cache, at: [mar1], origin: video, filled: true}}
  cold: {{kind: cache, at: [mar2], origin: video}}
  tv: {{kind: player, node: mn1, origin: video, buffer: 5s}}
events:
  - {{at: 1s, crash: video@web}}
  - {{at: 5s, handover: mn1, to: mar2, gap: 50ms}}
  - {{at: 8s, restart: video@web}}
"""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    Content(30_000_000_000, 2_000_000_000, (1_500_000,)).ensure(print)
    scenarios = {}
    for name, text in (("walk", WALK), ("down", DOWN)):
        scenarios[name] = tmp_path_factory.mktemp(name) / "scenario.yaml"
        scenarios[name].write_text(text, encoding="utf-8")
    return run_side_by_side(scenarios)


def service(run: Run, name: str) -> dict[str, Any]:
    (found,) = (one for one in run.run()["services"] if one["service"] == name)
    return dict(found)


def answers(run: Run, after: str, service_name: str) -> list[dict[str, Any]]:
    """The segments that a service answered after the last event of a kind."""
    since = run.events(after)[-1]["t"]
    return [
        event
        for event in run.events("http_request")
        if event["t"] > since and event["service"] == service_name and "-" in event["uri"]
    ]


def test_a_handover_in_the_middle_of_the_manifest(done: dict[str, Run]) -> None:
    run = done["walk"]
    assert run.ended, run.output
    manifest = next(e for e in run.events("http_request") if e["uri"] == "/manifest.mpd")
    assert (manifest["node"], manifest["status"]) == ("mar1", 200)
    assert manifest["client"].startswith("2001:db8:1:1:")
    assert manifest["t"] + FAR_NS > run.events("l2_down")[0]["t"]
    assert service(run, "tv")["startup_ms"] is not None


def test_when_a_cache_dies_the_player_goes_on_from_the_origin(done: dict[str, Run]) -> None:
    run = done["walk"]
    (killed,) = run.events("server_killed")
    assert (killed["node"], killed["service"]) == ("mar2", "edge")
    from_origin = answers(run, "server_killed", "video")
    assert from_origin
    assert {request["status"] for request in from_origin} == {200}
    tv = service(run, "tv")
    assert tv["ended"] in ("end", "stopped")
    assert tv["played_s"] > 5


def test_three_handovers_in_two_seconds_and_back_where_it_began(done: dict[str, Run]) -> None:
    run = done["walk"]
    last = service(run, "tv")["segments"][-1]
    assert (last["from"], last["cache"], last["tunnel_bytes"]) == ("mar1", "HIT", 0)
    assert last["address"].startswith("2001:db8:1:1:")


def test_without_an_origin_a_filled_cache_plays_on_and_a_cold_one_waits_for_it(
    done: dict[str, Run],
) -> None:
    run = done["down"]
    assert run.ended, run.output
    tv = service(run, "tv")
    assert tv["ended"] == "stopped"
    assert tv["played_s"] > 6
    refused = [e for e in run.events("http_request") if e["status"] == 502]
    assert {request["node"] for request in refused} == {"mar2"}
    filled = [e for e in answers(run, "server_restarted", "cold") if e["status"] == 200]
    assert filled
    assert [e["cache"] for e in filled] == ["MISS"] * len(filled)
