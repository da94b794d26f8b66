"""What a MAR does, in which order, for the mobile nodes on its access link."""

import pytest
from mobility_nodes import (
    CMD,
    MACS,
    MN,
    OTHER,
    T0,
    anchor,
    link_local,
    logs,
    mar,
    mar_address,
    prefix,
    sent,
    serve,
    the_request,
    update,
    without_logs,
)

from agents.core import SECOND
from agents.mobility.actions import (
    AddDlif,
    Advertise,
    AdvertisedPrefix,
    CreateTunnel,
    InstallRoute,
    InstallSourceRoute,
    RemoveDlif,
    RemoveRoute,
    RemoveSourceRoute,
    RemoveTunnel,
    Send,
    ServingStarted,
)
from agents.mobility.messages import acknowledgement, registration
from agents.mobility.sessions import Phase
from agents.wire.mobility import Status
from agents.wire.mobility_options import MobileNodeIdentifier, Timestamp


def test_attachment_sends_a_pbu_and_routes_the_prefix_to_the_access_link():
    actions = mar().attach(MN, T0)
    request = registration(MN, anchor(1), 1, 300, Timestamp(T0).time, again=False)
    assert without_logs(actions) == [Send(request, CMD), InstallRoute(prefix(1), None)]
    assert logs(actions) == [
        ("attached", {"mn": "mn1"}),
        ("prefix_assigned", {"mn": "mn1", "prefix": "2001:db8:1:1::/64"}),
        ("sent", {"message": "PBU", "mn": "mn1", "sequence": 1, "destination": CMD}),
    ]


def test_the_timestamp_is_the_time_since_1970():
    core = mar(clock_offset=5_000 * SECOND)
    assert the_request(core.attach(MN, T0)).option(Timestamp) == Timestamp(T0 + 5_000 * SECOND)


def test_a_first_registration_is_completed_by_an_advertisement():
    core = mar()
    actions = serve(core, T0)
    own = AdvertisedPrefix(prefix(1), 300, 300)
    assert without_logs(actions) == [
        Advertise(MN, link_local(1), 300, (own,)),
        ServingStarted(MN, None),
    ]
    assert logs(actions)[-1] == ("binding_complete", {"mn": "mn1"})
    assert core.bindings()["mn1"].phase is Phase.SERVING


def test_a_handover_brings_up_tunnels_routes_and_dlifs_before_it_advertises():
    actions = serve(mar(3), T0, 1, 2)
    assert without_logs(actions) == [
        CreateTunnel(mar_address(1)),
        CreateTunnel(mar_address(2)),
        InstallRoute(prefix(1), None),
        InstallRoute(prefix(2), None),
        InstallSourceRoute(prefix(1), mar_address(1)),
        InstallSourceRoute(prefix(2), mar_address(2)),
        AddDlif(link_local(1)),
        AddDlif(link_local(2)),
        Advertise(MN, link_local(1), 0, (AdvertisedPrefix(prefix(1), 0, 300),)),
        Advertise(MN, link_local(2), 0, (AdvertisedPrefix(prefix(2), 0, 300),)),
        Advertise(MN, link_local(3), 300, (AdvertisedPrefix(prefix(3), 300, 300),)),
        ServingStarted(MN, mar_address(2)),
    ]


def test_the_log_says_who_holds_a_tunnel():
    peer = str(mar_address(1))
    actions = serve(mar(2), T0, 1)
    assert ("tunnel_created", {"peer": peer}) in logs(actions)
    assert ("tunnel_held", {"peer": peer, "holder": "unicast:mn1"}) in logs(actions)


def test_two_mobile_nodes_share_tunnel_and_dlif():
    core = mar(2)
    serve(core, T0, 1)
    second = the_request(core.attach(OTHER, T0))
    answer = acknowledgement(second, Status.ACCEPTED, 300, [anchor(1, index=7)])
    actions = core.receive(answer, CMD, T0)
    assert not [a for a in actions if isinstance(a, (CreateTunnel, AddDlif))]
    assert core.tunnels() == {mar_address(1): {"unicast:mn1", "unicast:mn2"}}
    actions = core.receive(update(3, 1, T0 + SECOND, own=2), CMD, T0 + SECOND)
    assert RemoveTunnel(mar_address(1)) not in actions
    assert RemoveDlif(link_local(1)) not in actions
    assert core.tunnels() == {mar_address(1): {"unicast:mn2"}, mar_address(3): {"unicast:mn1"}}


def test_a_second_attachment_at_once_starts_over_with_a_later_timestamp():
    core = mar()
    first = the_request(core.attach(MN, T0))
    second = the_request(core.attach(MN, T0))
    assert second.sequence == first.sequence + 1
    assert second.option(Timestamp).time > first.option(Timestamp).time
    assert core.receive(acknowledgement(first, Status.ACCEPTED, 300), CMD, T0) == []
    actions = core.receive(acknowledgement(second, Status.ACCEPTED, 300), CMD, T0)
    assert ServingStarted(MN, None) in actions


def test_a_node_that_comes_back_before_it_was_missed_was_not_anywhere_else():
    core = mar(2)
    serve(core, T0, 1)
    core.detach("mn1", T0 + SECOND)
    actions = serve(core, T0 + 2 * SECOND, 1)
    assert ServingStarted(MN, None) in actions
    assert not [a for a in actions if isinstance(a, (CreateTunnel, InstallRoute, AddDlif))]


def test_the_binding_is_refreshed_before_it_expires_under_the_same_timestamp():
    core = mar()
    request = the_request(core.attach(MN, T0))
    core.receive(acknowledgement(request, Status.ACCEPTED, 40), CMD, T0)
    refreshes = []
    while core.next_deadline() < T0 + 40 * SECOND and not refreshes:
        refreshes = sent(core.timer(core.next_deadline()))
    refresh = refreshes[0].message
    assert refresh == registration(MN, anchor(1), 2, 300, Timestamp(T0).time, again=True)
    actions = core.receive(acknowledgement(refresh, Status.ACCEPTED, 40), CMD, T0 + 20 * SECOND)
    assert without_logs(actions) == []


def test_an_anchor_that_a_refresh_no_longer_names_is_taken_down():
    core = mar(2)
    serve(core, T0, 1)
    refresh = None
    while refresh is None:
        actions = core.timer(core.next_deadline())
        refresh = sent(actions)[0].message if sent(actions) else None
    answer = acknowledgement(refresh, Status.ACCEPTED, 300)
    assert without_logs(core.receive(answer, CMD, T0 + 200 * SECOND)) == [
        RemoveSourceRoute(prefix(1)),
        RemoveRoute(prefix(1)),
        RemoveDlif(link_local(1)),
        RemoveTunnel(mar_address(1)),
        Advertise(MN, link_local(2), 300, (AdvertisedPrefix(prefix(2), 300, 300),)),
    ]


def test_expiry_without_an_answer_takes_the_anchors_down_and_keeps_asking():
    core = mar(2)
    serve(core, T0, 1)
    actions = []
    while core.next_deadline() <= T0 + 301 * SECOND:
        actions += core.timer(core.next_deadline())
    assert RemoveTunnel(mar_address(1)) in actions
    assert RemoveRoute(prefix(2)) not in actions
    assert core.next_deadline() < T0 + 340 * SECOND
    binding = core.bindings()["mn1"]
    assert (binding.phase, binding.anchors) == (Phase.SERVING, ())


def test_an_attached_node_is_advertised_to_again_and_on_solicitation():
    core = mar(2)
    first = [a for a in serve(core, T0, 1) if isinstance(a, Advertise)]
    assert core.solicit("mn1", T0 + 2) == first
    assert core.timer(T0 + 2 * SECOND) == first
    core.detach("mn1", T0 + 3 * SECOND)
    assert core.solicit("mn1", T0 + 3 * SECOND) == []
    assert core.timer(T0 + 9 * SECOND) == []


@pytest.mark.parametrize("count", [3, 5])
def test_every_mobile_node_gets_a_prefix_of_its_own(count):
    core = mar()
    for number in range(count):
        core.attach(type(MN)(f"mn{number}", MACS), T0)
    prefixes = [binding.prefix for binding in core.bindings().values()]
    assert prefixes == [prefix(1, index) for index in range(1, count + 1)]


def test_a_pool_without_a_free_prefix_serves_no_more():
    core = mar(pool=prefix(1).supernet(1))  # two prefixes, of which one is kept back
    core.attach(MN, T0)
    actions = core.attach(OTHER, T0)
    assert logs(actions) == [("attached", {"mn": "mn2"}), ("pool_exhausted", {"mn": "mn2"})]
    assert without_logs(actions) == []
    assert list(core.bindings()) == ["mn1"]


@pytest.mark.parametrize("gone", [False, True])
def test_who_waits_for_a_prefix_gets_the_next_one_that_is_free(gone):
    core = mar(pool=prefix(1).supernet(1), detach_delay=SECOND)
    core.attach(MN, T0)
    core.attach(OTHER, T0)
    if gone:
        core.detach("mn2", T0)
    core.detach("mn1", T0)
    actions = []
    while (deadline := core.next_deadline()) is not None and not sent_by(actions, "mn2"):
        actions += core.timer(deadline)
        if deadline > T0 + 1000 * SECOND:
            break
    assert bool(sent_by(actions, "mn2")) is not gone
    assert list(core.bindings()) == ([] if gone else ["mn2"])


def sent_by(actions, identifier):
    """The PBUs about a mobile node."""
    return [
        send
        for send in sent(actions)
        if send.message.option(MobileNodeIdentifier).identifier == identifier
    ]
