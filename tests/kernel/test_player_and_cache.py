"""The player goes on whatever becomes of the cache that it does not know of."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from emu.services import content
from emu.services.content import Content
from tests.kernel.player import played, whole
from tests.kernel.web_cache import SERVER, WebCache
from tests.namespaces import Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

LENGTH_S = 8
Make = Callable[..., WebCache]


@pytest.fixture
def make(
    namespaces: Namespaces, opened: ExitStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Make:
    """A cache whose origin's videos a test may change."""
    made = Content(LENGTH_S * 1_000_000_000, 2_000_000_000, (200_000, 600_000)).ensure(print)
    shutil.copytree(made, tmp_path / "videos" / made.name)
    monkeypatch.setattr(content, "CACHE", tmp_path / "videos")

    def make(origin: str = "", cache: str = "") -> WebCache:
        return WebCache(namespaces, opened, tmp_path, origin=origin, cache=cache)

    return make


def segments(web: WebCache, node: str) -> list[tuple[str, int, str]]:
    """The answers of a node with segments: what, with which status, and the cache's word."""
    answers = web.events("http_request", node)
    return [(e["uri"], e["status"], e["cache"]) for e in answers if "init" not in e["uri"]]


def test_a_cache_whose_disk_gets_full_in_the_middle_of_a_segment(
    make: Make, tmp_path: Path
) -> None:
    web = make(cache=", disk: 200000")
    events = played(web.user, f"[{SERVER}]", tmp_path / "player.jsonl")
    assert whole(events, LENGTH_S), [e for e in events if e["kind"] != "buffer"]
    assert [event["node"] for event in web.events("disk_full")] == ["mar1"]
    (full,) = web.events("disk_full")
    after = [e for e in web.events("http_request", "web") if e["t"] > full["t"] and e["complete"]]
    assert after


def test_stale_content_is_played_when_the_origin_does_not_answer(
    make: Make, tmp_path: Path
) -> None:
    web = make(origin=", max_age: 1s", cache=", filled: true")
    web.stop("web")
    time.sleep(2.1)  # all that it is filled with is stale
    before = len(segments(web, "mar1"))
    events = played(web.user, f"[{SERVER}]", tmp_path / "player.jsonl")
    assert whole(events, LENGTH_S), [e for e in events if e["kind"] != "buffer"]
    answers = segments(web, "mar1")[before:]
    assert {(status, word) for _, status, word in answers} == {(200, "STALE")}
    assert len(answers) >= 5  # the manifest, and four segments


def test_stale_content_that_is_another_one_now_is_played_as_it_is_now(
    make: Make, tmp_path: Path
) -> None:
    web = make(origin=", max_age: 1s", cache=", filled: true")
    eventually(lambda: web.ask("/1-4.m4s") and web.events("http_request", "web"))
    for name in ("0-3.m4s", "1-3.m4s"):
        path = web.content / name
        path.write_bytes(path.read_bytes() + (16).to_bytes(4, "big") + b"free" + bytes(8))
    before = len(segments(web, "mar1"))
    events = played(web.user, f"[{SERVER}]", tmp_path / "player.jsonl")
    assert whole(events, LENGTH_S), [e for e in events if e["kind"] != "buffer"]
    fetched = [uri for uri, _, word in segments(web, "mar1")[before:] if word == "EXPIRED"]
    assert [uri.partition("-")[2] for uri in fetched] == ["3.m4s"]
