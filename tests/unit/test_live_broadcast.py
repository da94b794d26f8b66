"""The page of runs that go on has a server of its own, and what happens to it stays there."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest

from emu.live.broadcast import NoPage, broadcast
from tests.small_run import SECOND, T0, flow

PLAN: dict[str, Any] = {
    "scenario": {"name": "short", "duration": 2 * SECOND}, "seed": 1, "t0_ns": T0, "nodes": {},
    "links": [], "flows": [flow()],
}  # fmt: skip
PATIENCE_S = 10


def log(directory: Path, *kinds: str) -> None:
    with (directory / "events.jsonl").open("a", encoding="utf-8") as file:
        file.writelines(json.dumps({"t": T0, "node": "mn1", "kind": k}) + "\n" for k in kinds)


def kinds_until(answer: Any, last: str) -> list[str]:
    """The kinds of the events that a stream brings until one of a kind has come."""
    kinds: list[str] = []
    while last not in kinds:
        line = answer.readline()
        if line.startswith(b"data: ["):
            kinds += [event["kind"] for event in json.loads(line[6:]) if "kind" in event]
    return kinds


def test_viewers_get_what_a_run_writes_while_it_writes_it_and_then_the_end(tmp_path):
    with broadcast("short", 0) as page:
        about = json.loads(urlopen(page.address + "runs.json", timeout=PATIENCE_S).read())
        assert about == {"name": "short", "live": True, "runs": []}
        page.began(1, tmp_path, PLAN)
        log(tmp_path, "one")
        _wait_for_run(page.address)
        early = urlopen(page.address + "runs/1/events", timeout=PATIENCE_S)
        assert kinds_until(early, "one") == ["one"]
        log(tmp_path, "two")
        assert kinds_until(early, "two") == ["two"]
        late = urlopen(page.address + "runs/1/events", timeout=PATIENCE_S)
        assert kinds_until(late, "two") == ["one", "two"]
        log(tmp_path, "three")
        page.ended(1)
        assert kinds_until(early, "three") == kinds_until(late, "three") == ["three"]
        for stream in (early, late):
            assert b"event: end\ndata: {}\n\n" in stream.read()
    with pytest.raises(OSError, match="refused"):
        urlopen(page.address, timeout=PATIENCE_S)


def test_a_server_that_dies_is_no_matter_to_the_runs(tmp_path):
    with broadcast("short", 0) as page:
        page.began(1, tmp_path, PLAN)
        _wait_for_run(page.address)
        os.kill(page.pid, signal.SIGKILL)
        page._process.wait()
        for _ in range(4):
            log(tmp_path, "more")
            time.sleep(0.3)
        page.ended(1)


def test_a_server_that_stands_still_is_ended(tmp_path):
    with broadcast("short", 0) as page:
        page.began(1, tmp_path, PLAN)
        _wait_for_run(page.address)
        os.kill(page.pid, signal.SIGSTOP)
        log(tmp_path, *(["more"] * 20_000))  # more than a pipe holds
        time.sleep(0.5)
        page.ended(1)
    assert page._process.returncode == -signal.SIGKILL


def test_a_port_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(NoPage, match=rf"^port {port} of 127\.0\.0\.1: .*; choose another$"):
            broadcast("short", port).__enter__()


def test_the_port_is_the_one_that_was_asked_for():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with broadcast("short", port) as page:
        assert urlsplit(page.address).port == port


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another")
def test_under_sudo_the_server_is_the_callers(tmp_path, monkeypatch):
    monkeypatch.setenv("SUDO_UID", "65534")
    monkeypatch.setenv("SUDO_GID", "65534")
    try:
        with broadcast("short", 0) as page:
            status = Path(f"/proc/{page.pid}/status").read_text(encoding="utf-8")
    except NoPage as problem:  # this checkout is root's alone
        pytest.skip(str(problem))
    assert "Uid:\t65534\t65534\t65534\t65534" in status
    assert "Gid:\t65534\t65534\t65534\t65534" in status
    assert "CapEff:\t0000000000000000" in status
    assert "Groups:\t \n" in status


def _wait_for_run(address: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not json.loads(urlopen(address + "runs.json", timeout=PATIENCE_S).read())["runs"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
