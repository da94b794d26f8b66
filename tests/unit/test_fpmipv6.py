"""A MAG with fast handovers (RFC 5949): what it says, believes and keeps, whatever comes."""

from dataclasses import replace
from ipaddress import IPv6Address, IPv6Network

import pytest
import wire_strategies as wire
from hypothesis import given, settings
from hypothesis import strategies as st
from mobility_nodes import MN, OTHER, T0, logs
from proxy_nodes import LMA, POOL, home, mag, mag_address, pba, request, serve

from agents.core import MILLISECOND, SECOND
from agents.mobility.actions import (
    Advertise,
    InstallReturnRoute,
    InstallRoute,
    InstallSourceRoute,
    KeepPackets,
    RemoveRoute,
    Send,
)
from agents.mobility.fpmipv6 import context as contexts
from agents.mobility.fpmipv6 import handovers
from agents.mobility.fpmipv6.actions import SendHandover
from agents.mobility.fpmipv6.context import Context
from agents.mobility.fpmipv6.gateway import FastMag
from agents.mobility.fpmipv6.handover_mag import HandoverMag
from agents.mobility.fpmipv6.handovers import LIFETIME, RETRANSMISSION, FastMagConfig
from agents.wire import fast_handover
from agents.wire.fast_handover import (
    AcknowledgeFlag,
    Code,
    HandoverAcknowledge,
    HandoverInitiate,
    InitiateCode,
    InitiateFlag,
)
from agents.wire.mobility import BindingUpdate, Status, encode
from agents.wire.mobility_options import (
    ContextRequest,
    Handoff,
    HandoffIndicator,
    HomeNetworkPrefix,
    LocalMobilityAnchorAddress,
    MobileNodeIdentifier,
    MobileNodeInterfaceIdentifier,
    MobileNodeLinkLayerIdentifier,
    Timestamp,
)
from emu.simulator.router import Router

PEERS = frozenset(mag_address(number) for number in range(1, 4))
ONE, TWO, THREE = (mag_address(number) for number in range(1, 4))
CONTEXT = Context("mn1", MN.link_layer_address, home(), LMA, T0)


def fast(number=1, *, predictive=True):
    config = FastMagConfig(mag_address(number), LMA, POOL, PEERS, predictive)
    return FastMag(config, mag(number, kind=HandoverMag))


def of(actions, *kinds):
    return [action for action in actions if isinstance(action, kinds)]


def handover(actions):
    """The one HI or HAck among these actions."""
    (send,) = of(actions, SendHandover)
    return send.message


def here(core, now=T0):
    """Serve a mobile node."""
    return core.receive(pba(request(core.attach(MN, now))), LMA, now + 1)


def announced(core=None, now=T0 + SECOND):
    """A MAG that expects the node, and the HI that has announced it."""
    core = core or fast(2)
    message = contexts.announcement(CONTEXT, 7)
    return core, message, core.receive_handover(message, ONE, now)


class TestThePreviousMag:
    def test_announces_all_that_the_next_one_has_to_know(self):
        """Section 4.1, step c: P flag, MN-ID, HNP, the LMA's address and the MN LL-ID are MUSTs."""
        core = fast()
        here(core)
        message = handover(core.going_down("mn1", TWO, T0 + SECOND))
        assert message.flags == InitiateFlag.P | InitiateFlag.F
        assert message.code == InitiateCode.ALL_CONTEXT_TRANSFERRED
        assert message.option(MobileNodeIdentifier).identifier == "mn1"
        assert message.option(HomeNetworkPrefix).prefix == home()
        assert message.option(LocalMobilityAnchorAddress).address == LMA
        assert message.option(MobileNodeLinkLayerIdentifier).address == MN.link_layer_address
        identifier = bytes.fromhex("000000fffe000001")
        assert message.option(MobileNodeInterfaceIdentifier).identifier == identifier

    def test_forwards_once_the_next_one_is_ready(self):
        core = fast()
        here(core)
        message = handover(core.going_down("mn1", TWO, T0 + SECOND))
        assert handover(core.timer(T0 + SECOND + RETRANSMISSION)) == message
        answer = contexts.answer(message, Code.CONTEXT_ACCEPTED)
        actions = core.receive_handover(answer, TWO, T0 + 2 * SECOND)
        assert of(actions, InstallRoute) == [InstallRoute(home(), TWO)]
        assert core.receive_handover(answer, TWO, T0 + 2 * SECOND) == []

    def test_forwards_nothing_to_one_that_refuses(self):
        core = fast()
        here(core)
        message = handover(core.going_down("mn1", TWO, T0 + SECOND))
        refusal = contexts.answer(message, Code.INSUFFICIENT_RESOURCES)
        assert core.receive_handover(refusal, TWO, T0 + 2 * SECOND) == []
        kept = core.detach("mn1", T0 + 3 * SECOND)
        assert of(kept, KeepPackets) == [KeepPackets(home(), MN)]

    def test_keeps_what_comes_and_does_not_tell_the_lma(self):
        core = fast(predictive=False)
        here(core)
        assert of(core.going_down("mn1", TWO, T0 + SECOND), SendHandover) == []
        actions = core.detach("mn1", T0 + SECOND)
        assert of(actions, KeepPackets, Send) == [KeepPackets(home(), MN)]
        over = core.timer(T0 + SECOND + LIFETIME)
        assert request(over).lifetime == 0

    def test_answers_with_what_it_knows_and_forwards(self):
        """Section 4.1, step d: the HAck has the context that was asked for, and code 6."""
        core = fast()
        here(core)
        core.detach("mn1", T0 + SECOND)
        asked = contexts.question("mn1", MN.link_layer_address, T0 + 2 * SECOND, 9)
        actions = core.receive_handover(asked, TWO, T0 + 2 * SECOND)
        answer = handover(actions)
        assert (answer.sequence, answer.code) == (9, Code.ALL_CONTEXT_TRANSFERRED)
        assert answer.flags == AcknowledgeFlag.P | AcknowledgeFlag.U
        wanted = {number for number, _ in asked.option(ContextRequest).requests()}
        assert wanted <= {option.number for option in answer.options}
        assert of(actions, InstallRoute, InstallReturnRoute) == [
            InstallReturnRoute(home(), TWO, LMA)
        ]
        request = contexts.request(asked, 10)
        actions = core.receive_handover(request, TWO, T0 + 3 * SECOND)
        assert of(actions, InstallRoute) == [InstallRoute(home(), TWO)]
        assert handover(actions).flags == AcknowledgeFlag.P | AcknowledgeFlag.F
        late = core.receive_handover(asked, TWO, T0 + 3 * SECOND)
        assert of(late, KeepPackets) == []

    def test_takes_the_question_for_the_departure(self):
        """Appendix A.2: so the previous MAG realizes it, where no Link_Down trigger tells."""
        core = fast()
        here(core)
        asked = contexts.question("mn1", MN.link_layer_address, T0 + 2 * SECOND, 9)
        actions = core.receive_handover(asked, TWO, T0 + 2 * SECOND)
        assert of(actions, KeepPackets) == [KeepPackets(home(), MN)]
        assert core.detach("mn1", T0 + 3 * SECOND) == []

    @pytest.mark.parametrize("attached", [T0 - SECOND, T0 + SECOND])
    def test_says_so_if_it_has_no_context(self, attached):
        """Section 4.1, step d: code 131; of a node that it never had, or that is back since."""
        core = fast()
        if attached < T0:
            here(core)
        asked = contexts.question("mn1", MN.link_layer_address, attached, 9)
        actions = core.receive_handover(asked, TWO, T0 + 2 * SECOND)
        assert handover(actions).code == Code.CONTEXT_NOT_AVAILABLE
        assert of(actions, InstallRoute) == []

    def test_tells_one_that_expects_in_vain(self):
        core = fast()
        here(core)
        message = handover(core.going_down("mn1", THREE, T0 + SECOND))
        core.receive_handover(contexts.answer(message, Code.CONTEXT_ACCEPTED), THREE, T0 + SECOND)
        core.detach("mn1", T0 + SECOND)
        asked = contexts.question("mn1", MN.link_layer_address, T0 + 2 * SECOND, 9)
        sends = of(core.receive_handover(asked, TWO, T0 + 2 * SECOND), SendHandover)
        assert [(s.destination, s.message.code) for s in sends] == [
            (THREE, InitiateCode.FORWARDING_COMPLETED),
            (TWO, Code.ALL_CONTEXT_TRANSFERRED),
        ]

    def test_serves_a_node_that_comes_back(self):
        core = fast()
        here(core)
        core.detach("mn1", T0 + SECOND)
        actions = core.attach(MN, T0 + 2 * SECOND)
        assert of(actions, InstallRoute) == [InstallRoute(home(), None)]
        assert request(actions).lifetime > 0


class TestTheNextMag:
    def test_keeps_what_is_forwarded_until_the_node_is_there(self):
        core, _, actions = announced()
        assert handover(actions).code == Code.CONTEXT_ACCEPTED
        assert of(actions, KeepPackets) == [KeepPackets(home(), MN)]
        assert ("prefix_assigned", {"mn": "mn1", "prefix": str(home())}) in logs(actions)
        arrived = core.attach(MN, T0 + 2 * SECOND, ONE)
        assert of(arrived, InstallRoute) == [InstallRoute(home(), None)]
        assert of(arrived, SendHandover) == []
        (shown,) = of(arrived, Advertise)
        assert [p.prefix for p in shown.prefixes] == [home()]
        pbu = request(arrived)
        assert pbu.option(HomeNetworkPrefix).prefix == home()
        assert pbu.option(HandoffIndicator).value == Handoff.BETWEEN_ROUTERS

    def test_sends_by_the_lma_once_that_knows(self):
        core, _, _ = announced()
        pbu = request(core.attach(MN, T0 + 2 * SECOND, ONE))
        actions = core.receive(pba(pbu), LMA, T0 + 3 * SECOND)
        assert of(actions, InstallSourceRoute) == [InstallSourceRoute(home(), LMA)]
        assert core.tunnels()[ONE] == {"handover:mn1"}  # for what is on its way
        core.timer(T0 + SECOND + LIFETIME)
        assert ONE not in core.tunnels()

    @pytest.mark.parametrize("status", [Status.PREFIX_SET_DOES_NOT_MATCH, Status(155)])
    def test_takes_back_a_prefix_that_the_lma_does_not_know(self, status):
        """Section 5.2: an RA with a lifetime of zero is a MUST."""
        core, _, _ = announced()
        pbu = request(core.attach(MN, T0 + 2 * SECOND, ONE))
        actions = core.receive(pba(pbu, status), LMA, T0 + 3 * SECOND)
        (shown,) = of(actions, Advertise)
        assert [(p.prefix, p.valid_lifetime) for p in shown.prefixes] == [(home(), 0)]
        assert request(actions).option(HomeNetworkPrefix).prefix == IPv6Network("::/0")

    def test_takes_back_a_prefix_in_the_place_of_which_there_is_another(self):
        core, _, _ = announced()
        pbu = request(core.attach(MN, T0 + 2 * SECOND, ONE))
        shown = of(core.receive(pba(pbu, prefix=home(9)), LMA, T0 + 3 * SECOND), Advertise)
        said = [(p.prefix, p.valid_lifetime > 0) for a in shown for p in a.prefixes]
        assert said == [(home(), False), (home(9), True)]

    def test_forgets_who_does_not_come(self):
        core, _, _ = announced()
        over = core.timer(T0 + SECOND + LIFETIME)
        assert of(over, RemoveRoute) == [RemoveRoute(home())]
        assert (core.bindings(), core.tunnels()) == ({}, {})

    def test_forgets_who_will_not_come(self):
        core, _, _ = announced()
        over = core.receive_handover(contexts.completion("mn1", 8), ONE, T0 + 2 * SECOND)
        assert handover(over).code == Code.ACCEPTED
        assert of(over, RemoveRoute) == [RemoveRoute(home())]

    def test_asks_where_the_node_was(self):
        """Figure 3: the LMA is told when the previous MAG forwards."""
        core = fast(2)
        actions = core.attach(MN, T0 + SECOND, ONE)
        asked = handover(actions)
        assert of(actions, Send) == []
        assert asked.option(Timestamp).time >= T0 + SECOND
        answer = contexts.answer(asked, Code.ALL_CONTEXT_TRANSFERRED, CONTEXT)
        told = core.receive_handover(answer, ONE, T0 + 2 * SECOND)
        assert of(told, InstallRoute) == [InstallRoute(home(), None)]
        assert of(told, Send) == []
        wanted = handover(told)
        assert wanted.flags == InitiateFlag.P | InitiateFlag.F
        answer = contexts.answer(wanted, Code.ALL_CONTEXT_TRANSFERRED, CONTEXT)
        forwarded = core.receive_handover(answer, ONE, T0 + 3 * SECOND)
        assert request(forwarded).option(HomeNetworkPrefix).prefix == home()

    def test_does_not_wait_for_one_that_is_silent(self):
        core = fast(2)
        asked = handover(core.attach(MN, T0, ONE))
        actions = core.timer(T0 + RETRANSMISSION)
        assert handover(actions) == asked
        assert request(actions).option(HomeNetworkPrefix).prefix == IPv6Network("::/0")
        assert of(core.timer(T0 + 3 * RETRANSMISSION), Send) == []

    @pytest.mark.parametrize("code", [Code.CONTEXT_NOT_AVAILABLE, Code.FORWARDING_NOT_AVAILABLE])
    def test_registers_a_node_that_nobody_knows(self, code):
        core = fast(2)
        asked = handover(core.attach(MN, T0, ONE))
        actions = core.receive_handover(contexts.answer(asked, code), ONE, T0 + MILLISECOND)
        assert request(actions).option(HomeNetworkPrefix).prefix == IPv6Network("::/0")

    def test_is_not_led_astray_by_an_old_announcement(self):
        core = fast(2)
        here(core, T0 + SECOND)
        _, _, actions = announced(core, T0 + 2 * SECOND)
        assert handover(actions).code == Code.NOT_ACCEPTED
        assert of(actions, KeepPackets) == []

    def test_takes_no_prefix_that_is_another_nodes(self):
        core = fast(2)
        serve(core, mn=OTHER, prefix=home())
        _, _, actions = announced(core)
        assert handover(actions).code == Code.ADMINISTRATIVELY_PROHIBITED
        foreign = replace(CONTEXT, prefix=IPv6Network("2001:db8:5e00:1::/64"))
        message = contexts.announcement(foreign, 8)
        refusal = handover(core.receive_handover(message, ONE, T0 + SECOND))
        assert refusal.code == Code.ADMINISTRATIVELY_PROHIBITED

    def test_expects_so_many_at_most(self, monkeypatch):
        monkeypatch.setattr("agents.mobility.fpmipv6.next_mag.MAXIMUM_EXPECTED", 1)
        core, _, _ = announced()
        other = Context("mn2", OTHER.link_layer_address, home(2), LMA, T0)
        refused = core.receive_handover(contexts.announcement(other, 8), ONE, T0 + SECOND)
        assert handover(refused).code == Code.INSUFFICIENT_RESOURCES
        assert handovers.MAXIMUM_EXPECTED > 1

    def test_answers_each_repetition_and_prepares_once(self):
        core, message, _ = announced()
        again = core.receive_handover(message, ONE, T0 + SECOND + MILLISECOND)
        assert (handover(again).code, of(again, KeepPackets)) == (Code.CONTEXT_ACCEPTED, [])

    def test_hears_no_stranger(self):
        core, message, _ = announced()
        assert core.receive_handover(message, IPv6Address("2001:db8::bad"), T0) == []
        assert core.counters.unauthentic == 1

    @pytest.mark.parametrize("missing", [0, 2, 3])
    def test_counts_what_is_incomplete(self, missing):
        core = fast(2)
        whole = contexts.announcement(CONTEXT, 7)
        options = whole.options[:missing] + whole.options[missing + 1 :]
        assert core.receive_handover(replace(whole, options=options), ONE, T0) == []
        assert core.receive_handover(replace(whole, flags=InitiateFlag.F), ONE, T0) == []
        assert core.counters.malformed == 2

    def test_says_when_it_is_attached(self):
        core, _, _ = announced()
        assert ("attached", {"mn": "mn1"}) in logs(core.attach(MN, T0 + 2 * SECOND, ONE))


GOOD = [
    contexts.announcement(CONTEXT, 1),
    contexts.question("mn1", MN.link_layer_address, T0 + 5 * SECOND, 2),
    contexts.completion("mn1", 3),
]
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
    wire.handover_message,
    st.sampled_from(GOOD),
    st.builds(
        HandoverInitiate,
        st.integers(0, 5),
        wire.flags(InitiateFlag),
        st.sampled_from([0, 2, 3]),
        options,
    ),
    st.builds(
        HandoverAcknowledge,
        st.integers(0, 5),
        wire.flags(AcknowledgeFlag),
        st.sampled_from([0, 5, 6, 128, 131]),
        options,
    ),
)
happenings = st.lists(
    st.one_of(
        st.tuples(messages, st.sampled_from([ONE, TWO, THREE, mag_address(77)])),
        st.sampled_from(["attach", "attach from", "detach", "going down", "wait"]),
    ),
    max_size=10,
)


@settings(max_examples=300)
@given(happenings)
def test_whatever_comes_it_never_raises_and_all_ends(happened):
    core, router, now = fast(), Router(), T0
    steps = {
        "attach": lambda: core.attach(MN, now),
        "attach from": lambda: core.attach(MN, now, TWO),
        "detach": lambda: core.detach("mn1", now),
        "going down": lambda: core.going_down("mn1", TWO, now),
        "wait": lambda: core.timer(now + LIFETIME),
    }
    actions = here(core)
    for what in happened:
        now += 300 * MILLISECOND
        if isinstance(what, str):
            actions += steps[what]()
        else:
            actions += core.receive_handover(*what, now)
        actions += core.timer(now)
        for send in of(actions, Send):
            encode(send.message, ONE, send.destination)
            if isinstance(send.message, BindingUpdate):
                actions += core.receive(pba(send.message), LMA, now)
        for send in of(actions, SendHandover):
            fast_handover.encode(send.message, ONE, send.destination)
        for action in actions:
            router.apply(action)  # refuses what a kernel would refuse
        actions = []
    for action in core.detach("mn1", now):
        router.apply(action)
    for action in core.timer(now + 10 * LIFETIME):
        router.apply(action)
    assert router.kept == set()
    assert router.return_routes == {}
