"""Equations 1 to 19 of the HDMM paper, against values computed by hand and what the paper says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.analysis import hdmm, reach
from emu.analysis.hdmm import Scheme

hops = st.integers(1, 30)
times = st.floats(0, 1000)
counts = st.integers(0, 20)


def test_equation_1_by_hand():
    # √16 = 4: (3 · 10 + 22) / (2 · 4) = 52 / 8
    assert hdmm.signalling_cost(SMR=2, M=16, C_INTRA=10, C_INTER=22) == 6.5


def test_equation_1_of_a_domain_of_one_subnet_has_only_inter_domain_handovers():
    assert hdmm.signalling_cost(SMR=1, M=1, C_INTRA=10, C_INTER=22) == 22


def test_equations_2_and_3_between_domains_only_the_client_acts():
    assert set(hdmm.INTRA) == set(Scheme)
    assert set(hdmm.INTER) == {Scheme.MIPV6, Scheme.CLIENT}


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (hdmm.pmipv6_cost(tau=1.5, d_lma_mag=4), 12),  # 4
        (hdmm.mipv6_cost(omega=10, tau=1.5, d_ar_ha=4), 32),  # 5
        (hdmm.relay_cost(tau=1.5, n=3, d_cmd_dar=2), 24),  # 6: 8 messages
        (hdmm.locator_cost(tau=1.5, n=3, d_cmd_sdar=1, d_cmd_pdar=2, d_sdar_pdar=4), 37.5),  # 7
        (hdmm.proxy_cost(tau=1.5, n=3, d_cmd_dar=2), 24),  # 8
        (hdmm.fully_cost(tau=1.5, n=3, d_sdar_pdar=4), 36),  # 9
        (hdmm.client_cost(omega=10, tau=1.5, n=3, d_sdar_pdar=4, secured=False), 96),  # 10
        (hdmm.client_cost(omega=10, tau=1.5, n=3, d_sdar_pdar=4, secured=True), 192),
    ],
)
def test_costs_by_hand(cost, expected):
    assert cost == pytest.approx(expected)


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        (Scheme.MIPV6, [2, 2, 2]),
        (Scheme.PMIPV6, [2, 2, 2]),
        (Scheme.CLIENT, [2, 4, 6]),
        (Scheme.RELAY, [4, 6, 8]),
        (Scheme.LOCATOR, [4, 7, 10]),
        (Scheme.PROXY, [4, 6, 8]),
        (Scheme.FULLY, [2, 4, 6]),
    ],
)
def test_messages_with_1_2_and_3_previous_routers(scheme, expected):
    assert hdmm.messages(scheme, [1, 2, 3]).tolist() == expected


def test_security_doubles_the_clients_messages_only():
    assert hdmm.messages(Scheme.CLIENT, 2, secured=True) == 8
    assert hdmm.messages(Scheme.FULLY, 2, secured=True) == 4


def test_equation_11_by_hand():
    assert hdmm.handover_latency(50, 1, 1000, 0, 20) == 1071


@pytest.mark.parametrize(
    ("latency", "expected"),
    [
        (hdmm.mipv6_binding(42), 42),  # 12
        (hdmm.client_binding(14), 14),  # 13
        (hdmm.client_binding(14, secured=True), 28),  # section 4.1.1
        (hdmm.pmipv6_binding(20), 20),  # 14
        (hdmm.relay_binding(20, 24), 44),  # 15
        (hdmm.locator_binding(20, 24, 10), 27),  # 16
        (hdmm.proxy_binding(20, 24), 22),  # 17: the P-DAR is the farther one
        (hdmm.proxy_binding(20, 12), 20),  # 17: the S-DAR is
        (hdmm.fully_binding(10), 10),  # 18
        (hdmm.end_to_end_delay(20, 130), 150),  # 19
    ],
)
def test_latencies_by_hand(latency, expected):
    assert latency == expected


@given(times, times)
def test_equations_15_to_17_with_all_routers_equally_far_from_the_cmd(to_cmd, between):
    assert hdmm.relay_binding(to_cmd, to_cmd) == pytest.approx(2 * to_cmd)
    locator = hdmm.locator_binding(to_cmd, to_cmd, between)
    assert locator == pytest.approx(to_cmd + between / 2)
    assert hdmm.proxy_binding(to_cmd, to_cmd) == pytest.approx(to_cmd)


@given(times, times, times)
def test_the_proxy_is_the_fastest_of_the_partially_distributed(serving, previous, between):
    between = max(between, abs(serving - previous))  # the triangle S-DAR, CMD, P-DAR
    proxy = hdmm.proxy_binding(serving, previous)
    assert proxy <= hdmm.relay_binding(serving, previous) + 1e-9
    assert proxy <= hdmm.locator_binding(serving, previous, between) + 1e-9


@given(counts, hops, hops, st.floats(0.1, 10))
def test_a_cost_is_messages_times_weighted_hops_when_all_are_equally_far(n, d, root, tau):
    assert hdmm.relay_cost(tau, n, d) == pytest.approx(hdmm.messages(Scheme.RELAY, n) * tau * d)
    assert hdmm.locator_cost(tau, n, d, d, d) == pytest.approx(
        hdmm.messages(Scheme.LOCATOR, n) * tau * d
    )
    same = hdmm.pmipv6_cost(tau, d)
    assert hdmm.signalling_cost(root, root**2, same, same) == pytest.approx(same / root)


def test_arrays_broadcast():
    table = hdmm.locator_cost(1, np.array([[1], [2]]), 1, 1, np.array([1, 2, 3]))
    assert table.tolist() == [[4, 5, 6], [7, 9, 11]]


def test_voip_reaches_26_hops_in_the_network_based_solution():
    assert reach.reach(reach.LOCAL_MS) == 26


def test_voip_reaches_10_to_13_hops_in_the_client_based_solution():
    assert sorted(reach.reach(reach.INTER_DAR_CLIENT_MS)) == [10, 13]


def test_hdmm_is_as_bad_as_a_central_anchor_after_4_or_5_hops():
    assert reach.break_even(reach.LOCAL_MS) == (4, 5)


@given(st.integers(1, 50), st.integers(0, 149), st.integers(0, 200))
def test_equation_19_holds_up_to_the_reach_and_not_beyond(inter_dar, cn_delay, beyond):
    most = reach.reach(inter_dar, cn_delay)
    further = most + 1 + beyond
    assert hdmm.end_to_end_delay(cn_delay, most * inter_dar) <= reach.MOUTH_TO_EAR_MS
    assert hdmm.end_to_end_delay(cn_delay, further * inter_dar) > reach.MOUTH_TO_EAR_MS


def test_the_reach_is_nothing_when_the_bound_is_passed_without_moving():
    assert reach.reach(5.0, cn_delay_ms=200.0) == 0
