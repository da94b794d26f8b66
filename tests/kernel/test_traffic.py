from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.kernel.scheduling import SOURCE
from agents.wire import ipv6
from emu.traffic import arrivals, listener, ping, source
from tests.event_log import read_events
from tests.kernel.packets import capture
from tests.kernel.packets import wait_for as packet
from tests.kernel.processes import SECOND, Process, starter, wait_for
from tests.namespaces import Namespace, Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

ECHO_REPLY = 129
LEFT, RIGHT = "2001:db8:1::1", "2001:db8:1::2"
Start = Callable[[Namespace, Any, dict[str, Any]], Process]


@pytest.fixture
def hosts(namespaces: Namespaces) -> tuple[Namespace, Namespace]:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "a", right, "b", f"{LEFT}/64", f"{RIGHT}/64")
    return left, right


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    with starter(tmp_path) as function:
        yield function


def events(path: Path) -> list[dict[str, Any]]:
    return read_events(path / "events.jsonl")


def sending(path: Path, **changes: Any) -> dict[str, Any]:
    return {
        "node": "src", "flow": "C1", "flow_id": 7, "group": "ff3e::c1", "port": 5001,
        "interface": "a", "packet": 1316, "interval_ns": SECOND // 200, "stop_ns": None,
        "sent": str(path / "sent.bin"), "events": str(path / "events.jsonl"), **changes,
    }  # fmt: skip


def listening(path: Path, **changes: Any) -> dict[str, Any]:
    return {
        "node": "mn1", "flow": "C1→mn1", "flow_id": 7, "group": "ff3e::c1", "port": 5001,
        "source": LEFT, "interface": "b", "start_ns": 0, "stop_ns": None,
        "arrivals": str(path / "arrivals.bin"), "events": str(path / "events.jsonl"), **changes,
    }  # fmt: skip


def pinging(path: Path, **changes: Any) -> dict[str, Any]:
    return {
        "node": "mn1", "flow": "ping", "flow_id": 70_001, "remote": LEFT,
        "interval_ns": SECOND // 100, "arrivals": str(path / "arrivals.bin"),
        "sent": str(path / "sent.bin"), "events": str(path / "events.jsonl"), **changes,
    }  # fmt: skip


def is_member(host: Namespace) -> bool:
    """Whether it listens; its log says "joined" when it is about to."""
    return "ff3e::c1" in host.run("ip", "-6", "maddress", "show", "dev", "b").stdout


@pytest.mark.parametrize("wanted", [LEFT, None])
def test_a_stream_from_source_to_listener(
    tmp_path: Path, hosts: tuple[Namespace, Namespace], start: Start, wanted: str | None
) -> None:
    left, right = hosts
    receiver = start(right, listener.main, listening(tmp_path, source=wanted))
    eventually(lambda: is_member(right))
    begin = time.monotonic_ns() + SECOND // 10
    sender = start(
        left, source.main, sending(tmp_path, start_ns=begin, stop_ns=begin + SECOND // 2)
    )
    sender.finish()
    time.sleep(0.05)
    receiver.signal(signal.SIGTERM)
    receiver.finish()
    sent, got = arrivals.read(tmp_path / "sent.bin"), arrivals.read(tmp_path / "arrivals.bin")
    assert sent[:, 0].tolist() == got[:, 0].tolist() == list(range(100))
    assert (sent[:, 1] == begin + np.arange(100) * (SECOND // 200)).all()
    assert (sent[:, 2] >= sent[:, 1]).all()
    assert (got[:, 1] == sent[:, 2]).all()
    assert (got[:, 2] > got[:, 1] - 100_000).all()  # the clocks' offset is known to microseconds
    assert (got[:, 2] < time.monotonic_ns()).all()
    kinds = {event["kind"]: event for event in events(tmp_path)}
    assert kinds["flow_started"]["local"] == LEFT
    assert (kinds["flow_stopped"]["sent"], kinds["left"]["received"]) == (100, 100)


def test_who_sends_at_a_rate_runs_before_what_is_ordinary(
    tmp_path: Path, hosts: tuple[Namespace, Namespace], start: Start
) -> None:
    """What a busy machine had not let it send in an outage would not be lost in it."""
    left, right = hosts
    receiver = start(right, listener.main, listening(tmp_path))
    wait_for(tmp_path / "events.jsonl", "joined")
    now = time.monotonic_ns()
    sender = start(left, source.main, sending(tmp_path, start_ns=now))
    pinger = start(right, ping.main, pinging(tmp_path, start_ns=now, stop_ns=None))
    for process in (sender, pinger):
        eventually(lambda pid=process.pid: os.sched_getparam(pid).sched_priority == SOURCE)
    assert os.sched_getparam(receiver.pid).sched_priority == 0
    for process in (sender, pinger, receiver):
        process.signal(signal.SIGTERM)
        process.finish()


def test_a_listener_takes_only_its_flow_and_source(
    tmp_path: Path, hosts: tuple[Namespace, Namespace], start: Start
) -> None:
    left, right = hosts
    other = start(right, listener.main, listening(tmp_path, source="2001:db8:1::9"))
    numbered = {"flow": "C2→mn1", "flow_id": 8, "arrivals": str(tmp_path / "other.bin")}
    stranger = start(right, listener.main, listening(tmp_path, **numbered))
    wait_for(tmp_path / "events.jsonl", "C2")
    wait_for(tmp_path / "events.jsonl", "C1")
    now = time.monotonic_ns()
    start(left, source.main, sending(tmp_path, start_ns=now, stop_ns=now + SECOND // 5)).finish()
    for process in (other, stranger):
        process.signal(signal.SIGTERM)
        process.finish()
    assert len(arrivals.read(tmp_path / "sent.bin")) == 40
    assert len(arrivals.read(tmp_path / "arrivals.bin")) == 0
    assert len(arrivals.read(tmp_path / "other.bin")) == 0


def test_a_listener_joins_and_leaves_on_signals(
    tmp_path: Path, hosts: tuple[Namespace, Namespace], start: Start
) -> None:
    left, right = hosts
    receiver = start(right, listener.main, listening(tmp_path, start_ns=None))
    sender = start(left, source.main, sending(tmp_path, start_ns=0 + time.monotonic_ns()))
    wait_for(tmp_path / "events.jsonl", "flow_started")
    assert not is_member(right)
    receiver.signal(signal.SIGUSR1)
    eventually(lambda: is_member(right))
    with capture(right, "b") as frames:
        packet(frames, lambda whole: whole[6] == socket.IPPROTO_UDP)
    receiver.signal(signal.SIGUSR2)
    receiver.finish()
    assert not is_member(right)
    sender.signal(signal.SIGTERM)
    sender.finish()
    got = arrivals.read(tmp_path / "arrivals.bin")[:, 0]
    assert 0 < len(got) < len(arrivals.read(tmp_path / "sent.bin"))


def test_a_source_without_carrier_goes_on_counting(
    tmp_path: Path, hosts: tuple[Namespace, Namespace], start: Start
) -> None:
    left, right = hosts
    begin = time.monotonic_ns() + SECOND // 10
    sender = start(left, source.main, sending(tmp_path, start_ns=begin, stop_ns=begin + 3 * SECOND))
    wait_for(tmp_path / "events.jsonl", "flow_started")
    right.run("ip", "link", "set", "dev", "b", "down")
    left.run("ip", "link", "set", "dev", "a", "down")
    sender.finish()
    assert len(arrivals.read(tmp_path / "sent.bin")) == 600
    assert events(tmp_path)[-1]["errors"] > 0


def test_ping(tmp_path: Path, hosts: tuple[Namespace, Namespace], start: Start) -> None:
    _, right = hosts
    begin = time.monotonic_ns() + SECOND // 2
    times = {"start_ns": begin, "stop_ns": begin + 2 * SECOND, "linger_ns": SECOND // 2}
    start(right, ping.main, pinging(tmp_path, **times)).finish()
    sent, got = arrivals.read(tmp_path / "sent.bin"), arrivals.read(tmp_path / "arrivals.bin")
    count = len(sent)  # 200 unless this process started late: what was due before is skipped
    assert 0 < count <= 200
    assert sent[:, 0].tolist() == got[:, 0].tolist() == list(range(count))
    assert (got[:, 1] == sent[:, 2]).all()
    assert (got[:, 2] > got[:, 1]).all()
    started, stopped = events(tmp_path)
    assert (started["kind"], started["local"]) == ("flow_started", RIGHT)
    assert (stopped["sent"], stopped["received"]) == (count, count)


def is_reply(whole: bytes) -> bool:
    return whole[6] == ipv6.ICMPV6 and whole[40] == ECHO_REPLY


def test_a_ping_keeps_the_address_it_started_with(
    tmp_path: Path, hosts: tuple[Namespace, Namespace], start: Start
) -> None:
    left, right = hosts
    right.add_address("b", "2001:db8:1::3/64")
    right.run(
        "ip", "address", "change", f"{RIGHT}/64", "dev", "b", "preferred_lft", "0"
    )  # deprecated: the other one is preferred now
    process = start(right, ping.main, pinging(tmp_path, start_ns=time.monotonic_ns(), stop_ns=None))
    wait_for(tmp_path / "events.jsonl", "flow_started")
    with capture(left, "a") as packets:
        packet(packets, is_reply)
        right.run("ip", "address", "change", f"{RIGHT}/64", "dev", "b", "preferred_lft", "forever")
        right.run("ip", "address", "change", "2001:db8:1::3/64", "dev", "b", "preferred_lft", "0")
        mark = time.monotonic_ns()
    with capture(left, "a") as packets:
        for _ in range(2):  # the first may answer what was sent before
            packet(packets, is_reply)
    process.signal(signal.SIGTERM)
    process.finish()
    assert events(tmp_path)[0]["local"] == "2001:db8:1::3"
    assert (arrivals.read(tmp_path / "arrivals.bin")[:, 1] > mark).any()


def test_a_flow_waits_for_its_first_address(
    tmp_path: Path, namespaces: Namespaces, start: Start
) -> None:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "a", right, "b", f"{LEFT}/64")
    right.run("ip", "route", "add", "default", "dev", "b")
    begin = time.monotonic_ns()
    times = {"start_ns": begin, "stop_ns": begin + 2 * SECOND, "linger_ns": 0}
    process = start(right, ping.main, pinging(tmp_path, **times))
    time.sleep(0.2)
    right.run("ip", "address", "add", f"{RIGHT}/64", "dev", "b", "nodad")
    with capture(left, "a") as frames:
        packet(frames, is_reply)
    process.signal(signal.SIGTERM)
    process.finish()
    assert events(tmp_path)[0]["local"] == RIGHT
    assert 0 < len(arrivals.read(tmp_path / "sent.bin")) < 180


def test_a_flow_without_any_address_says_so(
    tmp_path: Path, namespaces: Namespaces, start: Start
) -> None:
    alone = namespaces.new()
    begin = time.monotonic_ns()
    times = {"start_ns": begin, "stop_ns": begin + SECOND // 5}
    start(alone, ping.main, pinging(tmp_path, **times)).finish()
    (failed,) = events(tmp_path)
    assert failed["kind"] == "flow_failed"
