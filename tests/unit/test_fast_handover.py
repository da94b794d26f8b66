"""What is announced reaches the next router once, whatever gets lost, and ends by itself."""

from dataclasses import replace
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.core import MILLISECOND, SECOND
from agents.fast_handover.actions import (
    Arrived,
    Expect,
    HoldTunnel,
    Leaving,
    NotExpected,
    ReleaseTunnel,
    SendHandover,
    Staying,
)
from agents.fast_handover.handover import RETRANSMISSION, FastHandover, FastHandoverConfig
from agents.wire import authentication, fast_handover
from agents.wire.fast_handover import (
    AcknowledgeFlag,
    Code,
    HandoverAcknowledge,
    HandoverInitiate,
    InitiateCode,
    InitiateFlag,
)
from agents.wire.mld import AddressRecord, RecordType
from agents.wire.mobility_options import (
    MobileNodeIdentifier,
    MobileNodeLinkLayerIdentifier,
    MulticastAcknowledgement,
    MulticastMobility,
    MulticastStatus,
)

PREVIOUS, NEXT, STRANGER = (IPv6Address(f"2001:db8::{n}") for n in (1, 2, 9))
MAC = bytes.fromhex("020000000001")
C1 = AddressRecord(
    RecordType.MODE_IS_INCLUDE, IPv6Address("ff3e::c1"), (IPv6Address("2001:db8::51"),)
)
LIFETIME = 5 * SECOND
EXPECT = Expect("mn1", MAC, PREVIOUS, (C1,))


def router(*, buffers=False):
    peers = frozenset((PREVIOUS, NEXT))
    return FastHandover(FastHandoverConfig(peers, LIFETIME, buffers))


def of(actions, *kinds):
    return [action for action in actions if isinstance(action, kinds)]


def announce(core, now=0, to=NEXT):
    return core.announce("mn1", MAC, to, (C1,), now)


def the_message(actions):
    (send,) = of(actions, SendHandover)
    return send.message


def run(core, until):
    actions = []
    while (deadline := core.next_deadline()) is not None and deadline <= until:
        actions += core.timer(deadline)
    return actions


class TestThePreviousRouter:
    def test_sends_the_context_and_holds_the_tunnel(self):
        actions = announce(router(buffers=True))
        assert of(actions, HoldTunnel, Leaving) == [HoldTunnel(NEXT, "mn1"), Leaving("mn1", NEXT)]
        message = the_message(actions)
        assert message.flags == InitiateFlag.P | InitiateFlag.U
        assert message.option(MobileNodeIdentifier).identifier == "mn1"
        assert message.option(MobileNodeLinkLayerIdentifier).address == MAC
        assert message.option(MulticastMobility).records() == (C1,)

    def test_says_nothing_of_who_listens_to_nothing(self):
        assert router().announce("mn1", MAC, NEXT, (), 0) == []

    def test_repeats_it_until_it_is_acknowledged(self):
        core = router()
        first = the_message(announce(core))
        assert the_message(core.timer(RETRANSMISSION)) == first
        assert the_message(core.timer(3 * RETRANSMISSION)) == first
        answer = HandoverAcknowledge(
            first.sequence, AcknowledgeFlag.P, Code.ACCEPTED, (MobileNodeIdentifier("mn1"),)
        )
        assert core.receive(answer, NEXT, 400 * MILLISECOND) == []
        assert core.next_deadline() == LIFETIME

    def test_ends_it_when_nothing_comes_of_it(self):
        core = router()
        announce(core)
        actions = run(core, LIFETIME)
        over = [Staying("mn1", NEXT), ReleaseTunnel(NEXT, "mn1")]
        assert of(actions, Staying, ReleaseTunnel) == over
        assert core.next_deadline() is None

    def test_ends_it_when_the_next_router_refuses(self):
        core = router()
        message = the_message(announce(core))
        refusal = HandoverAcknowledge(
            message.sequence,
            AcknowledgeFlag.P,
            Code.INSUFFICIENT_RESOURCES,
            (MobileNodeIdentifier("mn1"),),
        )
        assert of(core.receive(refusal, NEXT, MILLISECOND), Staying) == [Staying("mn1", NEXT)]
        assert core.next_deadline() is None

    def test_a_new_announcement_replaces_the_old_one(self):
        core = router()
        announce(core)
        actions = announce(core, MILLISECOND, to=PREVIOUS)
        kinds = [type(action) for action in of(actions, Staying, ReleaseTunnel, HoldTunnel)]
        assert kinds == [Staying, ReleaseTunnel, HoldTunnel]

    def test_ends_it_when_the_node_comes_back(self):
        core = router()
        announce(core)
        assert of(core.arrived("mn1", SECOND), Staying) == [Staying("mn1", NEXT)]
        assert core.next_deadline() is None


class TestTheNextRouter:
    def expecting(self):
        core = router()
        message = the_message(announce(router()))
        return core, message, core.receive(message, PREVIOUS, 0)

    def test_prepares_and_acknowledges(self):
        _, message, actions = self.expecting()
        assert of(actions, HoldTunnel, Expect) == [HoldTunnel(PREVIOUS, "mn1"), EXPECT]
        answer = the_message(actions)
        assert (answer.sequence, answer.code) == (message.sequence, Code.CONTEXT_ACCEPTED)
        taken = MulticastAcknowledgement.of(MulticastStatus.TAKEN)
        assert answer.option(MulticastAcknowledgement) == taken

    def test_takes_what_mldv1_messages_were_translated_to(self):
        """RFC 7411 section 5.3: option code 4."""
        _, message, _ = self.expecting()
        translated = MulticastMobility(4, MulticastMobility.of((C1,)).report)
        options = (*message.options[:2], translated)
        actions = router().receive(replace(message, options=options), PREVIOUS, 0)
        assert of(actions, Expect) == [EXPECT]

    @pytest.mark.parametrize("code", [1, 3, 9])
    def test_prepares_nothing_for_a_context_of_another_kind_and_says_so(self, code):
        """RFC 7411 section 5.4: status 1, and no records."""
        _, message, _ = self.expecting()
        igmp = MulticastMobility(code, bytes(4))
        options = (*message.options[:2], igmp)
        actions = router().receive(replace(message, options=options), PREVIOUS, 0)
        assert of(actions, Expect, HoldTunnel) == []
        answer = the_message(actions)
        refused = answer.option(MulticastAcknowledgement)
        assert (refused.code, refused.report) == (MulticastStatus.TYPE_UNSUPPORTED, bytes(4))
        previous = router()
        assert the_message(announce(previous)).sequence == answer.sequence
        ended = previous.receive(answer, NEXT, 0)
        assert of(ended, Staying, ReleaseTunnel) == [
            Staying("mn1", NEXT),
            ReleaseTunnel(NEXT, "mn1"),
        ]

    def test_is_told_whether_that_is_all(self):
        """RFC 5949 section 6.1.1: code 3."""
        _, message, _ = self.expecting()
        assert message.code == InitiateCode.ALL_CONTEXT_TRANSFERRED
        many = tuple(replace(C1, group=IPv6Address(f"ff3e::{n:x}")) for n in range(99))
        part = the_message(router().announce("mn1", MAC, NEXT, many, 0))
        assert part.code == InitiateCode.DEFAULT
        assert len(part.option(MulticastMobility).records()) < 99

    def test_prepares_once_and_acknowledges_each(self):
        core, message, _ = self.expecting()
        again = core.receive(message, PREVIOUS, MILLISECOND)
        assert of(again, Expect, HoldTunnel) == []
        assert the_message(again).sequence == message.sequence

    def test_serves_whom_it_expected_once(self):
        core, message, _ = self.expecting()
        assert of(core.arrived("mn1", SECOND), Arrived) == [Arrived("mn1")]
        assert core.arrived("mn1", 2 * SECOND) == []
        late = core.receive(message, PREVIOUS, 2 * SECOND)
        assert of(late, Expect) == []
        over = run(core, LIFETIME)
        assert of(over, NotExpected, ReleaseTunnel) == [ReleaseTunnel(PREVIOUS, "mn1")]

    def test_forgets_who_does_not_come(self):
        core, _, _ = self.expecting()
        over = run(core, LIFETIME)
        assert of(over, NotExpected, ReleaseTunnel) == [
            NotExpected("mn1"),
            ReleaseTunnel(PREVIOUS, "mn1"),
        ]
        assert core.arrived("mn1", LIFETIME) == []

    def test_is_told_again_of_another_journey(self):
        core, message, _ = self.expecting()
        other = HandoverInitiate(message.sequence + 1, message.flags, 0, message.options)
        actions = of(core.receive(other, NEXT, SECOND), NotExpected, Expect)
        assert actions == [NotExpected("mn1"), Expect("mn1", MAC, NEXT, (C1,))]

    def test_hears_no_stranger(self):
        core, message, _ = self.expecting()
        assert core.receive(message, STRANGER, 0) == []
        assert core.counters.unauthentic == 1

    @pytest.mark.parametrize("missing", [0, 1, 2])
    def test_counts_what_is_incomplete(self, missing):
        core, message, _ = self.expecting()
        options = message.options[:missing] + message.options[missing + 1 :]
        assert core.receive(HandoverInitiate(9, message.flags, 0, options), PREVIOUS, 0) == []
        cut = MulticastMobility(MulticastMobility.MLD_V2, bytes((0, 0, 0, 7)))
        options = (*message.options[:2], cut)
        assert core.receive(HandoverInitiate(9, message.flags, 0, options), PREVIOUS, 0) == []
        assert core.counters.malformed == 2


def test_its_messages_can_be_sealed():
    """What proves the sender stands behind the option whose length counts words."""
    message = the_message(announce(router()))
    data = fast_handover.encode(message, PREVIOUS, NEXT)
    key = authentication.Key(256, b"correct horse")
    sealed = authentication.seal(data, PREVIOUS, NEXT, authentication.ntp_time(SECOND), key)
    found = fast_handover.decode(sealed, PREVIOUS, NEXT)
    assert found.options[: len(message.options)] == message.options


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=8))
def test_whatever_is_lost_both_ends_are_done_in_the_end(fates):
    """Each pair: whether this transmission of the HI, and its answer, arrive."""
    left, right = router(), router()
    fates = iter(fates)
    expected, held = 0, {left: 0, right: 0}

    def count(core, actions):
        held[core] += len(of(actions, HoldTunnel)) - len(of(actions, ReleaseTunnel))
        return actions

    pending, now = count(left, announce(left)), 0
    while True:
        for send in of(pending, SendHandover):
            there, back = next(fates, (True, True))
            if there:
                answer = count(right, right.receive(send.message, PREVIOUS, now))
                expected += len(of(answer, Expect))
                if back:
                    count(left, left.receive(the_message(answer), NEXT, now))
        deadlines = [(d, c) for c in (left, right) if (d := c.next_deadline()) is not None]
        if not deadlines:
            break
        now, core = min(deadlines, key=lambda pair: pair[0])
        pending = count(core, core.timer(now))
    assert expected <= 1
    assert set(held.values()) == {0}
