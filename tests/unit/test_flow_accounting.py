from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from emu.measure import flows
from emu.measure.stream import Stream
from tests.small_run import MS, SECOND, T0, Rows, event, flow, small_run, steady


def reports(name: str) -> dict[str, str]:
    return {"sender_report": name, "receiver_report": name}


def described(tmp_path: Path, arrivals: Rows, sent: Rows, **options: Any) -> dict[str, Any]:
    what = options.pop("flow", flow())
    run = small_run(tmp_path, flows=[what], arrivals=arrivals, sent=sent, **options)
    return flows.describe(Stream(run, what))


def test_nothing_lost(tmp_path: Path) -> None:
    sent, arrivals = steady(100)
    entry = described(tmp_path, arrivals, sent)
    assert (entry["sent"], entry["received"], entry["lost"]) == (100, 100, 0)
    assert (entry["duplicated"], entry["reordered"]) == (0, 0)
    assert entry["delay_ms"] == {"min": 5, "median": 5, "p99": 5, "max": 5}


def test_losses(tmp_path: Path) -> None:
    sent, arrivals = steady(100, missing=(10, 11, 50, 99))
    entry = described(tmp_path, arrivals, sent)
    assert (entry["sent"], entry["received"], entry["lost"]) == (100, 96, 4)


def test_a_duplicate_is_received_once(tmp_path: Path) -> None:
    sent, arrivals = steady(20)
    copies = [(n, at, received + MS) for n, at, received in arrivals[5:8]]
    entry = described(tmp_path, [*arrivals, *copies, copies[0]], sent)
    assert (entry["received"], entry["lost"], entry["duplicated"]) == (20, 0, 4)
    assert entry["reordered"] == 0


def test_reordered_counts_the_late_packets(tmp_path: Path) -> None:
    sent, arrivals = steady(20)
    late = [(n, at, received + (25 * MS if n in (4, 9) else 0)) for n, at, received in arrivals]
    entry = described(tmp_path, late, sent)
    assert (entry["reordered"], entry["lost"], entry["duplicated"]) == (2, 0, 0)


def test_a_listener_counts_from_its_first_packet(tmp_path: Path) -> None:
    sent, arrivals = steady(100)
    joined = event(200, "mn1", "joined", flow="C1→mn1")
    entry = described(tmp_path, arrivals[30:], sent, events=[joined])
    assert (entry["sent"], entry["lost"]) == (70, 0)
    assert entry["join_ms"] == 105  # joined at 200 ms, packet 30 came at 305 ms


def test_packets_on_their_way_when_the_listener_left_are_not_lost(tmp_path: Path) -> None:
    sent, arrivals = steady(200, delay_ms=30)
    events = [
        event(-1, "mn1", "joined", flow="C1→mn1"),
        event(1000, "mn1", "left", flow="C1→mn1"),
    ]
    arrivals = [row for row in arrivals if row[2] <= T0 + SECOND]
    entry = described(tmp_path, arrivals, sent, events=events)
    assert (entry["sent"], entry["received"], entry["lost"]) == (98, 98, 0)


def test_a_listener_that_joins_twice_counts_both_times(tmp_path: Path) -> None:
    sent, arrivals = steady(200, delay_ms=0)
    events = [
        event(at, "mn1", kind, flow="C1→mn1")
        for at, kind in ((0, "joined"), (495, "left"), (1000, "joined"), (2500, "left"))
    ]
    here = [row for row in arrivals if not 50 <= row[0] < 100 and row[0] != 150]
    entry = described(tmp_path, here, sent, events=events)
    assert (entry["sent"], entry["received"], entry["lost"]) == (150, 149, 1)


def test_nothing_ever_arrived(tmp_path: Path) -> None:
    sent, _ = steady(100)
    entry = described(tmp_path, [], sent)
    assert (entry["sent"], entry["received"], entry["lost"]) == (100, 0, 100)
    assert entry["delay_ms"]["median"] is None
    assert entry["join_ms"] is None


def test_every_ping_counts(tmp_path: Path) -> None:
    sent, arrivals = steady(50, missing=range(10))
    entry = described(tmp_path, arrivals, sent, flow=flow("ping", "ping"))
    assert (entry["sent"], entry["lost"]) == (50, 10)


def test_iperf_udp_numbers_start_at_one_and_its_report_knows_the_last(tmp_path: Path) -> None:
    (tmp_path / "udp.json").write_text(
        json.dumps(
            {"end": {"sum_sent": {"packets": 30}, "sum_received": {"bits_per_second": 2e6}}}
        ),
        encoding="utf-8",
    )
    rows = [(n, T0 + n * MS, T0 + (n + 1) * MS) for n in range(1, 28) if n != 7]
    what = flow("udp", "iperf3", protocol="udp", sent=None, **reports("udp.json"))
    entry = described(tmp_path, rows, [], flow=what)
    assert (entry["sent"], entry["received"], entry["lost"]) == (30, 26, 4)
    assert entry["goodput_mbit_s"] == 2


@pytest.mark.parametrize("report", ["", "{", '{"error": "killed"}', '{"end": 5}'])
def test_tcp_has_no_losses_to_count_and_may_have_no_report(tmp_path: Path, report: str) -> None:
    (tmp_path / "tcp.json").write_text(report, encoding="utf-8")
    what = flow("tcp", "iperf3", protocol="tcp", sent=None, **reports("tcp.json"))
    entry = described(tmp_path, [(0, 0, T0), (1448, 0, T0 + MS)], [], flow=what)
    assert (entry["sent"], entry["lost"], entry["goodput_mbit_s"]) == (None, None, None)
    assert entry["delay_ms"]["max"] is None


def test_the_local_address_is_the_one_the_flow_started_with(tmp_path: Path) -> None:
    sent, arrivals = steady(5)
    started = event(0, "mn1", "flow_started", flow="ping", local="2001:db8::5", remote="::1")
    what = flow("ping", "ping")
    assert described(tmp_path, arrivals, sent, flow=what, events=[started])["local_address"] == (
        "2001:db8::5"
    )


LEFT_BY_EVENT = [
    event(-1, "mn1", "joined", flow="C1→mn1"),
    event(2000, "mn1", "left", flow="C1→mn1"),
]


def test_a_listener_whose_last_leave_ends_the_flow_loses_nothing_on_its_way(tmp_path: Path) -> None:
    sent = [(n, T0 + n * 5 * MS, T0 + n * 5 * MS) for n in range(401)]
    arrivals = [(n, at, at + 50 * MS) for n, _, at in sent if at + 50 * MS <= T0 + 2 * SECOND]
    entry = described(tmp_path, arrivals, sent, events=LEFT_BY_EVENT)
    assert (entry["sent"], entry["received"], entry["lost"]) == (391, 391, 0)


def test_the_last_packet_before_a_leave_may_be_as_late_as_the_machine_may_be(
    tmp_path: Path,
) -> None:
    """It would have come, and is no loss of the network's."""
    sent = [(n, T0 + n * 5 * MS, T0 + n * 5 * MS) for n in range(401)]
    arrivals = [(n, at, at + 2 * MS) for n, _, at in sent if at + 10 * MS < T0 + 2 * SECOND]
    entry = described(tmp_path, arrivals, sent, events=LEFT_BY_EVENT)
    assert (entry["sent"], entry["received"], entry["lost"]) == (398, 398, 0)


def test_losses_before_a_leave_count_though_one_packet_was_late(tmp_path: Path) -> None:
    """The last packet that came took 1.5 s; it says nothing about those that never came."""
    sent, arrivals = steady(201, missing=range(50, 151))
    late = (49, sent[49][1], sent[49][1] + 1500 * MS)
    here = [row for row in arrivals if row[2] <= T0 + 500 * MS]
    entry = described(tmp_path, [*here[:49], late], sent, events=LEFT_BY_EVENT)
    assert (entry["sent"], entry["received"], entry["lost"]) == (199, 50, 149)


def test_a_late_packet_in_between_hides_no_losses(tmp_path: Path) -> None:
    sent, arrivals = steady(201, missing=[30, *range(100, 201)])
    late = (30, sent[30][1], sent[30][1] + 1500 * MS)
    entry = described(tmp_path, [*arrivals, late], sent, events=LEFT_BY_EVENT)
    assert (entry["sent"], entry["received"], entry["lost"]) == (199, 100, 99)
