"""The closed forms of disruption and leave latency, by hand and by simulation of what is random."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.wire.channel import ChannelScope
from emu.analysis import multicast
from emu.analysis.multicast import Path, Range, Timers

PATH = Path(gap=50, access=2, backhaul=10, cmd=5, binding=10, notice=10, core=3)
TIMERS = Timers(
    query_interval=125_000,
    query_response_interval=10_000,
    robustness=2,
)
BINDING = 60  # the gap, and a round trip to the CMD

delays = st.floats(0, 500)
paths = st.builds(
    Path,
    gap=delays,
    access=delays,
    backhaul=delays,
    cmd=delays,
    binding=delays,
    notice=delays,
    core=delays,
)
scopes = st.sampled_from(ChannelScope)


def test_mld_dmm_waits_for_the_report_then_for_the_tunnel():
    report = multicast.report_asked(PATH, TIMERS)
    assert report == Range(4, 5_004, 10_004)
    disruption = multicast.mld_dmm_disruption(PATH, report)
    # the gap, a report of 10 to 10,004 ms, 2 x 10 ms to the previous MAR and back, 2 ms of access
    assert (disruption.low, disruption.high) == (82, 10_076)
    assert disruption.mean == pytest.approx(5_076, rel=0.001)


def test_a_carrier_that_was_gone_has_the_host_report_by_itself():
    assert multicast.report_unasked(PATH) == Range(10, 12, 14)


@pytest.mark.parametrize(
    ("scope", "fetch"),
    [(ChannelScope.REMOTE, 20), (ChannelScope.LOCAL, 6), (ChannelScope.BOTH, 6)],
)
@pytest.mark.parametrize("decision", [0, 10])
def test_context_transfer_costs_round_trips_only(scope, fetch, decision):
    disruption = multicast.multi_upstream_disruption(PATH, scope, decision, None)
    assert disruption == Range.exactly(BINDING + decision + fetch + 2)


def test_both_takes_the_faster_of_the_two():
    near = replace(PATH, backhaul=1)
    disruption = multicast.multi_upstream_disruption(near, ChannelScope.BOTH, 0, None)
    assert disruption == Range.exactly(BINDING + 2 + 2)


def test_without_context_transfer_multi_upstream_waits_for_the_report_too():
    report = multicast.report_asked(PATH, TIMERS)
    without = multicast.multi_upstream_disruption(PATH, ChannelScope.REMOTE, 0, report)
    assert without == multicast.mld_dmm_disruption(PATH, report)


def test_mld_dmm_forwards_to_who_left_for_minutes():
    leave = multicast.mld_leave(TIMERS)
    assert (leave.low, leave.high) == (125_000, 260_000)
    assert leave.mean == pytest.approx(197_433, abs=1)  # 260,000 - (125² + 10²/6) / 250 s


def test_explicit_tracking_ends_with_the_binding():
    assert multicast.multi_upstream_leave(PATH) == Range.exactly(BINDING)


@given(paths, scopes, delays, st.one_of(st.none(), st.just(TIMERS)))
def test_nothing_is_faster_than_the_gap_and_the_binding(path, scope, decision, timers):
    report = None if timers is None else multicast.report_asked(path, timers)
    disruption = multicast.multi_upstream_disruption(path, scope, decision, report)
    assert path.gap + path.binding <= disruption.low <= disruption.mean <= disruption.high + 1e-6


@given(paths, scopes, delays)
def test_context_transfer_never_waits_longer(path, scope, decision):
    report = multicast.report_asked(path, TIMERS)
    known = multicast.multi_upstream_disruption(path, scope, decision, None)
    asked = multicast.multi_upstream_disruption(path, scope, decision, report)
    assert known.mean <= asked.low + 1e-6


@given(paths, delays, delays)
def test_disruption_grows_with_every_delay(path, decision, more):
    for name in ("gap", "access", "backhaul", "binding", "core"):
        longer = replace(path, **{name: getattr(path, name) + more})
        for scope in ChannelScope:
            before = multicast.multi_upstream_disruption(path, scope, decision, None)
            after = multicast.multi_upstream_disruption(longer, scope, decision, None)
            assert after.mean >= before.mean


@given(st.floats(0, 100), st.floats(0.1, 100), st.floats(0, 250))
def test_bounds_of_a_uniform_time(low, width, bound):
    drawn = low + width * (np.arange(20_000) + 0.5) / 20_000
    later, earlier = np.maximum(drawn, bound), np.minimum(drawn, bound)
    time = Range.uniform(low, low + width)
    assert time.at_least(bound).mean == pytest.approx(later.mean(), abs=0.01)
    assert time.at_most(bound).mean == pytest.approx(earlier.mean(), abs=0.01)
    assert time.at_least(bound).low == max(low, bound)
    assert time.at_most(bound).high == min(low + width, bound)


def test_the_age_of_a_report_is_that_of_a_simulation():
    timers = replace(TIMERS, query_interval=20_000.0)
    random = np.random.default_rng(1)
    queries = np.arange(200_000) * timers.query_interval
    reports = queries + random.uniform(0, timers.query_response_interval, len(queries))
    moments = random.uniform(reports[0], reports[-1], 200_000)
    last = reports[np.searchsorted(reports, moments) - 1]
    leave = timers.listener_interval - (moments - last)
    predicted = multicast.mld_leave(timers)
    assert leave.mean() == pytest.approx(predicted.mean, rel=0.005)
    assert predicted.low <= leave.min() <= leave.max() <= predicted.high
