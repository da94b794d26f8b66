from __future__ import annotations

import time

import pytest

from emu.measure import fidelity
from emu.measure.fidelity import Sampler

IDLE = [(0, 0, 0), (100, 60, 0), (200, 120, 0)]


def test_a_machine_that_kept_up() -> None:
    verdict = fidelity.verdict([0.1, 0.2, 0.1], IDLE)
    assert verdict["ok"] is True
    assert verdict["reason"] is None
    assert verdict["cpu"] == {"mean": pytest.approx(0.4), "max": pytest.approx(0.4), "steal": 0}


def test_late_timers() -> None:
    verdict = fidelity.verdict([0.1] * 50 + [40.0] * 50, IDLE)
    assert verdict["ok"] is False
    assert "40.0 ms" in verdict["reason"]


def test_one_late_timer_is_no_reason() -> None:
    verdict = fidelity.verdict([0.1] * 999 + [80.0], IDLE)
    assert verdict["ok"] is True
    assert verdict["timer_lag_ms"]["max"] == 80


def test_a_busy_machine() -> None:
    verdict = fidelity.verdict([0.1], [(0, 0, 0), (100, 2, 0)])
    assert verdict["ok"] is False
    assert "98%" in verdict["reason"]


def test_a_robbed_machine() -> None:
    verdict = fidelity.verdict([0.1], [(0, 0, 0), (100, 50, 20)])
    assert verdict["ok"] is False
    assert "hypervisor" in verdict["reason"]


def test_a_table_of_neighbours_that_was_full() -> None:
    verdict = fidelity.verdict([0.1], IDLE, neighbours_refused=3)
    assert verdict["ok"] is False
    assert "neighbours was full, for 3 packets" in verdict["reason"]


def test_the_sampler_samples() -> None:
    sampler = Sampler()
    sampler.start()
    time.sleep(0.1)
    verdict = sampler.stop()
    assert verdict["timer_lag_ms"]["max"] > 0
    assert 0 <= verdict["cpu"]["mean"] <= 1


def test_the_sampler_knows_when_it_stood_still() -> None:
    sampler = Sampler()
    sampler.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fidelity, "STALL_NS", -1)  # every sample is one
        start = time.monotonic_ns()
        time.sleep(0.1)
    found = sampler.stop()["stalls"]
    assert found
    assert all(start - 1e9 < began <= ended < time.monotonic_ns() for began, ended in found)


def test_stalls_at_the_same_time_are_one() -> None:
    assert fidelity.join([(30, 40), (10, 20), (15, 25), (25, 28)]) == [(10, 28), (30, 40)]


def test_what_a_stall_falls_upon() -> None:
    stalls = [(100, 120), (200, 220)]
    assert fidelity.disturbed(stalls, 110, 130)
    assert fidelity.disturbed(stalls, 50, 300)
    assert not fidelity.disturbed(stalls, 120, 200)
    assert fidelity.disturbed(stalls, 0, 799)
    assert not fidelity.disturbed(stalls, 0, 800)  # 40 of 800 are 5 %
