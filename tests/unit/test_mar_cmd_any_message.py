"""Whatever message comes, from wherever: a core never raises, and what it answers can be sent."""

import wire_strategies as wire
from hypothesis import given, settings
from hypothesis import strategies as st
from mobility_nodes import CMD, MN, OTHER, T0, cmd, mar, mar_address, pbu, sent, serve, update

from agents.core import SECOND
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingAcknowledgementFlag,
    BindingUpdate,
    BindingUpdateFlag,
    encode,
)
from agents.wire.mobility_options import MobileNodeIdentifier

OURS = BindingUpdateFlag.A | BindingUpdateFlag.P | BindingUpdateFlag.D
OURS_TOO = BindingAcknowledgementFlag.P | BindingAcknowledgementFlag.D

about_our_node = wire.option_lists.map(lambda options: (MobileNodeIdentifier("mn1"), *options))
right_options = st.builds(
    lambda message, spoiled: tuple(o for o in message.options if type(o) is not spoiled),
    st.sampled_from([pbu(1, 1, T0), pbu(2, 3, T0 + SECOND), update(2, 1, T0 + SECOND)]),
    st.sampled_from([type(option) for option in pbu(1, 1, T0).options] + [None]),
)
options = st.builds(lambda first, rest: first + rest, right_options, about_our_node)
messages = st.one_of(
    wire.mobility_message,
    st.builds(BindingUpdate, wire.short, wire.lifetimes, st.just(OURS), options),
    st.builds(
        BindingAcknowledgement, wire.octet, wire.short, wire.lifetimes, st.just(OURS_TOO), options
    ),
)
sources = st.sampled_from([CMD, mar_address(1), mar_address(2), mar_address(77)])
received = st.lists(st.tuples(messages, sources), max_size=8)


def check(core, own, arrivals):
    now = T0
    for message, source in arrivals:
        now += SECOND
        actions = core.receive(message, source, now) + core.timer(now)
        for send in sent(actions):
            encode(send.message, own, send.destination)
    core.timer(now + 100_000 * SECOND)
    assert core.next_deadline() is None or core.next_deadline() > now + 100_000 * SECOND


@settings(max_examples=300)
@given(received)
def test_a_mar(arrivals):
    core = mar()
    serve(core, T0, 2, 3)
    core.attach(OTHER, T0)
    check(core, mar_address(1), arrivals)
    core.attach(MN, T0 + 200_000 * SECOND)


@settings(max_examples=300)
@given(received)
def test_a_cmd(arrivals):
    core = cmd()
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    core.receive(pbu(2, 1, T0 + SECOND), mar_address(2), T0 + SECOND)
    check(core, CMD, arrivals)
