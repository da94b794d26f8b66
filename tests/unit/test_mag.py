"""The mobile access gateway (RFC 5213 section 6): what it asks, shows, forwards, and clears."""

from dataclasses import replace

import pytest
from mobility_nodes import MN, OTHER, T0, logs, sent, without_logs
from proxy_nodes import HOME_LINK, LMA, home, mag, mag_address, pba, request, serve

from agents.core import SECOND
from agents.mobility.actions import (
    Advertise,
    AdvertisedPrefix,
    CreateTunnel,
    InstallRoute,
    InstallSourceRoute,
    RemoveRoute,
    RemoveSourceRoute,
    RemoveTunnel,
    Send,
    ServingEnded,
    ServingStarted,
)
from agents.mobility.config import PREFIX_DELAY
from agents.mobility.mag_sessions import MagBinding, MagPhase
from agents.mobility.messages import acknowledgement
from agents.mobility.ordering import with_own_time
from agents.wire.mobility import BindingUpdateFlag, Status
from agents.wire.mobility_options import (
    Handoff,
    HandoffIndicator,
    HomeNetworkPrefix,
    LinkLocalAddress,
    MobileNodeIdentifier,
    MobileNodeLinkLayerIdentifier,
    Timestamp,
)

SEEN = Advertise(MN, HOME_LINK, 300, (AdvertisedPrefix(home(), 300, 300),))


def test_an_attachment_asks_the_lma_for_whatever_prefix_it_has_for_the_node():
    actions = mag().attach(MN, T0)
    (send,) = sent(actions)
    message = send.message
    assert send.destination == LMA
    assert message.flags == BindingUpdateFlag.A | BindingUpdateFlag.P
    assert message.lifetime == 300
    assert message.option(MobileNodeIdentifier).identifier == "mn1"
    assert str(message.option(HomeNetworkPrefix).prefix) == "::/0"
    assert message.option(HandoffIndicator).value == Handoff.UNKNOWN
    assert message.option(MobileNodeLinkLayerIdentifier).address == MN.link_layer_address
    assert message.option(LinkLocalAddress).address == HOME_LINK
    assert message.option(Timestamp) == Timestamp(T0)


def test_the_answer_brings_up_the_home_link():
    actions = serve(mag())
    assert without_logs(actions) == [
        CreateTunnel(LMA),
        InstallRoute(home(), None),
        InstallSourceRoute(home(), LMA),
        SEEN,
        ServingStarted(MN, None),
    ]
    kinds = [kind for kind, _ in logs(actions)]
    assert kinds.index("prefix_assigned") < kinds.index("binding_complete")


def test_all_mobile_nodes_share_the_tunnel_and_the_last_takes_it_down():
    core = mag()
    serve(core)
    actions = serve(core, mn=OTHER, prefix=home(2))
    assert CreateTunnel(LMA) not in actions
    first = core.receive(pba(request(core.detach("mn1", T0 + SECOND))), LMA, T0 + SECOND)
    assert RemoveTunnel(LMA) not in first
    last = core.receive(pba(request(core.detach("mn2", T0 + SECOND))), LMA, T0 + SECOND)
    assert RemoveTunnel(LMA) in last


def test_multicast_keeps_the_tunnel_too():
    core = mag()
    serve(core)
    core.hold_tunnel(LMA, "multicast", T0)
    actions = core.receive(pba(request(core.detach("mn1", T0 + SECOND))), LMA, T0 + SECOND)
    assert RemoveTunnel(LMA) not in actions
    assert RemoveTunnel(LMA) in core.release_tunnel(LMA, "multicast", T0)


def test_a_departure_deregisters_at_once_and_clears_up_when_the_lma_knows():
    """Before that the LMA may still send, and nothing is to go back to it."""
    core = mag()
    serve(core)
    actions = core.detach("mn1", T0 + SECOND)
    message = request(actions)
    assert message.lifetime == 0
    assert message.option(Timestamp) == Timestamp(T0)
    assert message.option(HomeNetworkPrefix).prefix == home()
    assert without_logs(actions)[1:] == [ServingEnded(MN)]
    actions = core.receive(pba(message), LMA, T0 + SECOND)
    assert without_logs(actions) == [
        RemoveSourceRoute(home()),
        RemoveRoute(home()),
        RemoveTunnel(LMA),
    ]
    assert core.bindings() == {}
    assert core.next_deadline() is None


def test_a_departure_is_told_until_it_is_acknowledged():
    core = mag()
    serve(core)
    core.detach("mn1", T0 + SECOND)
    lifetimes = [request(core.timer(T0 + after * SECOND)).lifetime for after in (2, 4, 8)]
    assert lifetimes == [0, 0, 0]
    core.timer(T0 + 1000 * SECOND)
    assert core.bindings() == {}
    assert core.next_deadline() is None


def test_a_node_that_comes_back_is_registered_anew_under_a_later_time():
    core = mag()
    serve(core)
    leaving = request(core.detach("mn1", T0))
    message = request(core.attach(MN, T0))
    assert message.option(Timestamp).time > T0
    assert str(message.option(HomeNetworkPrefix).prefix) == "::/0"
    assert core.receive(pba(leaving), LMA, T0 + 1) == []  # the answer to the departure is late
    actions = core.receive(pba(message), LMA, T0 + 2)
    assert without_logs(actions) == [SEEN, ServingStarted(MN, None)]


def test_a_pbu_is_repeated_under_new_numbers_and_any_of_them_may_be_answered():
    core = mag()
    first = request(core.attach(MN, T0))
    again = [request(core.timer(T0 + after * SECOND)) for after in (1, 3, 7)]
    assert [message.sequence for message in again] == [2, 3, 4]
    assert {message.option(Timestamp) for message in again} == {first.option(Timestamp)}
    assert ServingStarted(MN, None) in core.receive(pba(first), LMA, T0 + 8 * SECOND)
    assert sent(core.timer(T0 + 100 * SECOND)) == []


def test_a_binding_is_refreshed_in_time_and_nothing_else_happens():
    core = mag()
    serve(core)
    actions = core.timer(T0 + 151 * SECOND)
    message = request(actions)
    assert message.option(HandoffIndicator).value == Handoff.NOT_CHANGED
    assert message.option(HomeNetworkPrefix).prefix == home()
    assert message.option(Timestamp) == Timestamp(T0)
    assert without_logs(core.receive(pba(message), LMA, T0 + 151 * SECOND)) == []


def test_what_the_lma_no_longer_acknowledges_ends_and_is_asked_for_again():
    core = mag()
    serve(core)
    actions = core.timer(T0 + 301 * SECOND)
    over = {RemoveRoute(home()), RemoveTunnel(LMA), ServingEnded(MN)}
    assert over <= {action for action in without_logs(actions) if not isinstance(action, Send)}
    assert core.bindings() == {"mn1": MagBinding(None, MagPhase.REGISTERING)}
    (*_, last) = sent(core.timer(T0 + 400 * SECOND))
    assert str(last.message.option(HomeNetworkPrefix).prefix) == "::/0"
    actions = core.receive(pba(last.message, prefix=home(2)), LMA, T0 + 400 * SECOND)
    assert InstallRoute(home(2), None) in actions
    assert ServingStarted(MN, None) in actions


def test_a_refusal_ends_the_session():
    core = mag()
    refused = Status.PROXY_REGISTRATION_NOT_ENABLED
    actions = core.receive(pba(request(core.attach(MN, T0)), refused), LMA, T0)
    assert ("binding_refused", {"mn": "mn1", "status": refused}) in logs(actions)
    assert core.bindings() == {}
    assert core.next_deadline() is None


LOWER = Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED


@pytest.mark.parametrize("serving", [False, True])
def test_where_a_later_attachment_is_known_a_node_that_is_still_here_is_registered_again(serving):
    """RFC 5213 section 6.9.1.2, 8. The refusal has the LMA's time (section 5.5)."""
    core, now = mag(), T0
    if serving:
        serve(core)
        now = T0 + 151 * SECOND
        asked = request(core.timer(now))
    else:
        asked = request(core.attach(MN, T0))
    actions = core.receive(with_own_time(pba(asked, LOWER), now + 7), LMA, now)
    assert ("binding_refused", {"mn": "mn1", "status": LOWER}) in logs(actions)
    assert core.solicit("mn1", now) == []  # meanwhile there is no service
    if serving:
        assert {RemoveRoute(home()), RemoveTunnel(LMA), ServingEnded(MN)} <= set(
            without_logs(actions)
        )
    assert core.timer(now + SECOND - 1) == []
    again = request(core.timer(now + SECOND))
    assert again.option(Timestamp) == Timestamp(now + SECOND)
    assert str(again.option(HomeNetworkPrefix).prefix) == "::/0"
    assert ServingStarted(MN, None) in core.receive(pba(again), LMA, now + SECOND)


def test_who_has_left_by_then_is_not():
    core = mag()
    asked = request(core.attach(MN, T0))
    core.receive(with_own_time(pba(asked, LOWER), T0 + 7), LMA, T0)
    gone = request(core.detach("mn1", T0 + SECOND // 2))
    assert gone.lifetime == 0
    core.receive(with_own_time(pba(gone, LOWER), T0 + 7), LMA, T0 + SECOND // 2)
    assert core.next_deadline() is None
    assert core.bindings() == {}


def test_a_refusal_of_another_registration_counts_for_nothing():
    core = mag()
    asked = request(core.attach(MN, T0))
    late = with_own_time(pba(replace(asked, sequence=asked.sequence + 1), LOWER), T0 + 7)
    assert core.receive(late, LMA, T0) == []
    assert core.counters.ignored == 1


def test_who_got_no_prefix_asks_again():
    core = mag()
    asked = request(core.attach(MN, T0))
    core.receive(pba(asked, Status.INSUFFICIENT_RESOURCES), LMA, T0)
    assert core.timer(T0 + PREFIX_DELAY - 1) == []
    again = request(core.timer(T0 + PREFIX_DELAY))
    assert ServingStarted(MN, None) in core.receive(pba(again), LMA, T0 + PREFIX_DELAY)


@pytest.mark.parametrize(
    "status", [Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX, Status.PREFIX_SET_DOES_NOT_MATCH]
)
def test_a_prefix_that_is_another_ones_by_now_is_given_up_for_any(status):
    """RFC 5213 section 6.9.1.2, 10: the LMA has lost the binding, and assigns a new one."""
    core = mag()
    serve(core)
    later = T0 + 151 * SECOND
    actions = core.receive(pba(request(core.timer(later)), status), LMA, later)
    assert RemoveRoute(home()) in actions
    again = request(actions)
    assert str(again.option(HomeNetworkPrefix).prefix) == "::/0"
    actions = core.receive(pba(again, prefix=home(2)), LMA, later)
    assert InstallRoute(home(2), None) in actions


def test_a_solicitation_is_answered_only_on_a_home_link():
    core = mag()
    core.attach(MN, T0)
    assert core.solicit("mn1", T0) == []
    assert core.solicit("mn9", T0) == []
    serve(core)
    assert core.solicit("mn1", T0) == [SEEN]


def test_what_is_not_the_lmas_answer_is_counted():
    core = mag()
    message = request(core.attach(MN, T0))
    assert core.receive(pba(message), mag_address(2), T0) == []
    assert core.counters.unauthentic == 1
    distributed = acknowledgement(message, Status.ACCEPTED, 300)
    assert core.receive(distributed, LMA, T0) == []
    assert core.receive(message, LMA, T0) == []
    assert core.counters.ignored == 2
    without_prefix = pba(message, prefix=None)
    options = [o for o in without_prefix.options if not isinstance(o, HomeNetworkPrefix)]
    spoiled = type(without_prefix)(
        Status.ACCEPTED, message.sequence, 300, without_prefix.flags, tuple(options)
    )
    assert core.receive(spoiled, LMA, T0) == []
    assert core.counters.malformed == 1
    serve(core)
    assert core.receive(pba(message), LMA, T0) == []
    assert core.counters.ignored == 3
