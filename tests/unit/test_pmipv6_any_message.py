"""Whatever message comes, from wherever: MAG and LMA never raise, and their answers can be sent."""

import wire_strategies as wire
from hypothesis import given, settings
from hypothesis import strategies as st
from mobility_nodes import MN, OTHER, T0, sent
from proxy_nodes import LMA, home, lma, mag, mag_address, pba, pbu, serve

from agents.core import SECOND
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingAcknowledgementFlag,
    BindingUpdate,
    BindingUpdateFlag,
    encode,
)
from emu.simulator.router import Router

OURS = BindingUpdateFlag.A | BindingUpdateFlag.P
GOOD = [pbu(1), pbu(3, T0 + SECOND), pbu(4, T0 + SECOND, 0), pbu(5, prefix=home()), pba(pbu(1))]
options = st.builds(
    lambda message, spoiled, rest: (
        *(o for o in message.options if type(o) is not spoiled),
        *rest,
    ),
    st.sampled_from(GOOD),
    st.sampled_from([type(option) for option in GOOD[0].options] + [None]),
    wire.option_lists,
)
messages = st.one_of(
    wire.mobility_message,
    st.builds(BindingUpdate, st.integers(0, 5), wire.lifetimes, st.just(OURS), options),
    st.builds(
        BindingAcknowledgement,
        wire.octet,
        st.integers(0, 5),
        wire.lifetimes,
        st.just(BindingAcknowledgementFlag.P),
        options,
    ),
)
sources = st.sampled_from([LMA, mag_address(1), mag_address(2), mag_address(77)])
received = st.lists(st.tuples(messages, sources), max_size=8)


def check(core, own, arrivals, router):
    now = T0
    for message, source in arrivals:
        now += SECOND
        actions = core.receive(message, source, now) + core.timer(now)
        for action in actions:
            router.apply(action)  # refuses what a kernel would refuse
        for send in sent(actions):
            encode(send.message, own, send.destination)
    core.timer(now + 100_000 * SECOND)
    assert core.next_deadline() is None or core.next_deadline() > now + 100_000 * SECOND


@settings(max_examples=300)
@given(received)
def test_a_mag(arrivals):
    core, router = mag(), Router()
    for action in serve(core):
        router.apply(action)
    core.attach(OTHER, T0)
    check(core, mag_address(1), arrivals, router)
    core.attach(MN, T0 + 200_000 * SECOND)


@settings(max_examples=300)
@given(received)
def test_an_lma(arrivals):
    core, router = lma(), Router()
    for action in core.receive(pbu(1), mag_address(1), T0):
        router.apply(action)
    check(core, LMA, arrivals, router)
