"""SIPp at both ends of a call, in two namespaces, and what captures there say of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from emu.measure import capture, pcapng
from emu.services import sipp
from emu.services.call_packets import datagrams, sip_messages, voice
from tests.event_log import read_events
from tests.kernel.processes import SECOND, Process, starter, wait_for
from tests.namespaces import Namespace, Namespaces
from tests.patience import eventually

pytestmark = pytest.mark.root

LEFT, RIGHT, LATER = "2001:db8:1::1", "2001:db8:1::2", "2001:db8:1::3"
FRAME_NS = 20_000_000
PORT = 5060
PORTS = range(PORT, PORT + 8)


@pytest.fixture
def hosts(namespaces: Namespaces) -> tuple[Namespace, Namespace]:
    left, right = namespaces.new(), namespaces.new()
    namespaces.link(left, "a", right, "b", f"{LEFT}/64", f"{RIGHT}/64")
    return left, right


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Any]:
    with starter(tmp_path) as function:
        yield function


def end(path: Path, role: str, **changes: Any) -> dict[str, Any]:
    return {
        "service": "call", "node": "mn1" if role == "caller" else "server1", "role": role,
        "remote": RIGHT, "port": PORT, "folder": str(path / "calls"),
        "speech_seeds": {"caller": 1, "callee": 2},
        "start_ns": 0, "stop_ns": 2 * SECOND,
        "events": str(path / "events.jsonl"), **changes,
    }  # fmt: skip


def events(path: Path) -> list[dict[str, Any]]:
    return read_events(path / "events.jsonl")


def wait_for_event(path: Path, kind: str) -> dict[str, Any]:
    return eventually(lambda: next((e for e in events(path) if e["kind"] == kind), None))


def policies(pid: int, thread: str) -> set[int]:
    """How a process's threads are scheduled that have such a name."""
    tasks = list(Path(f"/proc/{pid}/task").iterdir())
    names = {task: (task / "comm").read_text(encoding="ascii") for task in tasks}
    return {
        os.sched_getscheduler(int(task.name))
        for task, name in names.items()
        if name.startswith(thread)
    }


def capturing(start: Any, path: Path, hosts: tuple[Namespace, Namespace]) -> tuple[Process, list]:
    holders = [host.spawn(["sleep", "60"]) for host in hosts]
    names = (("mn1", "a"), ("server1", "b"))
    config = {
        "interfaces": [[holder.pid, *name] for holder, name in zip(holders, names, strict=True)],
        "directory": str(path / "captures"),
        "udp": {"nodes": ["mn1", "server1"], "ports": [PORTS[0], PORTS[-1]]},
        "ready": str(path / "ready"),
    }
    process = start(hosts[0], capture.main, config)
    wait_for(path / "ready")
    return process, holders


def test_a_call_is_one_dialog_with_voice_both_ways_from_one_address_whatever_becomes_of_routes(
    tmp_path: Path, hosts: tuple[Namespace, Namespace], start: Any
) -> None:
    left, right = hosts
    capturer, holders = capturing(start, tmp_path, hosts)
    answering, needed = answering_at(right, tmp_path, start)
    now = time.monotonic_ns() + SECOND
    stop = now + 2 * SECOND + needed
    calling = start(left, sipp.main, end(tmp_path, "caller", start_ns=now, stop_ns=stop))
    assert wait_for_event(tmp_path, "call_started")["address"] == LEFT
    eventually((tmp_path / "calls" / "call.caller.peer").exists)  # both speak from now on
    eventually(lambda: os.SCHED_FIFO in policies(calling.pid, "speaker"))  # in time
    time.sleep(0.6)
    left.run("ip", "address", "add", f"{LATER}/64", "dev", "a", "nodad")
    left.run("ip", "address", "change", f"{LEFT}/64", "dev", "a", "preferred_lft", "0")
    left.run("ip", "route", "add", "unreachable", f"{RIGHT}/128")
    time.sleep(0.3)
    left.run("ip", "route", "del", "unreachable", f"{RIGHT}/128")
    calling.finish()
    for process in (answering, capturer):
        process.signal(signal.SIGTERM)
        process.finish()
    for holder in holders:
        holder.kill()
        holder.wait()
    assert wait_for_event(tmp_path, "call_ended")["reason"] is None
    captures = [pcapng.read(path) for path in (tmp_path / "captures").glob("*.pcapng")]
    ours, theirs = (datagrams(captures, node, PORTS) for node in ("mn1", "server1"))
    assert {(d.outbound, d.source) for d in ours} == {
        (True, bytes.fromhex("20010db8000100000000000000000001")),
        (False, bytes.fromhex("20010db8000100000000000000000002")),
    }
    messages = sip_messages(ours)
    # A busy machine may have one sent again.
    assert {(message.name, message.number) for message in messages} == {
        ("INVITE", "1 INVITE"), ("180", "1 INVITE"), ("200", "1 INVITE"), ("ACK", "1 ACK"),
        ("BYE", "2 BYE"), ("200", "2 BYE"),
    }  # fmt: skip
    assert len({message.call_id for message in messages}) == 1
    assert not any(message.reinvites for message in messages)
    for outbound in (True, False):
        sent = voice([d for d in (ours if outbound else theirs) if d.outbound])
        received = voice([d for d in (theirs if outbound else ours) if not d.outbound])
        assert len(sent) == len(received)
        assert 0.4 < len(sent) * FRAME_NS / (stop - now) < 1.05
        assert [one.header for one in received] == [one.header for one in sent]
        assert {one.header.payload_type for one in sent} == {8}
        assert {one.speech for one in sent} == {True, False}
        # Without a route nothing is sent; what was due meanwhile is lost, and the voice goes on.
        numbers = [one.header.sequence for one in sent]
        jumps = [(b - a) % 2**16 for a, b in pairwise(numbers)]
        assert sorted(jumps)[-1] > 10 if outbound else set(jumps) == {1}
        assert sent[-1].time_ns > stop - SECOND // 5


def answering_at(host: Namespace, path: Path, start: Any) -> tuple[Process, int]:
    """A callee, and how long its start took, in ns: an emulated machine takes its time."""
    began = time.monotonic_ns()
    process = start(host, sipp.main, end(path, "callee"))
    wait_for_event(path, "service_ready")
    return process, time.monotonic_ns() - began


def test_a_call_whose_invitation_is_lost_at_first_lasts_as_long(
    tmp_path: Path, hosts: tuple[Namespace, Namespace], start: Any
) -> None:
    """It is answered more than a second late, and hangs up as much later."""
    left, right = hosts
    answering, needed = answering_at(right, tmp_path, start)
    right.run("ip", "link", "set", "dev", "b", "down")
    now = time.monotonic_ns() + SECOND
    span = {"start_ns": now, "stop_ns": now + 4 * SECOND + needed}
    calling = start(left, sipp.main, end(tmp_path, "caller", **span))
    wait_for_event(tmp_path, "call_started")
    time.sleep(0.7)
    right.run("ip", "link", "set", "dev", "b", "up")
    right.run("ip", "address", "replace", f"{RIGHT}/64", "dev", "b", "nodad")
    calling.finish()
    answering.signal(signal.SIGTERM)
    answering.finish()
    assert wait_for_event(tmp_path, "call_ended")["reason"] is None


def test_a_callee_that_is_not_there(
    tmp_path: Path, hosts: tuple[Namespace, Namespace], start: Any
) -> None:
    now = time.monotonic_ns()
    span = {"start_ns": now, "stop_ns": now + SECOND}
    calling = start(hosts[0], sipp.main, end(tmp_path, "caller", **span))
    calling.finish()
    assert wait_for_event(tmp_path, "call_ended")["reason"] == "the callee did not answer"


def test_a_caller_without_an_address(
    tmp_path: Path, hosts: tuple[Namespace, Namespace], start: Any
) -> None:
    hosts[0].run("ip", "address", "del", f"{LEFT}/64", "dev", "a")
    now = time.monotonic_ns()
    span = {"start_ns": now, "stop_ns": now + SECOND // 2}
    calling = start(hosts[0], sipp.main, end(tmp_path, "caller", **span))
    calling.finish()
    assert [(e["kind"], e["reason"]) for e in events(tmp_path)] == [
        ("call_ended", "it had no address")
    ]


def test_a_callee_whose_port_is_taken(
    tmp_path: Path, hosts: tuple[Namespace, Namespace], start: Any
) -> None:
    first = start(hosts[1], sipp.main, end(tmp_path, "callee"))
    wait_for_event(tmp_path, "service_ready")
    second = start(hosts[1], sipp.main, end(tmp_path, "callee", service="other"))
    with pytest.raises(AssertionError):
        second.finish()
    (words,) = (
        path.read_text(encoding="utf-8") for path in tmp_path.glob("output*") if path.stat().st_size
    )
    assert f"SystemExit: [{RIGHT}]:{PORT + sipp.RTP_OFFSET} is not free for RTP" in words
    first.signal(signal.SIGTERM)
    first.finish()
