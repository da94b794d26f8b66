"""The local mobility anchor (RFC 5213 section 5): its bindings, prefixes, routes and refusals."""

from dataclasses import replace
from ipaddress import IPv6Network

import pytest
from mobility_nodes import MN, OTHER, T0, sent, without_logs
from mobility_nodes import pbu as dmm_pbu
from proxy_nodes import answer, home, lma, mag_address, pbu

from agents.core import SECOND
from agents.mobility.actions import CreateTunnel, InstallRoute, RemoveRoute, RemoveTunnel
from agents.mobility.messages import END_OF_TIME
from agents.mobility.proxy_bindings import LmaBinding, LmaPhase
from agents.wire.mobility import BindingAcknowledgementFlag, Status
from agents.wire.mobility_options import (
    AccessTechnologyType,
    HandoffIndicator,
    HomeNetworkPrefix,
    LinkLocalAddress,
    MobileNodeIdentifier,
    MobileNodeLinkLayerIdentifier,
    Timestamp,
)

MAG1, MAG2 = mag_address(1), mag_address(2)
LATER = T0 + SECOND


def test_a_newcomer_gets_a_prefix_and_a_route_to_its_mag():
    core = lma()
    asked = pbu(1)
    actions = core.receive(asked, MAG1, T0)
    assert without_logs(actions)[:-1] == [CreateTunnel(MAG1), InstallRoute(home(), MAG1)]
    told = answer(actions)
    assert (told.status, told.sequence, told.lifetime) == (Status.ACCEPTED, 1, 300)
    assert told.flags == BindingAcknowledgementFlag.P
    assert told.option(HomeNetworkPrefix).prefix == home()
    for kind in (MobileNodeIdentifier, HandoffIndicator, AccessTechnologyType, Timestamp):
        assert told.option(kind) == asked.option(kind)
    for kind in (MobileNodeLinkLayerIdentifier, LinkLocalAddress):
        assert told.option(kind) == asked.option(kind)


def test_each_mobile_node_has_a_prefix_of_its_own():
    core = lma()
    core.receive(pbu(1), MAG1, T0)
    told = answer(core.receive(pbu(1, mn=OTHER), MAG1, T0))
    assert told.option(HomeNetworkPrefix).prefix == home(2)


def test_a_node_that_moves_keeps_its_prefix_and_is_never_without_a_route():
    """Also if its departure was not told, or comes late."""
    core = lma()
    core.receive(pbu(1), MAG1, T0)
    actions = core.receive(pbu(1, LATER), MAG2, LATER)
    assert without_logs(actions)[:-1] == [
        CreateTunnel(MAG2),
        InstallRoute(home(), MAG2),
        RemoveTunnel(MAG1),
    ]
    assert answer(actions).option(HomeNetworkPrefix).prefix == home()
    late = core.receive(pbu(2, lifetime=0), MAG1, LATER)
    assert answer(late).status == Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
    assert core.bindings() == {"mn1": LmaBinding(home(), MAG2, LmaPhase.BOUND)}


def test_a_departure_stops_the_traffic_and_the_prefix_waits():
    """Section 5.3.5: for MinDelayBeforeBCEDelete."""
    core = lma()
    core.receive(pbu(1), MAG1, T0)
    actions = core.receive(pbu(2, lifetime=0, prefix=home()), MAG1, LATER)
    assert without_logs(actions)[:-1] == [RemoveRoute(home()), RemoveTunnel(MAG1)]
    assert answer(actions).lifetime == 0
    assert core.timer(LATER + 9 * SECOND) == []
    told = answer(core.receive(pbu(1, LATER + SECOND), MAG2, LATER + 9 * SECOND))
    assert told.option(HomeNetworkPrefix).prefix == home()
    core.timer(LATER + 20 * SECOND)
    assert core.bindings()["mn1"].phase is LmaPhase.BOUND


def test_who_does_not_come_back_is_forgotten():
    core = lma()
    core.receive(pbu(1), MAG1, T0)
    core.receive(pbu(2, lifetime=0, prefix=home()), MAG1, LATER)
    core.timer(LATER + 10 * SECOND)
    assert core.bindings() == {}
    old = core.receive(pbu(1), MAG1, LATER + 15 * SECOND)  # what was under way all the time
    assert sent(old) == []
    core.timer(LATER + 20 * SECOND)
    assert core.next_deadline() is None


def test_a_departure_that_overtakes_the_arrival_is_not_undone_by_it():
    core = lma()
    assert answer(core.receive(pbu(2, lifetime=0), MAG1, T0)).status == Status.ACCEPTED
    assert without_logs(core.receive(pbu(1), MAG1, T0)) == []
    assert core.bindings() == {}


def test_what_is_not_refreshed_ends_with_its_lifetime():
    core = lma(binding_lifetime_s=100)
    assert answer(core.receive(pbu(1), MAG1, T0)).lifetime == 100
    assert without_logs(core.receive(pbu(2, prefix=home()), MAG1, T0 + 50 * SECOND))
    assert core.timer(T0 + 149 * SECOND) == []
    assert without_logs(core.timer(T0 + 150 * SECOND)) == [RemoveRoute(home()), RemoveTunnel(MAG1)]


def test_a_lost_binding_comes_back_with_the_prefix_that_the_node_has():
    core = lma()
    told = answer(core.receive(pbu(7, prefix=home(5)), MAG1, T0))
    assert told.option(HomeNetworkPrefix).prefix == home(5)


@pytest.mark.parametrize(
    ("prefix", "status"),
    [
        (IPv6Network("2001:db8:1:1::/64"), Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX),
        (home(), Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX),
    ],
)
def test_a_prefix_that_is_not_for_this_node_is_refused(prefix, status):
    core = lma()
    core.receive(pbu(1), MAG1, T0)
    refused = answer(core.receive(pbu(1, mn=OTHER, prefix=prefix), MAG1, T0))
    assert refused.status == status
    assert list(core.bindings()) == ["mn1"]


def test_another_prefix_than_the_nodes_is_refused():
    core = lma()
    core.receive(pbu(1), MAG1, T0)
    refused = answer(core.receive(pbu(2, prefix=home(2)), MAG1, T0))
    assert refused.status == Status.PREFIX_SET_DOES_NOT_MATCH


def test_a_pool_that_is_used_up_is_said_so():
    core = lma(pool=IPv6Network("2001:db8:a000::/63"))
    core.receive(pbu(1), MAG1, T0)
    refused = answer(core.receive(pbu(1, mn=OTHER), MAG1, T0))
    assert refused.status == Status.INSUFFICIENT_RESOURCES


def test_who_is_no_mag_is_refused_and_counted():
    core = lma()
    refused = answer(core.receive(pbu(1), mag_address(9), T0))
    assert refused.status == Status.MAG_NOT_AUTHORIZED_FOR_PROXY_REGISTRATION
    assert core.receive(refused, mag_address(9), T0) == []
    assert core.counters.unauthentic == 2
    assert core.bindings() == {}


@pytest.mark.parametrize(
    ("missing", "status"),
    [
        (MobileNodeIdentifier, Status.MISSING_MOBILE_NODE_IDENTIFIER_OPTION),
        (HomeNetworkPrefix, Status.MISSING_HOME_NETWORK_PREFIX_OPTION),
        (HandoffIndicator, Status.MISSING_HANDOFF_INDICATOR_OPTION),
        (AccessTechnologyType, Status.MISSING_ACCESS_TECHNOLOGY_TYPE_OPTION),
        (Timestamp, Status.REASON_UNSPECIFIED),
    ],
)
def test_what_lacks_an_option_is_refused_and_counted(missing, status):
    core = lma()
    message = pbu(1)
    options = tuple(o for o in message.options if not isinstance(o, missing))
    refused = answer(core.receive(replace(message, options=options), MAG1, T0))
    assert refused.status == status
    assert core.counters.malformed == 1


def test_a_duplicate_and_a_message_of_another_protocol_are_ignored():
    core = lma()
    core.receive(pbu(1), MAG1, T0)
    assert without_logs(core.receive(pbu(1), MAG1, T0)) == []
    assert core.receive(answer(core.receive(pbu(2), MAG1, T0)), MAG1, T0) == []
    assert core.counters.ignored == 2


def test_a_message_of_distributed_mobility_is_refused():
    """RFC 8885 section 4.1: it is not processed, and an error is returned."""
    core = lma()
    message = dmm_pbu(1, 1, T0, mn=MN)
    refused = answer(core.receive(message, MAG1, T0))
    assert refused.status == Status.REASON_UNSPECIFIED
    assert (refused.sequence, refused.flags) == (1, BindingAcknowledgementFlag.P)
    assert core.bindings() == {}
    assert core.counters.ignored == 1


@pytest.mark.parametrize("offset", [0, 1_790_000_000 * SECOND])
def test_a_late_registration_is_told_the_time_at_the_lma(offset):
    """RFC 5213 section 5.5, 8 and 9."""
    core = lma(clock_offset=offset)
    core.receive(pbu(1, attached=T0 + SECOND), MAG1, T0)
    for attached, status in (
        (T0, Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED),
        (END_OF_TIME + SECOND, Status.TIMESTAMP_MISMATCH),
    ):
        refused = answer(core.receive(pbu(1, attached=attached), MAG2, T0 + 5 * SECOND))
        assert refused.status == status
        assert refused.option(Timestamp) == Timestamp(T0 + 5 * SECOND + offset)
