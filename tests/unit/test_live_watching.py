"""A run that goes on is told as it writes its files, and in the end as a replay tells it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emu.live.replay import throughput
from emu.live.throughput import width_ns
from emu.live.watching import CORRECTED_NS, SETTLED_NS, Watched
from emu.measure.run import Run
from emu.traffic import arrivals
from tests.small_run import MS, SECOND, T0, event, flow, steady
from tests.synthetic_record import T0 as BEGAN
from tests.synthetic_record import write_run

WIDTH = 250 * MS


class Growing:
    """A written run, whose files come to be bit by bit, up to what has happened at a time."""

    def __init__(self, whole: Path, place: Path) -> None:
        self.run = Run(whole, 1)
        self.place = place
        self._whole = whole
        files = {f[what] for f in self.run.meta["flows"] for what in ("arrivals", "sent")} - {None}
        self._rows = {file: arrivals.read(whole / file) for file in files}
        lines = (whole / "events.jsonl").read_bytes().splitlines(keepends=True)
        self._lines = sorted(lines, key=lambda line: json.loads(line)["t"])
        for folder in ("arrivals", "sent"):
            (place / folder).mkdir()

    def grow(self, now: int) -> None:
        """Write what has happened; of arrivals all but the last half second, and half a row."""
        text = b"".join(line for line in self._lines if json.loads(line)["t"] <= now)
        (self.place / "events.jsonl").write_bytes(text)
        for file, rows in self._rows.items():
            written = rows[rows[:, 2] <= now - SECOND // 2].astype("<i8").tobytes()
            (self.place / file).write_bytes(written + rows[len(written) // 24 :].tobytes()[:11])

    def finish(self) -> None:
        """Write it all."""
        self.grow(10**18)
        (self.place / "meta.json").write_bytes((self._whole / "meta.json").read_bytes())
        (self.place / "iperf").symlink_to(self._whole / "iperf")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Growing, dict[int, Any], list[Any]]:
    """A run, what was told when its time was so many ms, and what was told at its end."""
    place = tmp_path_factory.mktemp("growing")
    whole = tmp_path_factory.mktemp("whole")
    write_run(whole, 1, "growing", 1)
    growing = Growing(whole / "runs/1", place)
    watched = Watched(1, place, growing.run.meta)
    assert watched.beginning()[0] == "run"
    messages = {}
    for ms in range(0, 12_500, 250):
        growing.grow(BEGAN + ms * MS)
        messages[ms] = watched.poll(BEGAN + ms * MS)
    growing.finish()
    return growing, messages, watched.ending()


def _of_kind(messages: list[Any], kind: str) -> list[Any]:
    return [one for name, content in messages if name == kind for one in content]


def test_every_event_is_told_once_and_at_once(told):
    growing, messages, ending = told
    seen = []
    for ms, some in messages.items():
        events = _of_kind(some, "events")
        assert all(event["t"] <= BEGAN + ms * MS for event in events)
        assert all(event["t"] > BEGAN + (ms - 250) * MS for event in events) or ms == 0
        seen += events
    seen += _of_kind(ending, "events")
    logged = [(e["t"], e["node"], e["kind"]) for e in growing.run.events]
    assert [(e["t"], e["node"], e["kind"]) for e in seen] == logged


def test_throughput_and_loss_are_told_within_a_second_and_a_bin_and_stay_as_they_are(told):
    growing, messages, _ = told
    final = {(one["flow"], one["bin"]): one for one in throughput(growing.run, WIDTH)}
    known: dict[Any, Any] = {}
    for ms, some in messages.items():
        known |= {(one["flow"], one["bin"]): one for one in _of_kind(some, "throughput")}
        for number in range((ms * MS - SETTLED_NS) // WIDTH):
            for description in growing.run.meta["flows"]:
                key = description["flow"], number
                assert known[key] == final[key]


def test_in_the_end_all_is_as_in_a_replay(told):
    growing, _, ending = told
    assert width_ns(growing.run.meta["scenario"]["duration"]) == WIDTH
    assert _of_kind(ending, "throughput") == throughput(growing.run, WIDTH)
    assert ending[-1] == ("end", {})


def test_a_packet_that_comes_late_was_not_lost(tmp_path):
    sent, rows = steady(500)
    plan = {
        "scenario": {"name": "late", "duration": 5 * SECOND}, "seed": 1, "t0_ns": T0, "nodes": {},
        "links": [], "flows": [flow()],
    }  # fmt: skip
    joined = json.dumps(event(0, "mn1", "joined", flow="C1→mn1"))
    (tmp_path / "events.jsonl").write_text(joined + "\n", encoding="utf-8")
    late = rows.pop(100)
    _write(tmp_path / "sent.bin", sent[:300])
    _write(tmp_path / "arrivals.bin", rows[:299])
    watched = Watched(1, tmp_path, plan)
    first = _of_kind(watched.poll(T0 + 3 * SECOND), "throughput")
    assert [one["lost"] for one in first] == [0, 0, 0, 0, 1, 0, 0, 0]
    assert _of_kind(watched.poll(T0 + 3 * SECOND), "throughput") == []  # nothing is new
    _write(tmp_path / "arrivals.bin", [*rows[:299], (late[0], late[1], late[2] + 2 * SECOND)])
    second = _of_kind(watched.poll(T0 + 3 * SECOND + 1), "throughput")
    assert [(one["bin"], one["lost"]) for one in second] == [(4, 0)]
    assert CORRECTED_NS > 3 * SECOND


def _write(path: Path, rows: list[tuple[int, int, int]]) -> None:
    path.unlink(missing_ok=True)
    writer = arrivals.ArrivalsWriter(path)
    for row in rows:
        writer.append(*row)
    writer.close()
