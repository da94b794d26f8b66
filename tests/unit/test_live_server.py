"""The page's server answers questions, and nothing that is sent to it changes anything."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from emu.live.feed import Feed
from emu.live.server import serving
from emu.measure import record
from tests.live_page import replaying
from tests.synthetic_record import write_record

PATIENCE_S = 10


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = write_record(tmp_path_factory.mktemp("live"), runs=2)
    record.build(directory)
    return directory


@pytest.fixture(scope="module")
def address(directory: Path) -> Iterator[str]:
    with replaying(directory) as address:
        yield address


def ask(address: str, request: str, host: str | None = None, *headers: str) -> tuple[int, str, str]:
    """Status, headers and body of the answer to a request line, sent as it is."""
    place = urlsplit(address)
    lines = [f"{request} HTTP/1.1", f"Host: {host or place.netloc}", "Connection: close", *headers]
    with socket.create_connection((place.hostname, place.port), PATIENCE_S) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        with connection.makefile("rb") as answer:
            head, _, body = answer.read().partition(b"\r\n\r\n")
    status, _, rest = head.decode().partition("\r\n")
    return int(status.split()[1]), rest, body.decode()


def messages(body: str) -> list[tuple[int, str, object]]:
    """The place, kind and content of server-sent events."""
    found = []
    for block in body.replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "data" in fields:
            found.append((int(fields["id"]), fields["event"], json.loads(fields["data"])))
    return found


def unchunked(address: str, path: str, *headers: str) -> list[tuple[int, str, object]]:
    """A whole stream, by HTTP/1.0, which has no chunks."""
    place = urlsplit(address)
    lines = [f"GET {path} HTTP/1.0", f"Host: {place.netloc}", *headers]
    with socket.create_connection((place.hostname, place.port), PATIENCE_S) as connection:
        connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        with connection.makefile("rb") as answer:
            return messages(answer.read().partition(b"\r\n\r\n")[2].decode())


@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "TRACE", "X"]
)
@pytest.mark.parametrize("path", ["/", "/runs.json", "/runs/1/events", "/elsewhere"])
def test_there_is_no_method_but_get(address, method, path):
    assert ask(address, f"{method} {path}")[0] == 405


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "127.0.0.1", "127.0.0.1:1", ""]
)
@pytest.mark.parametrize("path", ["/", "/main.js", "/runs.json", "/runs/1/events", "/elsewhere"])
def test_who_asks_for_another_host_is_refused(address, host, path):
    assert ask(address, f"GET {path}", host or " ")[0] in (400, 421)


def test_localhost_is_this_host(address):
    assert ask(address, "GET /runs.json", f"localhost:{urlsplit(address).port}")[0] == 200


@pytest.mark.parametrize(
    "path",
    [
        "/../server.py",
        "/..%2fserver.py",
        "/%2e%2e/server.py",
        "//etc/passwd",
        "/static/../../server.py",
        "/....//server.py",
        "/main.js/../../server.py",
        "/runs/../../../../etc/passwd",
        "/runs/3/events",
        "/runs/999999999999/events",
        "/runs/-1/events",
        "/record.json",
        "/__init__.py",
        "/main.js%00",
    ],
)
def test_nothing_is_served_but_the_page_and_the_runs(address, path):
    assert ask(address, f"GET {path}")[0] in (400, 403, 404)


@pytest.mark.parametrize("path", ["/", "/main.js", "/style.css", "/runs.json", "/elsewhere"])
def test_every_answer_forbids_to_load_from_elsewhere_and_to_be_embedded(address, path):
    _, head, _ = ask(address, f"GET {path}")
    headers = dict(line.split(": ", 1) for line in head.split("\r\n"))
    policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
    assert {policy[f"{what}-src"] for what in ("script", "style", "img", "connect")} == {"'self'"}
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert not any(name.startswith("Access-Control") for name in headers)


def test_it_listens_on_this_machine_alone(address):
    port = urlsplit(address).port
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.2", port), 2)
    with socket.socket(socket.AF_INET6) as outside:
        assert outside.connect_ex(("::1", port)) != 0


def test_a_run_comes_whole_and_in_order_and_from_where_a_viewer_was(address, directory):
    whole = unchunked(address, "/runs/2/events")
    assert [place for place, _, _ in whole] == list(range(len(whole)))
    assert [whole[0][1], whole[-1][1]] == ["run", "end"]
    events = [event for _, kind, content in whole if kind == "events" for event in content]
    lines = (directory / "events.jsonl").read_text(encoding="utf-8").splitlines()
    logged = [event for event in map(json.loads, lines) if event["run"] == 2]
    assert [(e["t"], e["node"], e["kind"]) for e in events] == [
        (e["t"], e["node"], e["kind"]) for e in logged
    ]
    assert unchunked(address, "/runs/2/events", "Last-Event-ID: 1") == whole[2:]
    assert unchunked(address, "/runs/2/events", "Last-Event-ID: nonsense") == whole


class Running:
    """A show with one run that goes on."""

    name, live = "running", True

    def __init__(self) -> None:
        self.only = Feed()

    def numbers(self) -> list[int]:
        return [1]

    async def feed(self, number: int) -> Feed | None:
        return self.only if number == 1 else None


async def _open(address: str, path: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    place = urlsplit(address)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=2**16)
    writer.write(f"GET {path} HTTP/1.0\r\nHost: {place.netloc}\r\n\r\n".encode())
    return reader, writer


def test_a_viewer_that_reads_nothing_holds_up_nobody_and_has_little_on_its_way():
    """There are 200 messages of 60 kB, 12 MB in all, of which a stuck viewer holds few."""

    async def scenario() -> None:
        show = Running()
        async with serving(show, 0) as address:
            stuck, _ = await _open(address, "/runs/1/events")
            quick, writer = await _open(address, "/runs/1/events")
            await quick.readuntil(b"\r\n\r\n")
            for number in range(200):
                show.only.add("events", [{"number": number, "filling": "x" * 60_000}])
                line = b""
                while not line.startswith(b"data: ["):
                    line = await asyncio.wait_for(_line(quick), PATIENCE_S)
                assert json.loads(line[6:])[0]["number"] == number
            unsent = [
                handler.request.connection.stream._write_buffer._size  # type: ignore[union-attr]
                for handler in _viewers()
            ]
            assert len(unsent) == 2
            assert max(unsent) < 200_000
            show.only.end()
            late = await asyncio.wait_for(_all(address), PATIENCE_S)
            assert [kind for _, kind, _ in late] == ["events"] * 200 + ["end"]
            writer.close()
            del stuck

    asyncio.run(scenario())


def test_a_viewer_that_goes_away_is_forgotten():
    async def scenario() -> None:
        show = Running()
        async with serving(show, 0) as address:
            reader, writer = await _open(address, "/runs/1/events")
            await reader.readuntil(b"\r\n\r\n")
            assert len(_viewers()) == 1
            writer.transport.abort()
            for _ in range(40):
                await asyncio.sleep(0.1)
                if not _viewers():
                    break
            assert not _viewers()

    asyncio.run(scenario())


def _viewers():
    from emu.live.server import _Events

    return _Events.viewers


async def _line(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while not parts or not parts[-1].endswith(b"\n"):
        try:
            parts.append(await reader.readuntil(b"\n"))
        except asyncio.LimitOverrunError as more:
            parts.append(await reader.readexactly(more.consumed))
    return b"".join(parts)


async def _all(address: str) -> list[tuple[int, str, object]]:
    reader, writer = await _open(address, "/runs/1/events")
    answer = await reader.read(-1)
    writer.close()
    return messages(answer.partition(b"\r\n\r\n")[2].decode())
