"""Throughput and loss over time add up to what the record has of each flow."""

from __future__ import annotations

import pytest

from emu.live.throughput import samples, width_ns
from emu.measure import flows
from emu.measure.run import Run
from emu.measure.stream import Stream
from tests.small_run import MS, SECOND, event, flow, small_run, steady
from tests.synthetic_record import write_record


@pytest.mark.parametrize("width", [100 * MS, 250 * MS, 3 * SECOND])
def test_bins_add_up_to_the_record(tmp_path, width):
    run = Run(write_record(tmp_path, runs=1) / "runs/1", 1)
    for description in run.meta["flows"]:
        stream = Stream(run, description)
        found = samples(stream, width, 0, 13 * SECOND // width + 1)
        record = flows.describe(stream)
        if stream.is_tcp:
            assert sum(one["bytes"] for one in found) == stream.progress[-1, 0]
            continue
        for name in ("received", "lost"):
            assert sum(one[name] for one in found) == record[name] > 0


def test_what_was_lost_was_lost_when_it_was_sent(tmp_path):
    sent, arrivals = steady(200, missing=range(50, 60))
    run = small_run(tmp_path, flows=[flow()], sent=sent, arrivals=arrivals,
                    events=[event(0, "mn1", "joined", flow="C1→mn1")])  # fmt: skip
    found = samples(Stream(run, run.meta["flows"][0]), 250 * MS, 0, 8)
    assert [one["lost"] for one in found] == [0, 0, 10, 0, 0, 0, 0, 0]
    assert [one["received"] for one in found] == [25, 25, 15, 25, 25, 25, 25, 25]
    assert {one["delay_ms"] for one in found} == {5.0}
    assert {one["bytes"] for one in found} == {None}


def test_where_no_file_tells_when_a_packet_was_sent_its_neighbours_do(tmp_path):
    _, arrivals = steady(201, missing=[0, *range(100, 120)])
    udp = flow("udp", "iperf3", protocol="udp", sent=None, packet=1200)
    run = small_run(tmp_path, flows=[udp], arrivals=arrivals)
    found = samples(Stream(run, run.meta["flows"][0]), 500 * MS, 0, 4)
    assert [one["lost"] for one in found] == [0, 0, 20, 0]
    assert found[0]["bytes"] == 49 * 1200


def test_part_of_the_bins_is_that_part_of_all(tmp_path):
    sent, arrivals = steady(300, missing=[7, 8, 120])
    run = small_run(tmp_path, flows=[flow()], sent=sent, arrivals=arrivals)
    stream = Stream(run, run.meta["flows"][0])
    whole = samples(stream, 250 * MS, 0, 12)
    assert samples(stream, 250 * MS, 3, 9) == whole[3:9]
    assert [one["bin"] for one in whole] == list(range(12))


def test_nothing_arrived(tmp_path):
    run = small_run(tmp_path, flows=[flow()])
    found = samples(Stream(run, run.meta["flows"][0]), SECOND, 0, 2)
    assert [(one["received"], one["lost"], one["delay_ms"]) for one in found] == [(0, 0, None)] * 2


def test_bins_of_a_long_run_are_wider():
    assert width_ns(60 * SECOND) == 250 * MS
    assert width_ns(3600 * SECOND) == 3 * SECOND
