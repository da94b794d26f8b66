"""What a transparent cache answers, what it keeps, and what it asks the origin for."""

from __future__ import annotations

import http.client
import shutil
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from emu.scenario.services import CACHE_PORT
from emu.services import content
from emu.services.content import Content
from tests.kernel.web_cache import USER, WebCache
from tests.namespaces import Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

Make = Callable[..., WebCache]


@pytest.fixture
def make(namespaces: Namespaces, opened: ExitStack, tmp_path: Path) -> Make:
    def made(origin: str = "", cache: str = "") -> WebCache:
        return WebCache(namespaces, opened, tmp_path, origin=origin, cache=cache)

    return made


def test_a_miss_fills_the_cache_and_the_origin_sees_the_user(make: Make) -> None:
    web = make()
    body = (web.content / "1-2.m4s").read_bytes()
    answers = [web.ask("/1-2.m4s") for _ in range(2)]
    assert [answer.body for answer in answers] == [body, body]
    at_cache, at_origin = web.logged("mar1", 2), web.logged("web", 1)
    assert [request["cache"] for request in at_cache] == ["MISS", "HIT"]
    assert [request["client"] for request in at_origin] == [USER]
    assert all(request["client"] == USER for request in at_cache)


def test_a_filled_cache_asks_the_origin_for_nothing(make: Make) -> None:
    web = make(cache=", filled: true")
    names = sorted(path.name for path in web.content.iterdir())
    for name in names:
        assert web.ask(f"/{name}").body == (web.content / name).read_bytes()
    assert {request["cache"] for request in web.logged("mar1", len(names))} == {"HIT"}
    assert web.events("http_request", "web") == []


@pytest.mark.parametrize("before", [0, 1], ids=["missed", "kept"])
def test_a_range_is_a_part_of_the_whole(make: Make, before: int) -> None:
    web = make()
    body = (web.content / "1-1.m4s").read_bytes()
    for _ in range(before):
        web.ask("/1-1.m4s")
    answer = web.ask("/1-1.m4s", Range="bytes=1000-1999")
    assert (answer.status, answer.body) == (206, body[1000:2000])
    assert answer.headers["Content-Range"] == f"bytes 1000-1999/{len(body)}"
    beyond = web.ask("/1-1.m4s", Range=f"bytes={len(body)}-")
    assert beyond.status == 416
    assert web.ask("/1-1.m4s").body == body


def test_a_head_has_the_length_and_no_body(make: Make) -> None:
    web = make()
    length = (web.content / "0-3.m4s").stat().st_size
    for _ in range(2):
        answer = web.ask("/0-3.m4s", "HEAD")
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["Content-Length"] == str(length)
    assert [request["cache"] for request in web.logged("mar1", 2)] == ["MISS", "HIT"]


def test_what_the_origin_has_not_is_not_kept(make: Make) -> None:
    web = make()
    assert [web.ask("/1-99.m4s").status for _ in range(2)] == [404, 404]
    assert [request["cache"] for request in web.logged("mar1", 2)] == ["MISS", "MISS"]
    assert len(web.logged("web", 2)) == 2


def test_a_slow_origin_is_asked_once_for_all_who_wait(make: Make) -> None:
    web = make(origin=", rate: 800kbit")
    body = (web.content / "1-3.m4s").read_bytes()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(web.ask, ["/1-3.m4s"] * 3))
    assert [answer.body for answer in answers] == [body] * 3
    (request,) = web.logged("web", 1)
    assert request["seconds"] >= len(body) / 100_000 - 0.5
    assert sorted(r["cache"] for r in web.logged("mar1", 3)) == ["HIT", "HIT", "MISS"]


def test_what_was_used_least_goes_when_the_cache_is_full(make: Make) -> None:
    """nginx looks every ten seconds at the latest."""
    web = make(cache=", size: 300000")
    names = [f"{r}-{n}.m4s" for r in range(2) for n in range(1, 5)]
    assert sum((web.content / name).stat().st_size for name in names) > 400_000
    for name in names:
        assert web.ask(f"/{name}").status == 200
    eventually(lambda: 0 < web.kept() <= 300_000)
    web.ask(f"/{names[-1]}")
    web.ask(f"/{names[0]}")
    last, first = web.logged("mar1", len(names) + 2)[-2:]
    assert (last["cache"], first["cache"]) == ("HIT", "MISS")


def test_a_connection_serves_one_request_unless_it_may_serve_more(make: Make) -> None:
    answer = make().ask("/0-1.m4s")
    assert answer.headers["Connection"] == "close"


def test_a_connection_may_serve_more(make: Make) -> None:
    answer = make(cache=", keep_alive: true").ask("/0-1.m4s")
    assert answer.headers["Connection"] == "keep-alive"


def test_without_the_origin_a_cache_serves_what_it_has(make: Make) -> None:
    web = make()
    body = web.ask("/0-1.m4s").body
    web.stop("web")
    assert web.ask("/0-1.m4s").body == body
    assert web.ask("/0-2.m4s").status == 502
    web.start("web")
    assert web.ask("/0-2.m4s").status == 200


def test_when_the_cache_dies_in_an_answer_the_origin_has_the_rest(make: Make) -> None:
    web = make(origin=", rate: 800kbit")
    body = (web.content / "1-4.m4s").read_bytes()
    with web.connect() as connection:
        connection.sendall(b"GET /1-4.m4s HTTP/1.1\r\nHost: video\r\n\r\n")
        got = connection.recv(10_000)
        web.processes["mar1"].send_signal(signal.SIGKILL)
        with suppress(ConnectionResetError):
            while piece := connection.recv(1 << 16):
                got += piece
    assert 0 < len(got) < len(body)
    eventually(lambda: f":{CACHE_PORT}" not in web.router.run("ss", "-Hltn").stdout)
    assert web.ask("/1-4.m4s").body == body
    eventually(lambda: [r["uri"] for r in web.events("http_request", "web") if r["complete"]])
    assert [r["uri"] for r in web.logged("web", 1) if r["complete"]] == ["/1-4.m4s"]


@pytest.fixture
def own_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Videos are kept where a test may change them."""
    made = Content(8_000_000_000, 2_000_000_000, (200_000, 600_000)).ensure(print)
    shutil.copytree(made, tmp_path / "videos" / made.name)
    monkeypatch.setattr(content, "CACHE", tmp_path / "videos")
    return tmp_path / "videos" / made.name


def age(web: WebCache, path: str) -> None:
    """Wait until what the cache has of a path is too old."""
    eventually(lambda: web.ask(path) and web.events("http_request", "web"))


def test_what_has_become_stale_is_asked_for_again_and_only_fetched_if_it_is_new(
    make: Make, own_content: Path
) -> None:
    web = make(origin=", max_age: 1s", cache=", filled: true")
    old = (own_content / "0-1.m4s").read_bytes()
    age(web, "/0-1.m4s")
    assert web.ask("/0-1.m4s").body == old
    (request, *_) = web.logged("web", 1)
    assert (request["status"], request["bytes"]) == (304, 0)
    new = b"another picture"
    (own_content / "0-2.m4s").write_bytes(new)
    assert web.ask("/0-2.m4s").body == new
    assert web.ask("/0-2.m4s").body == new


def test_what_is_stale_is_used_while_the_origin_is_down(make: Make, own_content: Path) -> None:
    web = make(origin=", max_age: 1s", cache=", filled: true")
    age(web, "/0-1.m4s")
    web.stop("web")
    answer = web.ask("/0-2.m4s")
    assert (answer.status, answer.body) == (200, (own_content / "0-2.m4s").read_bytes())
    eventually(lambda: web.words("/0-2.m4s") == ["STALE"])


def test_a_cache_whose_disk_is_full_gives_way_to_the_origin(make: Make) -> None:
    web = make(cache=", disk: 200000")
    names = [f"1-{n}.m4s" for n in range(1, 5)]
    for name in names:
        with suppress(http.client.IncompleteRead, ConnectionError):
            web.ask(f"/{name}")
        if web.events("disk_full"):
            break
    assert [event["node"] for event in eventually(lambda: web.events("disk_full"))] == ["mar1"]
    eventually(lambda: f":{CACHE_PORT}" not in web.router.run("ss", "-Hltn").stdout)
    for name in names:
        assert web.ask(f"/{name}").body == (web.content / name).read_bytes()
    assert web.processes["mar1"].poll() is None
