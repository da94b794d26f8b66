"""A call that goes on is scored as its record will score it, as soon as that is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emu.live.calls import SETTLED_NS, RunningCall, calls_of
from emu.live.watching import Watched
from emu.measure import pcapng
from emu.measure.run import Run
from emu.services import call_result
from tests.unit.test_call_result import (
    DOWN,
    DURATION,
    MS,
    PORTS,
    REALTIME_OFFSET,
    SECOND,
    T0,
    call,
    write,
)

SERVICES = {"talk": {"kind": "call", "from": "mn1", "to": "server1"}}
WINDOW_S = 2


class Growing:
    """Captures of a run that get longer, a part of a packet at the end of each."""

    def __init__(self, whole: Path, place: Path) -> None:
        self._place = place / "captures"
        self._place.mkdir()
        self._whole = whole / "captures"

    def grow(self, now: int) -> None:
        for path in self._whole.iterdir():
            data = path.read_bytes()
            captured = pcapng.read(path).packets
            later = sum(packet.time_ns - REALTIME_OFFSET > now for packet in captured)
            first = len(data) - sum(
                _size(p) for p in captured[len(captured) - later :]
            )  # the rest is the section's and the interface's
            (self._place / path.name).write_bytes(data[: first + 30])


def _size(packet: pcapng.Packet) -> int:
    """Of its block, with padding and the option of its direction."""
    return 32 + len(packet.data) + -len(packet.data) % 4 + 12


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, dict[int, list[dict[str, Any]]]]:
    """A run, and what was told when its time was so many ms."""
    whole, place = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("growing")
    run = write(whole)
    growing = Growing(whole, place)
    plan = {**run.meta, "scenario": {**run.meta["scenario"], "services": SERVICES}}
    (one,) = calls_of(place, plan)
    assert isinstance(one, RunningCall)
    messages = {}
    for ms in range(0, 11_000, 250):
        if ms > 0:
            growing.grow(T0 + ms * MS)
        messages[ms] = one.poll(T0 + ms * MS)
    return run, messages


def test_each_window_is_told_once_when_it_is_settled(
    told: tuple[Run, dict[int, list[dict[str, Any]]]],
) -> None:
    _, messages = told
    at = [(one["from"], one["at_s"]) for scores in messages.values() for one in scores]
    assert len(at) == len(set(at))
    assert len(at) == 2 * 10  # the voice goes on from 1.08 s to 8 s
    for ms, scores in messages.items():
        for one in scores:
            late_ms = ms - (one["at_s"] + WINDOW_S / 2) * 1000 - SETTLED_NS / MS
            assert 0 <= late_ms <= 250


def test_the_score_is_that_of_the_record(
    told: tuple[Run, dict[int, list[dict[str, Any]]]],
) -> None:
    run, messages = told
    record = call_result.describe(run, "talk", call(), PORTS)
    for direction in record["directions"]:
        live = [
            (one["at_s"], one["mos"])
            for scores in messages.values()
            for one in scores
            if one["from"] == direction["from"]
        ]
        assert live == [(one["at_s"], one["mos"]) for one in direction["over_time"]][: len(live)]
        worst_at_s, worst = min(live, key=lambda one: one[1])
        assert abs(worst_at_s - DOWN / SECOND) <= WINDOW_S
        assert worst < 4.0 < live[0][1]


def test_at_the_end_all_of_the_call_has_been_told(tmp_path: Path) -> None:
    run = write(tmp_path)
    services = {**run.meta["scenario"], "services": SERVICES}
    watched = Watched(1, tmp_path, {**run.meta, "scenario": services})
    (told,) = (content for kind, content in watched.ending() if kind == "scores")
    record = call_result.describe(run, "talk", call(), PORTS)
    for direction in record["directions"]:
        windows = [(one["at_s"], one["mos"]) for one in direction["over_time"]]
        live = [(one["at_s"], one["mos"]) for one in told if one["from"] == direction["from"]]
        assert live == windows


def test_a_run_without_calls_has_nothing_to_read(tmp_path: Path) -> None:
    plan = {"scenario": {"services": None, "duration": DURATION}, "t0_ns": T0}
    assert calls_of(tmp_path, plan) == []
