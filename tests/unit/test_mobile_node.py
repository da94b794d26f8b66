"""A mobile node's bindings, call by call (RFC 6275 section 11)."""

from __future__ import annotations

from ipaddress import IPv6Address
from random import Random

from agents.core import SECOND, Action, Log
from agents.mipv6.actions import (
    GiveUp,
    LeaveHome,
    LeaveLink,
    OpenTunnel,
    ReturnHome,
    Send,
    UseTunnel,
)
from agents.mipv6.authorizer import Authorizer
from agents.mipv6.config import MobileNodeConfig
from agents.mipv6.mobile_node import MobileNodeCore
from agents.mipv6.packets import Packet
from agents.mipv6.security import Security
from agents.mipv6.update_list import Phase
from agents.mipv6.verifier import Verifier
from agents.wire import routability_tests
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingAcknowledgementFlag,
    BindingError,
    BindingRefreshRequest,
    BindingUpdate,
    BindingUpdateFlag,
    Status,
)
from agents.wire.mobility_options import AlternateCareOfAddress

AGENT, OTHER_AGENT = IPv6Address("2001:db8:ffff::1"), IPv6Address("2001:db8:ffff::2")
HOME, OTHER_HOME = IPv6Address("2001:db8:1:1::7"), IPv6Address("2001:db8:2:1::7")
THIRD = IPv6Address("2001:db8:3:1::7")
T0 = 1000 * SECOND


def node() -> MobileNodeCore:
    return MobileNodeCore(MobileNodeConfig("mn1", binding_lifetime_s=60))


def away() -> tuple[MobileNodeCore, list[Action]]:
    """A node with one home address, that just came to OTHER_HOME's link."""
    core = node()
    core.moved(HOME, T0, AGENT)
    return core, core.moved(OTHER_HOME, T0, OTHER_AGENT)


def sent(actions: list[Action]) -> list[Packet]:
    return [action.packet for action in actions if isinstance(action, Send)]


def logged(actions: list[Action], kind: str) -> int:
    return sum(isinstance(action, Log) and action.kind == kind for action in actions)


def update(packet: Packet) -> BindingUpdate:
    assert isinstance(packet.message, BindingUpdate)
    return packet.message


def answer(packet: Packet, status: int = 0, lifetime: int | None = None, **changes) -> Packet:
    """The acknowledgement of an update that was sent."""
    asked = update(packet)
    message = BindingAcknowledgement(
        status,
        changes.get("sequence", asked.sequence),
        asked.lifetime if lifetime is None else lifetime,
        BindingAcknowledgementFlag(0),
    )
    source = changes.get("source", packet.destination)
    return Packet(message, source, packet.source, routed_to=packet.home_address)


def test_at_home_nobody_is_told():
    core = node()
    actions = core.moved(HOME, T0, AGENT)
    assert sent(actions) == []
    assert logged(actions, "binding_complete") == 1
    assert core.next_deadline() is None


def test_away_the_home_agent_is_told_where():
    _, actions = away()
    (packet,) = sent(actions)
    assert (packet.source, packet.destination, packet.home_address) == (OTHER_HOME, AGENT, HOME)
    message = update(packet)
    assert message.lifetime == 60
    flags = BindingUpdateFlag.A | BindingUpdateFlag.H | BindingUpdateFlag.L
    assert message.flags == flags
    assert message.option(AlternateCareOfAddress) == AlternateCareOfAddress(OTHER_HOME)
    assert actions[0] == LeaveHome(HOME)
    assert OpenTunnel(HOME, AGENT, OTHER_HOME) in actions
    assert not any(isinstance(action, UseTunnel) for action in actions)


def test_the_acknowledgement_puts_the_tunnel_to_use():
    core, actions = away()
    done = core.receive(answer(sent(actions)[0]), T0 + 1)
    assert UseTunnel(HOME) in done
    assert logged(done, "binding_complete") == 1
    assert core.bindings()[HOME].phase is Phase.BOUND


def test_every_home_agent_is_told_and_the_binding_is_complete_with_the_last():
    core, actions = away()
    core.receive(answer(sent(actions)[0]), T0)
    both = sent(core.moved(THIRD, T0))
    assert {packet.destination for packet in both} == {AGENT, OTHER_AGENT}
    assert {packet.home_address for packet in both} == {HOME, OTHER_HOME}
    assert logged(core.receive(answer(both[1]), T0), "binding_complete") == 0
    assert logged(core.receive(answer(both[0]), T0), "binding_complete") == 1


def test_an_update_is_repeated_with_a_new_number_and_any_of_them_may_be_answered():
    core, actions = away()
    times, packets = [], sent(actions)
    for _ in range(3):
        due = core.next_deadline()
        times.append((due - T0) // SECOND)
        packets += sent(core.timer(due))
    assert times == [1, 3, 7]
    assert [update(packet).sequence for packet in packets] == [1, 2, 3, 4]
    assert UseTunnel(HOME) in core.receive(answer(packets[1]), T0 + 8 * SECOND)


def test_a_late_answer_about_another_place_counts_for_nothing():
    core, actions = away()
    core.moved(THIRD, T0)
    assert core.receive(answer(sent(actions)[0]), T0) == []
    assert core.counters.ignored == 1


def test_an_answer_of_a_stranger_is_not_believed():
    core, actions = away()
    assert core.receive(answer(sent(actions)[0], source=THIRD), T0) == []
    assert core.counters.unauthentic == 1


def test_a_binding_is_refreshed_half_way():
    core, actions = away()
    core.receive(answer(sent(actions)[0], lifetime=40), T0)
    assert core.next_deadline() == T0 + 20 * SECOND
    refresh = sent(core.timer(T0 + 20 * SECOND))
    done = core.receive(answer(refresh[0]), T0 + 21 * SECOND)
    assert not any(isinstance(action, UseTunnel) for action in done)
    assert core.bindings()[HOME].phase is Phase.BOUND


def test_an_old_sequence_number_is_made_good():
    core, actions = away()
    refused = answer(sent(actions)[0], status=Status.SEQUENCE_NUMBER_OUT_OF_WINDOW, sequence=500)
    (again,) = sent(core.receive(refused, T0))
    assert update(again).sequence == 501


def test_a_refusal_is_not_argued_with():
    core, actions = away()
    done = core.receive(answer(sent(actions)[0], status=Status.NOT_HOME_SUBNET), T0)
    assert logged(done, "binding_refused") == 1
    assert core.next_deadline() is None
    assert logged(done, "binding_complete") == 1


def test_a_home_agent_that_forgot_is_told_again():
    core, actions = away()
    core.receive(answer(sent(actions)[0]), T0)
    error = Packet(BindingError(1, HOME), AGENT, OTHER_HOME)
    (again,) = sent(core.receive(error, T0))
    assert update(again).sequence == 2


def with_return_routability() -> tuple[MobileNodeCore, Verifier]:
    """A node at home, and its home agent's part of the security."""
    security = Security(return_routability=True)
    authorizer = Authorizer(security, None, Random(1))
    core = MobileNodeCore(MobileNodeConfig("mn1", binding_lifetime_s=60), authorizer)
    core.moved(HOME, T0, AGENT)
    return core, Verifier(security, AGENT, b"s" * 20)


def answered(core: MobileNodeCore, agent: Verifier, asked: list[Packet], now: int) -> list[Action]:
    """The home agent answers these tests."""
    actions: list[Action] = []
    for packet in asked:
        assert isinstance(packet.message, routability_tests.TestInit)
        answer = agent.answer(packet.message, packet.source, now)
        actions += core.receive(Packet(answer, AGENT, packet.source), now)
    return actions


def test_it_says_when_its_home_address_is_tested():
    core, agent = with_return_routability()
    done = answered(core, agent, sent(core.timer(T0)), T0)
    assert logged(done, "home_tested") == 1
    asked = sent(core.moved(OTHER_HOME, T0, OTHER_AGENT))
    assert [type(packet.message).__name__ for packet in asked] == ["CareOfTestInit"]
    (packet,) = sent(answered(core, agent, asked, T0))
    assert update(packet).lifetime == 60


def test_a_home_address_that_was_not_tested_is_never_bound_and_that_is_said():
    """Nothing gets to it without a binding, the test neither."""
    core, agent = with_return_routability()
    core.timer(T0)  # the test is on its way
    actions = core.moved(OTHER_HOME, T0, OTHER_AGENT)
    assert logged(actions, "home_untested") == 1
    assert logged(actions, "binding_complete") == 1  # of what can be bound
    assert LeaveHome(HOME) in actions
    assert not sent(actions)
    assert core.bindings()[HOME].phase is Phase.AWAY
    again = core.moved(THIRD, T0, OTHER_AGENT)
    assert logged(again, "home_untested") >= 1
    core.moved(HOME, T0 + SECOND, AGENT)
    assert core.bindings()[HOME].phase is Phase.HOME
    asked = [p for p in sent(core.timer(T0 + SECOND)) if p.source == HOME]
    assert logged(answered(core, agent, asked, T0 + SECOND), "home_tested") == 1
    assert sent(core.moved(OTHER_HOME, T0 + SECOND, OTHER_AGENT))


def test_a_home_agent_may_ask_for_a_refresh():
    """RFC 6275 section 11.7.4."""
    core, actions = away()
    request = Packet(BindingRefreshRequest(), AGENT, OTHER_HOME, routed_to=HOME)
    assert sent(core.receive(request, T0)) == []  # an update is on its way
    core.receive(answer(sent(actions)[0]), T0)
    stranger = Packet(BindingRefreshRequest(), OTHER_AGENT, OTHER_HOME, routed_to=HOME)
    assert core.receive(stranger, T0) == []
    (again,) = sent(core.receive(request, T0))
    assert update(again).sequence == 2
    core.receive(answer(again), T0)
    assert core.bindings()[HOME].phase is Phase.BOUND


def test_back_home_the_binding_is_removed_from_the_home_address():
    core, actions = away()
    core.receive(answer(sent(actions)[0]), T0)
    actions = core.moved(HOME, T0, AGENT)
    assert ReturnHome(HOME) in actions
    removal = next(packet for packet in sent(actions) if packet.destination == AGENT)
    assert (removal.source, removal.home_address, update(removal).lifetime) == (HOME, None, 0)
    core.receive(answer(removal), T0)
    assert core.bindings()[HOME].phase is Phase.HOME


def test_a_home_address_is_released():
    core, actions = away()
    core.receive(answer(sent(actions)[0]), T0)
    (removal,) = sent(core.release(HOME, T0))
    assert (removal.home_address, update(removal).lifetime) == (HOME, 0)
    assert core.receive(answer(removal), T0)[-1] == GiveUp(HOME)
    assert HOME not in core.bindings()
    assert sent(core.moved(THIRD, T0)) != []  # OTHER_HOME is still kept
    assert all(packet.home_address == OTHER_HOME for packet in sent(core.moved(THIRD, T0)))


def test_the_address_on_the_link_is_not_released():
    core, _ = away()
    assert core.release(OTHER_HOME, T0) == []


def test_without_an_address_nothing_is_sent_and_with_it_everything_goes_on():
    core, _ = away()
    core.moved(None, T0)
    assert sent(core.timer(T0 + 30 * SECOND)) == []
    (packet,) = sent(core.moved(OTHER_HOME, T0 + 30 * SECOND))
    assert UseTunnel(HOME) in core.receive(answer(packet), T0 + 30 * SECOND)


def test_a_home_address_of_no_link_is_away_from_the_start():
    core = node()
    assert core.add_home(HOME, AGENT, T0) == [LeaveHome(HOME)]
    (packet,) = sent(core.moved(THIRD, T0))
    assert packet.home_address == HOME


def test_back_home_the_address_is_free_before_other_updates_go_out_from_it():
    core = node()
    core.moved(HOME, T0, AGENT)
    first = sent(core.moved(OTHER_HOME, T0, OTHER_AGENT))[0]
    core.receive(answer(first), T0)
    core.moved(THIRD, T0, AGENT)
    actions = core.moved(OTHER_HOME, T0, OTHER_AGENT)
    updates = [at for at, action in enumerate(actions) if isinstance(action, Send)]
    assert {packet.source for packet in sent(actions)} == {OTHER_HOME}
    assert actions.index(ReturnHome(OTHER_HOME)) < updates[0]


def test_out_of_coverage_home_addresses_of_access_routers_end_with_their_bindings():
    core, actions = away()
    core.receive(answer(sent(actions)[0]), T0)
    core.moved(None, T0 + 10 * SECOND)
    assert GiveUp(HOME) in core.timer(T0 + 60 * SECOND)
    assert GiveUp(OTHER_HOME) not in core.timer(T0 + 69 * SECOND)
    assert core.timer(T0 + 70 * SECOND)[-1] == GiveUp(OTHER_HOME)
    assert (core.bindings(), core.next_deadline()) == ({}, None)


def test_a_gap_shorter_than_the_lifetime_ends_nothing():
    core = node()
    core.moved(HOME, T0, AGENT)
    core.moved(None, T0)
    (asked,) = sent(core.moved(OTHER_HOME, T0 + 50 * SECOND, OTHER_AGENT))
    core.receive(answer(asked), T0 + 50 * SECOND)
    core.moved(None, T0 + 51 * SECOND)
    assert core.timer(T0 + 109 * SECOND) == []


def test_out_of_coverage_a_permanent_home_address_stays_without_its_tunnel():
    core = node()
    core.add_home(HOME, AGENT, T0)
    (asked,) = sent(core.moved(THIRD, T0))
    core.receive(answer(asked), T0)
    core.moved(None, T0)
    assert LeaveLink(HOME) in core.timer(T0 + 60 * SECOND)
    assert (core.bindings()[HOME].phase, core.next_deadline()) == (Phase.AWAY, None)
    assert sent(core.moved(OTHER_HOME, T0 + 61 * SECOND))


def test_back_where_it_was_just_before_the_binding_expires_it_asks_for_it_anew():
    core, actions = away()
    core.receive(answer(sent(actions)[0]), T0)
    core.moved(None, T0 + 29 * SECOND)
    for second in range(30, 60):  # the refresh is put off from second to second
        assert sent(core.timer(T0 + second * SECOND)) == []
    core.moved(OTHER_HOME, T0 + 60 * SECOND - 1, OTHER_AGENT)
    (packet,) = sent(core.timer(T0 + 60 * SECOND))
    assert update(packet).lifetime == 60
    done = core.receive(answer(packet), T0 + 60 * SECOND + 1)
    assert UseTunnel(HOME) in done
    assert core.bindings()[HOME].phase is Phase.BOUND
