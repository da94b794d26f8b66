"""Services on the page: the buffer, where each segment came from, calls and how good they sound."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from emu.measure import record
from tests.live_page import browser_page, replaying, rows, seek, wait_for_end
from tests.synthetic_record import MS, SECOND, T0, write_record

PREFIX = {"mar1": "2001:db8:1:1::", "mar2": "2001:db8:2:1::"}
NONE = "\N{EN DASH}"
SERVICES = {
    "video": {"kind": "origin", "node": "server1"},
    "tv": {"kind": "player", "node": "mn1", "origin": "video"},
    "talk": {"kind": "call", "from": "mn1", "to": "server1"},
}


def _answer(ms: int, node: str, uri: str, mar: str, cache: str | None = None) -> dict[str, Any]:
    service = "video" if node == "server1" else "edge"
    request = {"client": f"{PREFIX[mar]}ff:fe00:101", "uri": uri, "cache": cache, "seconds": 0.2}
    facts = {"method": "GET", "status": 200, "bytes": 250_000, "complete": True}
    return {"t": T0 + ms * MS, "node": node, "kind": "http_request", "service": service,
            **request, **facts}  # fmt: skip


def _player(ms: int, kind: str, **fields: Any) -> dict[str, Any]:
    return {"t": T0 + ms * MS, "node": "mn1", "kind": kind, "service": "tv", **fields}


def _server(ms: int, kind: str) -> dict[str, Any]:
    return {"t": T0 + ms * MS, "node": "server1", "kind": kind, "service": "video"}


EVENTS = [
    _server(-500, "service_ready"),
    _server(8000, "server_killed"),
    _server(9000, "service_ready"),
    *({"t": T0 - SECOND, "node": "mn1", "kind": "address", "state": "preferred",
       "address": f"{prefix}ff:fe00:101"} for prefix in PREFIX.values()),
    _player(0, "player_started"),
    _answer(100, "server1", "/manifest.mpd", "mar1"),
    _answer(900, "server1", "/0-1.m4s", "mar1"),  # asked for by the cache
    _answer(950, "mar1", "/0-1.m4s", "mar1", "MISS"),
    _player(1000, "buffer", position_s=0.0, level_s=2.0),
    _player(1100, "playing", position_s=0.0),
    _answer(2000, "mar1", "/0-2.m4s", "mar1", "HIT"),
    _player(2500, "buffer", position_s=1.4, level_s=3.5),
    _player(4100, "stalled", position_s=3.0),
    _answer(4900, "mar2", "/0-3.m4s", "mar2", "HIT"),
    _player(5000, "playing", position_s=3.0),
    _answer(7000, "server1", "/0-4.m4s", "mar2"),  # the cache has died
    _player(11_000, "player_ended", reason="stopped"),
    {"t": T0 + SECOND, "node": "mn1", "kind": "call_started", "service": "talk",
     "address": f"{PREFIX['mar1']}ff:fe00:101"},
    {"t": T0 + 10 * SECOND, "node": "mn1", "kind": "call_ended", "service": "talk", "reason": None},
]  # fmt: skip
SCORES = [{"at_s": 2.0, "mos": 4.34}, {"at_s": 4.2, "mos": 2.1}, {"at_s": 4.7, "mos": None},
          {"at_s": 5.2, "mos": 4.3}]  # fmt: skip


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    directory = write_record(tmp_path_factory.mktemp("services"), runs=1)
    with (directory / "runs/1/events.jsonl").open("a", encoding="utf-8") as log:
        log.writelines(json.dumps(event) + "\n" for event in EVENTS)
    record.build(directory)
    _change(directory / "runs/1/meta.json", lambda meta: meta["scenario"].update(services=SERVICES))
    directions = [{"from": "mn1", "to": "server1", "over_time": SCORES}]
    calls = [{"service": "talk", "kind": "call", "directions": directions}]
    _change(directory / "record.json", lambda whole: whole["runs"][0].update(services=calls))
    with replaying(directory) as address, browser_page(address) as page:
        wait_for_end(page)
        yield page


def _change(path: Path, change: Any) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    change(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def _services(page: Page, seconds: float) -> dict[str, list[str]]:
    seek(page, seconds)
    return {f"{row[0]} {row[1]}": row[2:] for row in rows(page, "services")}


def test_the_player_is_what_its_events_say_and_anchored_where_it_asked_from(page):
    at = {seconds: _services(page, seconds)["tv player at mn1"] for seconds in (0.05, 1.5, 3, 4.5)}
    assert at[0.05] == [NONE, "loading"]
    assert at[1.5] == ["mar1", "playing, 2.0 s loaded"]
    assert at[3] == ["mar1", "playing, 3.5 s loaded"]
    assert at[4.5] == ["mar1", "stalled, 3.5 s loaded, stalled 1 times"]
    assert _services(page, 6)["tv player at mn1"][0] == "mar2"
    assert _services(page, 12)["tv player at mn1"][1] == "ended: stopped, stalled 1 times"


def test_the_call_stays_anchored_where_it_began(page):
    assert _services(page, 0.5)["talk call mn1 → server1"] == [NONE, "not begun"]
    assert _services(page, 9)["talk call mn1 → server1"] == ["mar1", "in progress"]
    (note,) = page.locator("[data-node=mar1] .note").all_text_contents()
    assert "talk" in note
    assert _services(page, 11)["talk call mn1 → server1"] == [NONE, "ended"]


def test_answers_are_counted_where_they_are_given(page):
    assert _services(page, 3)["video origin at server1"] == [NONE, "2 answers, 500.0 kB"]
    assert _services(page, 8.5)["video origin at server1"] == [NONE, "killed; 3 answers, 750.0 kB"]
    assert _services(page, 12)["video origin at server1"] == [NONE, "3 answers, 750.0 kB"]


def test_each_answer_is_told_with_whom_it_is_from(page):
    seek(page, 12)
    told = [row[:4] for row in rows(page, "answers")]
    assert told == [
        ["7.000", "/0-4.m4s", "server1", "mar2"],
        ["4.900", "/0-3.m4s", "cache of mar2", "mar2"],
        ["2.000", "/0-2.m4s", "cache of mar1", "mar1"],
        ["0.950", "/0-1.m4s", "origin, by the cache of mar1", "mar1"],
        ["0.900", "/0-1.m4s", "server1", "mar1"],
        ["0.100", "/manifest.mpd", "server1", "mar1"],
    ]


def test_the_chart_has_each_segment_once_from_where_it_came(page):
    bars = page.locator("[data-chart=tv] svg :is(.hit, .miss, .origin)")
    kinds = bars.evaluate_all("bars => bars.map(bar => bar.getAttribute('class'))")
    assert kinds == ["miss", "hit", "hit", "origin"]
    assert page.locator("[data-chart=tv] svg .segment").count() == 4
    words = page.locator("[data-chart=tv] .now")
    seek(page, 2)
    assert words.inner_text() == "2.0 s loaded"
    seek(page, 2.5)
    assert words.inner_text() == "3.5 s loaded"


def test_a_call_has_its_score_of_the_moment(page):
    words = page.locator("[data-chart=talk] .now")
    found = []
    for seconds in (1, 3, 4.5, 4.9, 6):
        seek(page, seconds)
        found.append(words.inner_text())
    assert found == [NONE, "4.34", "2.10", "2.10", "4.30"]


def test_services_are_readable_on_a_phone(page):
    contrast = (Path(__file__).parents[1] / "contrast.js").read_text(encoding="utf-8")
    page.set_viewport_size({"width": 390, "height": 844})
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        seek(page, 9)
        assert [one for one in page.evaluate(contrast) if one[0] < 4.5] == []
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
