"""The walking call of experiments/walking-call: its walks, and what it makes of a sweep's table."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pandas as pd
import pytest
import scripts

from emu.analysis import reach
from emu.scenario.events import Handover
from emu.scenario.loader import parse
from emu.sweep.loader import plan

CALL_S = 180


@pytest.fixture(scope="module")
def script() -> ModuleType:
    return scripts.script("walking-call/walk.py")


def row(handover: int, before: float, after: float, **values: Any) -> dict[str, Any]:
    common = {"scheme": "network", "walk": "5-kmh-100-m", "seed": 1, "flow": "call-to-peer"}
    found = {"handover": handover, "delay_before_ms": before, "delay_after_ms": after}
    return {**common, **found, "disruption_ms": 80.0, "lost": 4, **values}


def test_the_walker_crosses_the_borders_of_the_cells_when_the_speed_says() -> None:
    jobs = plan(scripts.EXPERIMENTS / "walking-call/matrix.yaml").jobs
    assert len(jobs) == 12
    for job in jobs:
        speed, _, cell, _ = job.values["walk"].split("-")
        metres_a_second, cell_m = int(speed) / 3.6, int(cell)
        moves = [
            event
            for event in parse(job.scenario.encode(), "walk.yaml").events
            if isinstance(event, Handover)
        ]
        walked = [move.at / 1e9 * metres_a_second for move in moves]
        assert walked == pytest.approx([(n + 0.5) * cell_m for n in range(len(moves))])
        assert (len(moves) + 0.5) * cell_m >= CALL_S * metres_a_second - 1e-6  # no further border


def test_the_call_is_voice_both_ways() -> None:
    """G.711 by RTP: 20 ms a packet."""
    (job, *_) = plan(scripts.EXPERIMENTS / "walking-call/matrix.yaml").jobs
    flows = parse(job.scenario.encode(), "walk.yaml").traffic
    assert [(flow.from_, flow.to) for flow in flows] == [("walker", "peer"), ("peer", "walker")]
    for flow in flows:
        assert (flow.packet, 8 * flow.packet / flow.rate) == (160 + 12, 0.02)


def test_two_handovers_add_ten_milliseconds(script: ModuleType) -> None:
    """As the paper has it; both directions of a call count."""
    back = {"flow": "call-to-walker", "lost": 3}
    table = pd.DataFrame(
        [
            row(0, 21.2, 26.3), row(1, 26.2, 31.3),
            row(0, 21.2, 26.3, **back), row(1, 26.2, 31.3, **back),
        ]
    )  # fmt: skip
    (found,) = script.walks(table).to_dict("records")
    assert (found["handovers"], found["lost"]) == (2, 14)
    assert found["added_ms"] == pytest.approx(10.1)
    assert (found["expected_ms"], found["bearable"]) == (31, True)


@pytest.mark.parametrize(
    ("scheme", "handovers", "expected"),
    [("network", 1, 26), ("client", 2, 41), ("central", 0, 41), ("central", 2, 41)],
)
def test_the_delay_by_equation_19(
    script: ModuleType, scheme: str, handovers: int, expected: float
) -> None:
    assert script.expected_ms(scheme, handovers) == expected


def test_a_call_over_150_ms_is_not_bearable(script: ModuleType) -> None:
    assert not script.walks(pd.DataFrame([row(0, 21.0, 150.5)]))["bearable"].item()


def test_the_page_has_the_hops_that_equation_19_allows() -> None:
    page = (scripts.EXPERIMENTS / "walking-call/README.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in page.partition("| most hops |")[2].splitlines()[2:5]
    ]
    between = [5, 10, 12.5]
    assert [float(a_hop.split(" ms")[0]) for _, a_hop, _, _ in rows] == between
    assert [int(most) for _, _, most, _ in rows] == reach.reach(between).tolist() == [26, 13, 10]
    assert [int(equal) for *_, equal in rows] == reach.break_even(between)[0].tolist()
    with_access = reach.reach(between, reach.REGIONAL_MS + 1)
    assert (reach.reach(between) - with_access).tolist() == [1, 1, 0]
