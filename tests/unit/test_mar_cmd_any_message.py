"""Whatever message comes, from wherever: a core never raises, and what it answers can be sent."""

from ipaddress import IPv6Address, IPv6Network

import wire_strategies as wire
from hypothesis import given, settings
from hypothesis import strategies as st
from mobility_nodes import (
    CMD,
    MN,
    OTHER,
    T0,
    anchor,
    cmd,
    mar,
    mar_address,
    pbu,
    sent,
    serve,
    update,
)

from agents.core import SECOND
from agents.mobility.actions import Store
from agents.mobility.cmd_pair import CmdPair
from agents.mobility.config import PairConfig, Variant
from agents.mobility.messages import MAXIMUM_PREVIOUS_MARS, anchor_update, claim
from agents.mobility.replication import RECORD_SUBTYPE, heartbeat
from agents.wire.mld import AddressRecord, RecordType
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingAcknowledgementFlag,
    BindingUpdate,
    BindingUpdateFlag,
    encode,
)
from agents.wire.mobility_options import MobileNodeIdentifier, VendorSpecific

OURS = BindingUpdateFlag.A | BindingUpdateFlag.P | BindingUpdateFlag.D
OURS_TOO = BindingAcknowledgementFlag.P | BindingAcknowledgementFlag.D
update_flags = st.sampled_from([OURS, OURS | BindingUpdateFlag.S])
acknowledgement_flags = st.sampled_from([OURS_TOO, OURS_TOO | BindingAcknowledgementFlag.S])

GROUP = IPv6Address("ff3e::c1")
MANY = tuple(AddressRecord(RecordType.MODE_IS_EXCLUDE, GROUP + number) for number in range(100))
LISTED = anchor_update(
    "mn1",
    anchor(1),
    mar_address(2),
    sequence=9,
    lifetime=300,
    timestamp=T0 + SECOND,
    anchors=[anchor(number) for number in range(1, MAXIMUM_PREVIOUS_MARS + 1)],
)

(RECORD,) = (
    action.record
    for action in cmd().receive(pbu(1, 1, T0), mar_address(1), T0)
    if isinstance(action, Store)
)

about_our_node = wire.option_lists.map(lambda options: (MobileNodeIdentifier("mn1"), *options))
right_options = st.builds(
    lambda message, spoiled: tuple(o for o in message.options if type(o) is not spoiled),
    st.sampled_from([pbu(1, 1, T0), pbu(2, 3, T0 + SECOND), update(2, 1, T0 + SECOND), LISTED]),
    st.sampled_from([type(option) for option in pbu(1, 1, T0).options] + [None]),
)
options = st.builds(lambda first, rest: first + rest, right_options, about_our_node)
messages = st.one_of(
    wire.mobility_message,
    st.builds(BindingUpdate, wire.short, wire.lifetimes, update_flags, options),
    st.builds(
        BindingAcknowledgement,
        wire.octet,
        wire.short,
        wire.lifetimes,
        acknowledgement_flags,
        options,
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
@given(received, st.booleans())
def test_a_mar(arrivals, transfers):
    core = mar(
        context_transfer=transfers,
        acknowledging=frozenset({mar_address(2)}),
        listening=lambda mobile_node: MANY,
    )
    serve(core, T0, 2, 3)
    core.attach(OTHER, T0)
    check(core, mar_address(1), arrivals)
    core.attach(MN, T0 + 200_000 * SECOND)


CLAIMS = [
    claim(MN, anchor(2), anchored, 3, lifetime, T0 + attached * SECOND, False, True)
    for anchored in (IPv6Network("::/0"), anchor(1).prefix)
    for lifetime in (0, 300)
    for attached in (-1, 2, 4)
]
claims = st.builds(
    lambda message, spoiled, rest: BindingUpdate(
        message.sequence,
        message.lifetime,
        message.flags,
        (*(o for o in message.options if type(o) is not spoiled), *rest),
    ),
    st.sampled_from(CLAIMS),
    st.sampled_from([type(option) for option in CLAIMS[0].options] + [None]),
    wire.option_lists,
)
from_mars = st.lists(st.tuples(st.one_of(messages, claims), sources), max_size=8)


@settings(max_examples=300)
@given(from_mars, st.booleans())
def test_a_mar_without_a_cmd(arrivals, transfers):
    others = frozenset(mar_address(number) for number in range(2, 20))
    core = mar(
        cmd=IPv6Address("ff05::5213"),
        context_transfer=transfers,
        acknowledging=others,
        listening=lambda mobile_node: MANY,
    )
    for mobile_node in (MN, OTHER):
        core.attach(mobile_node, T0)
    check(core, mar_address(1), arrivals)
    core.attach(MN, T0 + 200_000 * SECOND)


STANDBY = mar_address(77)
records = st.one_of(
    st.binary(max_size=200),
    st.builds(
        lambda octets: RECORD[:16] + octets + RECORD[16 + len(octets) :], st.binary(max_size=26)
    ),
)
replicas = st.builds(
    lambda options, record: BindingUpdate(1, 300, OURS, (*options, record)),
    right_options,
    st.builds(VendorSpecific, st.just(RECORD_SUBTYPE), records),
)
heartbeats = st.builds(heartbeat, wire.long, st.integers(1, 3), response=st.booleans())
from_either = st.lists(st.tuples(st.one_of(messages, replicas, heartbeats), sources), max_size=8)


@settings(max_examples=300)
@given(from_either, st.sampled_from(Variant))
def test_one_of_two_cmds(arrivals, variant):
    core = CmdPair(cmd(variant=variant), PairConfig(STANDBY, restarts=1))
    core.restore([("mn1", RECORD)], T0 - 9 * SECOND)
    core.timer(T0)
    now = T0
    for message, source in arrivals:
        now += SECOND
        for send in sent(core.receive(message, source, now) + core.timer(now)):
            encode(send.message, CMD, send.destination)


@settings(max_examples=300)
@given(received, st.sampled_from(Variant))
def test_a_cmd(arrivals, variant):
    core = cmd(variant=variant)
    core.receive(pbu(1, 1, T0), mar_address(1), T0)
    core.receive(pbu(2, 1, T0 + SECOND), mar_address(2), T0 + SECOND)
    check(core, CMD, arrivals)
