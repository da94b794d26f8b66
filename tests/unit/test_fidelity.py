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


def test_the_sampler_samples() -> None:
    sampler = Sampler()
    sampler.start()
    time.sleep(0.1)
    verdict = sampler.stop()
    assert verdict["timer_lag_ms"]["max"] > 0
    assert 0 <= verdict["cpu"]["mean"] <= 1


def test_a_link_that_was_late() -> None:
    good = fidelity.verdict([0.1], IDLE)
    assert fidelity.judge_links(good, 900_000)["ok"] is True
    late = fidelity.judge_links(good, 12_300_000)
    assert late["ok"] is False
    assert late["reason"] == "a packet left a link 12.3 ms late, the limit is 10 ms"


def test_a_late_link_is_one_reason_more() -> None:
    bad = fidelity.verdict([40.0], IDLE)
    assert "; a packet" in fidelity.judge_links(bad, 12_300_000)["reason"]
