from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from emu.traffic import arrivals, iperf
from tests.kernel.processes import SECOND, starter, wait_for
from tests.namespaces import Namespaces

pytestmark = pytest.mark.root

LEFT, RIGHT = "2001:db8:1::1", "2001:db8:1::2"


def config(path: Path, role: str, protocol: str, **changes: Any) -> dict[str, Any]:
    return {
        "node": role, "flow": "f", "role": role, "port": 5300, "protocol": protocol, "packet": 172,
        "json": str(path / f"{role}.json"), "events": str(path / "events.jsonl"), **changes,
    }  # fmt: skip


@pytest.mark.parametrize("reverse", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_stream_with_its_arrivals(
    tmp_path: Path, namespaces: Namespaces, protocol: str, reverse: bool
) -> None:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "a", right, "b", f"{LEFT}/64", f"{RIGHT}/64")
    rows = str(tmp_path / "arrivals.bin")
    begin = time.monotonic_ns() + SECOND // 5
    client = {
        "remote": LEFT, "rate": 4_000_000, "reverse": reverse, "start_ns": begin,
        "stop_ns": begin + SECOND, "arrivals": rows if reverse else None,
    }  # fmt: skip
    with starter(tmp_path) as start:
        processes = [
            start(
                left,
                iperf.main,
                config(tmp_path, "server", protocol, arrivals=None if reverse else rows),
            ),
            start(right, iperf.main, config(tmp_path, "client", protocol, **client)),
        ]
        for process in processes:
            process.finish()
    report = json.loads((tmp_path / "client.json").read_text(encoding="utf-8"))
    assert report["end"]
    got = arrivals.read(rows)
    assert (got[:, 2] >= begin).all()
    if protocol == "udp":
        assert got[:, 0].tolist() == list(range(1, len(got) + 1))
        assert abs(len(got) - report["end"]["sum"]["packets"]) <= 1
        delays = got[:, 2] - got[:, 1]
        assert (delays > -10_000).all()
        assert (delays < SECOND).all()
    else:
        assert got[0, 0] == 0
        received = report["end"]["sum_received"]["bytes"]
        assert got[:, 0].max() == pytest.approx(received, rel=0.3)
    started = json.loads((tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert (started["kind"], started["local"]) == ("flow_started", RIGHT)


def test_a_client_waits_for_its_server(tmp_path: Path, namespaces: Namespaces) -> None:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "a", right, "b", f"{LEFT}/64", f"{RIGHT}/64")
    rows = str(tmp_path / "arrivals.bin")
    begin = time.monotonic_ns()
    client = {"start_ns": begin, "stop_ns": begin + 4 * SECOND, "remote": LEFT, "rate": 1_000_000}
    with starter(tmp_path) as start:
        first = start(right, iperf.main, config(tmp_path, "client", "tcp", arrivals=None, **client))
        wait_for(tmp_path / "client.json", "unable to connect")
        second = start(left, iperf.main, config(tmp_path, "server", "tcp", arrivals=rows))
        first.finish()
        second.finish()
    assert (
        json.loads((tmp_path / "client.json").read_text(encoding="utf-8"))["end"]["sum_received"][
            "bytes"
        ]
        > 0
    )
    assert arrivals.read(rows)[0, 0] == 0


def test_a_client_that_cannot_reach_its_server_ends(tmp_path: Path, namespaces: Namespaces) -> None:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "a", right, "b", f"{LEFT}/64", f"{RIGHT}/64")
    left.run("ip", "link", "set", "dev", "a", "down")
    begin = time.monotonic_ns()
    times = {"start_ns": begin, "stop_ns": begin + SECOND // 2, "linger_ns": SECOND // 5}
    with starter(tmp_path) as start:
        client = {**times, "remote": LEFT, "rate": None, "arrivals": None, "address": RIGHT}
        start(right, iperf.main, config(tmp_path, "client", "tcp", **client)).finish()
    stopped = json.loads((tmp_path / "events.jsonl").read_text(encoding="utf-8").splitlines()[-1])
    assert stopped["kind"] == "flow_stopped"
    assert stopped["status"] != 0
