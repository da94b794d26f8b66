from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from emu.measure import disruption
from emu.measure.handovers import Handover
from emu.measure.stream import Stream
from tests.small_run import MS, SECOND, T0, Rows, event, flow, small_run, steady

DOWN = T0 + SECOND
HANDOVER = Handover(
    mn="mn1", origin="mar1", target="mar2",
    down_ns=DOWN, associated_ns=DOWN + 20 * MS, up_ns=DOWN + 20 * MS,
    until_ns=T0 + 3 * SECOND, since_ns=T0, attached_ns=DOWN + 21 * MS,
    update_ns=DOWN + 22 * MS, tested_ns=None,
    complete_ns=DOWN + 30 * MS, usable_ns=DOWN + 40 * MS,
    address_from_ns=DOWN + 30 * MS,
)  # fmt: skip


def mark(
    tmp_path: Path, arrivals: Rows, sent: Rows, handover: Handover = HANDOVER, **options: Any
) -> dict[str, Any] | None:
    what = options.pop("flow", flow())
    tmp_path.mkdir(exist_ok=True)
    run = small_run(tmp_path, flows=[what], arrivals=arrivals, sent=sent, **options)
    return disruption.around(Stream(run, what), handover)


def test_the_gap_less_the_interval(tmp_path: Path) -> None:
    sent, arrivals = steady(200, missing=range(100, 108))  # 995 ms … 1085 ms
    entry = mark(tmp_path, arrivals, sent)
    assert entry is not None
    assert entry["disruption_ms"] == 80
    assert (entry["lost"], entry["duplicated"], entry["reordered"]) == (8, 0, 0)
    assert (entry["delay_before_ms"], entry["delay_after_ms"]) == (5, 5)
    assert entry["recovered"] is True


def test_a_flow_that_noticed_nothing(tmp_path: Path) -> None:
    sent, arrivals = steady(200)
    entry = mark(tmp_path, arrivals, sent)
    assert entry is not None
    assert (entry["disruption_ms"], entry["lost"]) == (0, 0)


def test_a_longer_gap_elsewhere_is_not_the_handover(tmp_path: Path) -> None:
    sent, arrivals = steady(200, missing=[*range(20, 60), *range(100, 104)])
    entry = mark(tmp_path, arrivals, sent)
    assert entry is not None
    assert (entry["disruption_ms"], entry["lost"]) == (40, 4)


def test_the_gap_may_begin_after_link_down(tmp_path: Path) -> None:
    """At a receiver elsewhere, packets that were on their way still arrive."""
    sent, arrivals = steady(200, delay_ms=15, missing=range(101, 110))
    entry = mark(tmp_path, arrivals, sent)
    assert entry is not None
    assert (entry["disruption_ms"], entry["lost"]) == (90, 9)


def test_duplicates_and_reordering_at_the_handover_only(tmp_path: Path) -> None:
    sent, arrivals = steady(200, missing=range(100, 105))
    copy = [(110, arrivals[100][1], T0 + 1120 * MS), (3, arrivals[3][1], T0 + 60 * MS)]
    late = [(102, T0 + 1020 * MS, T0 + 1071 * MS)]
    entry = mark(tmp_path, [*arrivals, *copy, *late], sent)
    assert entry is not None
    assert (entry["duplicated"], entry["reordered"], entry["lost"]) == (1, 1, 4)


def test_the_delay_on_the_new_path(tmp_path: Path) -> None:
    sent, arrivals = steady(200, missing=range(100, 105))
    slower = [(n, at, received + (7 * MS if n >= 105 else 0)) for n, at, received in arrivals]
    entry = mark(tmp_path, slower, sent)
    assert entry is not None
    assert (entry["delay_before_ms"], entry["delay_after_ms"]) == (5, 12)


def test_a_flow_that_never_came_back(tmp_path: Path) -> None:
    sent, arrivals = steady(200)
    entry = mark(tmp_path, arrivals[:100], sent)
    assert entry is not None
    assert entry["recovered"] is False
    assert entry["disruption_ms"] == 2000 - 995 - 10  # a lower bound: until the flow's end
    assert entry["lost"] == 100
    assert entry["delay_after_ms"] is None


def test_a_flow_that_came_back_only_after_the_next_handover(tmp_path: Path) -> None:
    sent, arrivals = steady(200, missing=range(100, 150))
    entry = mark(tmp_path, arrivals, sent, replace(HANDOVER, until_ns=T0 + 1300 * MS))
    assert entry is not None
    assert entry["recovered"] is False
    assert entry["disruption_ms"] == 500


def test_losses_after_the_next_handover_belong_to_that(tmp_path: Path) -> None:
    sent, arrivals = steady(200, missing=[*range(100, 104), *range(131, 140)])
    entry = mark(tmp_path, arrivals, sent, replace(HANDOVER, until_ns=T0 + 1310 * MS))
    assert entry is not None
    assert entry["lost"] == 4


def test_nothing_had_arrived_before(tmp_path: Path) -> None:
    sent, arrivals = steady(200)
    entry = mark(tmp_path, arrivals[120:], sent)
    assert entry is not None
    assert (entry["disruption_ms"], entry["lost"], entry["recovered"]) == (None, None, True)


def test_flows_that_do_not_take_part(tmp_path: Path) -> None:
    sent, arrivals = steady(200)
    assert mark(tmp_path, arrivals, sent, flow=flow(to="mn2")) is None
    assert mark(tmp_path, arrivals, sent, flow=flow(start_ns=DOWN + SECOND // 2)) is None
    assert mark(tmp_path, arrivals, sent, flow=flow(stop_ns=DOWN - SECOND // 2)) is None


def test_a_listener_that_had_left(tmp_path: Path) -> None:
    sent, arrivals = steady(200)
    events = [event(at, "mn1", kind, flow="C1→mn1") for at, kind in ((0, "joined"), (500, "left"))]
    assert mark(tmp_path, arrivals[:50], sent, events=events) is None


def test_tcp_has_a_disruption_without_a_nominal_interval(tmp_path: Path) -> None:
    rows = [(n * 1448, 0, T0 + n * 10 * MS) for n in range(200) if not 101 <= n < 120]
    what = flow("tcp", "iperf3", protocol="tcp", interval_ns=None, sent=None)
    entry = mark(tmp_path, rows, [], flow=what)
    assert entry is not None
    assert (entry["disruption_ms"], entry["lost"], entry["delay_before_ms"]) == (200, None, None)


def test_a_copy_in_the_gap_does_not_end_it(tmp_path: Path) -> None:
    sent, arrivals = steady(200, missing=range(100, 120))  # 995 ms … 1205 ms
    copy = (98, arrivals[98][1], DOWN + 100 * MS)
    entry = mark(tmp_path, [*arrivals, copy], sent)
    assert entry is not None
    assert (entry["disruption_ms"], entry["lost"], entry["duplicated"]) == (200, 20, 1)


def test_an_old_packet_in_the_gap_does_not_end_it(tmp_path: Path) -> None:
    sent, arrivals = steady(200, missing=[90, *range(100, 120)])
    late = (90, sent[90][1], DOWN + 100 * MS)
    entry = mark(tmp_path, [*arrivals, late], sent)
    assert entry is not None
    assert (entry["disruption_ms"], entry["lost"], entry["reordered"]) == (200, 20, 1)


def test_a_listener_is_watched_while_it_listens(tmp_path: Path) -> None:
    """It leaves before the handover's last step, and the flow goes on."""
    sent, arrivals = steady(1000, missing=[*range(100, 110), *range(150, 1000)])
    events = [event(at, "mn1", kind, flow="C1→mn1") for at, kind in ((0, "joined"), (1500, "left"))]
    slow = replace(HANDOVER, usable_ns=DOWN + SECOND, until_ns=T0 + 10 * SECOND)
    what = flow(stop_ns=T0 + 10 * SECOND)
    end = {"events": events, "end_ns": T0 + 11 * SECOND}
    entry = mark(tmp_path, arrivals, sent, slow, flow=what, **end)
    assert entry is not None
    assert (entry["disruption_ms"], entry["lost"], entry["recovered"]) == (100, 10, True)


def test_a_listener_that_left_in_the_gap_had_it_until_then(tmp_path: Path) -> None:
    """That it listens again later does not end this gap."""
    sent, arrivals = steady(300, missing=range(100, 200))
    events = [
        event(at, "mn1", kind, flow="C1→mn1")
        for at, kind in ((0, "joined"), (1500, "left"), (2000, "joined"))
    ]
    what = flow(stop_ns=T0 + 3 * SECOND)
    entry = mark(tmp_path, arrivals, sent, flow=what, events=events)
    assert entry is not None
    assert (entry["disruption_ms"], entry["recovered"]) == (1500 - 995 - 10, False)
    assert entry["lost"] == 49  # one of 50 may have been on its way


def test_losses_over_two_handovers_count_once(tmp_path: Path) -> None:
    """The flow comes back only after the second one."""
    sent, arrivals = steady(300, missing=range(100, 180))
    again = T0 + 1300 * MS
    first = replace(HANDOVER, until_ns=again)
    second = replace(
        HANDOVER, down_ns=again, up_ns=again + 20 * MS, since_ns=first.done_ns,
        attached_ns=again + 21 * MS, complete_ns=again + 30 * MS, usable_ns=again + 40 * MS,
    )  # fmt: skip
    marks = [mark(tmp_path / str(n), arrivals, sent, h) for n, h in enumerate((first, second))]
    assert [entry and (entry["lost"], entry["recovered"]) for entry in marks] == [
        (30, False),
        (50, True),
    ]
