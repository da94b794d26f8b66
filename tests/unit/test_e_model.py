"""The E-model against the published values of G.107, G.113 and of what was derived from them."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.voice import e_model
from emu.voice.codecs import CODECS
from emu.voice.e_model import Parameters, mos, rate

DEFAULT = Parameters()


def delayed(delay: float) -> Parameters:
    """A connection without impairments but a delay, the same in both directions."""
    return Parameters(T=delay, Ta=delay, Tr=2 * delay)


def test_the_default_parameters_give_the_rating_that_g107_states():
    rating = rate(DEFAULT)
    assert round(rating.R, 1) == 93.2
    assert round(rating.mos, 2) == 4.41
    assert round(rating.Ro, 2) == 94.77
    assert round(rating.Is, 2) == 1.41


@pytest.mark.parametrize(
    ("R", "opinion"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)]
)
def test_table_b1_of_g107_opinions_at_the_borders_of_the_quality_classes(R, opinion):
    assert mos(R) == pytest.approx(opinion, abs=0.01)


@pytest.mark.parametrize(
    ("R", "opinion"), [(-5, 1), (0, 1), (3, 1), (6.4, 1), (100, 4.5), (110, 4.5)]
)
def test_an_opinion_is_between_1_and_4_5(R, opinion):
    assert mos(R) == opinion


@pytest.mark.parametrize(
    ("delay", "Idd"),
    # By hand: X = log2(Ta / 100); 25 ((1 + X^6)^(1/6) - 3 (1 + (X / 3)^6)^(1/6) + 2)
    [(0, 0), (100, 0), (150, 0.163), (200, 3.044), (300, 14.755), (400, 24.072)],
)
def test_impairment_by_absolute_delay(delay, Idd):
    assert rate(delayed(delay)).Idd == pytest.approx(Idd, abs=0.02)


@pytest.mark.parametrize("delay", [50, 100, 150, 200, 250, 300])
def test_the_delay_curve_is_that_which_cole_and_rosenbluth_fitted(delay):
    """In "Voice over IP performance monitoring" (2001), for G.107's default parameters."""
    fitted = 0.024 * delay + 0.11 * max(0, delay - 177.3)
    assert rate(delayed(delay)).Id == pytest.approx(fitted, abs=0.5)


@pytest.mark.parametrize(("delay", "Id"), [(150, 3.8), (200, 7.6), (300, 20.7), (400, 31.1)])
def test_the_delay_curve_of_the_default_parameters(delay, Id):
    assert rate(delayed(delay)).Id == pytest.approx(Id, abs=0.05)


@pytest.mark.parametrize(
    ("codec", "curve"),
    # G.113 Appendix I before it had Bpl: Ie by random loss in percent, from listening tests.
    [
        ("g729a-vad", {0: 11, 1: 15, 2: 19, 3: 23, 4: 26, 8: 36, 16: 49}),
        ("g723.1-vad", {0: 15, 1: 19, 2: 24, 3: 27, 4: 32, 8: 41, 16: 55}),
        ("g711-plc", {0: 0, 1: 5, 2: 7, 3: 10, 5: 15, 7: 20, 10: 25, 15: 35, 20: 45}),
    ],
)
def test_the_loss_curves_are_those_of_the_listening_tests(codec, curve):
    one = CODECS[codec]
    for loss, impairment in curve.items():
        computed = e_model.effective_equipment_impairment(one.Ie, one.Bpl, loss, BurstR=1)
        assert computed == pytest.approx(impairment, abs=3)


def test_concealment_is_worth_most_of_the_quality():
    plain, concealed = (
        rate(replace(DEFAULT, Ppl=2, Ie=CODECS[name].Ie, Bpl=CODECS[name].Bpl))
        for name in ("g711", "g711-plc")
    )
    assert plain.Ie_eff == pytest.approx(95 * 2 / 6.3)
    assert concealed.Ie_eff == pytest.approx(95 * 2 / 27.1)


@given(loss=st.floats(0, 100), burst=st.floats(1, 50), codec=st.sampled_from(sorted(CODECS)))
def test_losses_in_bursts_are_worse_and_never_worse_than_silence(loss, burst, codec):
    one = CODECS[codec]
    random = e_model.effective_equipment_impairment(one.Ie, one.Bpl, loss, 1)
    bursty = e_model.effective_equipment_impairment(one.Ie, one.Bpl, loss, burst)
    assert one.Ie <= random <= bursty + 1e-9
    assert random <= 95


@given(first=st.floats(10, 1000), more=st.floats(0, 1000))
def test_the_rating_never_rises_with_the_delay(first, more):
    assert rate(delayed(first + more)).R <= rate(delayed(first)).R + 1e-9


@given(R=st.floats(-50, 150), more=st.floats(0, 100))
def test_the_opinion_never_falls_with_the_rating(R, more):
    assert 1 <= mos(R) <= mos(R + more) + 1e-9 <= 4.5 + 2e-9


def test_a_low_sidetone_masking_rating_hides_talker_echo_and_a_high_one_adds_to_it():
    echo = Parameters(T=50, Ta=50, Tr=100, TELR=40)
    loud, usual, absent = (rate(replace(echo, STMR=value)) for value in (8.9, 15, 20.1))
    assert absent.Idte > usual.Idte
    assert loud.Idte != pytest.approx(usual.Idte)
    assert all(math.isfinite(one.R) for one in (loud, usual, absent))
