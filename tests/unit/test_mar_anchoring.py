"""What a MAR does when the CMD says that a mobile node is at another one."""

from mobility_nodes import (
    CMD,
    MN,
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
    ServingEnded,
    ServingStarted,
)
from agents.mobility.messages import acknowledgement, anchor_update
from agents.mobility.sessions import Phase
from agents.wire.mobility import Status

LATER = T0 + 5 * SECOND
LATEST = T0 + 9 * SECOND


def accepted(request):
    return Send(acknowledgement(request, Status.ACCEPTED, request.lifetime), CMD)


def test_the_prefix_follows_the_mobile_node_before_the_pba_says_so():
    core = mar()
    serve(core, T0)
    request = update(2, 1, LATER)
    actions = core.receive(request, CMD, LATER)
    assert without_logs(actions) == [
        CreateTunnel(mar_address(2)),
        InstallRoute(prefix(1), mar_address(2)),
        accepted(request),
        ServingEnded(MN),
    ]
    received = {"message": "PBU", "mn": "mn1", "sequence": 1, "source": CMD}
    assert logs(actions)[0] == ("received", received)
    binding = core.bindings()["mn1"]
    assert (binding.phase, binding.serving) == (Phase.ANCHORING, mar_address(2))


def test_what_it_had_for_other_anchors_goes_after_the_pba():
    core = mar(2)
    serve(core, T0, 1)
    request = update(3, 1, LATER, own=2)
    assert without_logs(core.receive(request, CMD, LATER)) == [
        CreateTunnel(mar_address(3)),
        InstallRoute(prefix(2), mar_address(3)),
        accepted(request),
        RemoveSourceRoute(prefix(1)),
        RemoveRoute(prefix(1)),
        RemoveDlif(link_local(1)),
        RemoveTunnel(mar_address(1)),
        ServingEnded(MN),
    ]


def test_a_move_from_one_other_mar_to_the_next():
    core = mar()
    serve(core, T0)
    core.receive(update(2, 1, LATER), CMD, LATER)
    request = update(3, 2, LATEST)
    assert without_logs(core.receive(request, CMD, LATEST)) == [
        CreateTunnel(mar_address(3)),
        InstallRoute(prefix(1), mar_address(3)),
        accepted(request),
        RemoveTunnel(mar_address(2)),
    ]


def test_the_return_to_an_anchor_makes_its_prefix_local_and_preferred_again():
    core = mar()
    serve(core, T0)
    core.receive(update(2, 1, LATER), CMD, LATER)
    actions = core.attach(MN, LATEST)
    request = the_request(actions)
    assert without_logs(actions) == [
        Send(request, CMD),
        InstallRoute(prefix(1), None),
        RemoveTunnel(mar_address(2)),
    ]
    answer = acknowledgement(request, Status.ACCEPTED, 300, [anchor(2)])
    assert without_logs(core.receive(answer, CMD, LATEST)) == [
        CreateTunnel(mar_address(2)),
        InstallRoute(prefix(2), None),
        InstallSourceRoute(prefix(2), mar_address(2)),
        AddDlif(link_local(2)),
        Advertise(MN, link_local(2), 0, (AdvertisedPrefix(prefix(2), 0, 300),)),
        Advertise(MN, link_local(1), 300, (AdvertisedPrefix(prefix(1), 300, 300),)),
        ServingStarted(MN, mar_address(2)),
    ]


def test_a_pbu_older_than_its_own_attachment_is_answered_and_changes_nothing():
    core = mar()
    serve(core, LATER)
    before = core.bindings()
    actions = core.receive(update(2, 7, T0), CMD, LATEST)
    (answer,) = sent(actions)
    assert without_logs(actions) == [answer]
    assert answer.message.status == Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
    assert answer.message.sequence == 7
    assert core.bindings() == before
    assert core.counters.ignored == 1


def test_a_repeated_pbu_is_answered_again_and_changes_nothing():
    core = mar()
    serve(core, T0)
    core.receive(update(2, 1, LATER), CMD, LATER)
    request = update(2, 1, LATER)
    assert without_logs(core.receive(request, CMD, LATER)) == [accepted(request)]


def test_an_overtaken_pbu_does_not_undo_the_later_one():
    core = mar()
    serve(core, T0)
    core.receive(update(3, 2, LATEST), CMD, LATEST)
    core.receive(update(2, 1, LATER), CMD, LATEST)
    assert core.bindings()["mn1"].serving == mar_address(3)


def test_a_released_prefix_is_not_revived_by_an_overtaken_pbu():
    core = mar()
    serve(core, T0)
    core.receive(update(2, 1, LATER), CMD, LATER)
    core.receive(update(None, 3, LATER), CMD, LATER)
    core.receive(update(2, 2, LATER), CMD, LATER + SECOND)
    assert core.bindings() == {}
    assert core.tunnels() == {}


def test_release_takes_the_route_and_the_tunnel_down():
    core = mar()
    serve(core, T0)
    core.receive(update(2, 1, LATER), CMD, LATER)
    request = update(None, 2, LATER)
    actions = core.receive(request, CMD, LATEST)
    assert without_logs(actions) == [
        RemoveRoute(prefix(1)),
        RemoveTunnel(mar_address(2)),
        accepted(request),
    ]
    assert ("binding_removed", {"mn": "mn1"}) in logs(actions)


def test_an_anchor_that_hears_nothing_more_releases_the_prefix_when_its_lifetime_is_over():
    core = mar()
    serve(core, T0)
    core.receive(update(2, 1, LATER, lifetime=20), CMD, LATER)
    assert core.timer(LATER + 20 * SECOND - 1) == []
    assert without_logs(core.timer(LATER + 20 * SECOND)) == [
        RemoveRoute(prefix(1)),
        RemoveTunnel(mar_address(2)),
    ]
    core.timer(LATER + 40 * SECOND)
    assert core.next_deadline() is None


def test_a_mar_that_lost_its_state_anchors_again():
    core = mar()
    request = update(2, 1, T0)
    assert without_logs(core.receive(request, CMD, T0)) == [
        CreateTunnel(mar_address(2)),
        InstallRoute(prefix(1), mar_address(2)),
        accepted(request),
    ]


def test_a_prefix_is_never_anchored_for_two():
    core = mar()
    core.attach(type(MN)("mn2", MN.link_layer_address), T0)  # gets the prefix that mn1 once had
    actions = core.receive(update(2, 1, T0), CMD, T0)
    assert sent(actions)[0].message.status == Status.NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX
    assert list(core.bindings()) == ["mn2"]


def test_the_prefix_that_the_cmd_knows_replaces_one_that_it_never_heard_of():
    core = mar()
    core.attach(MN, T0)
    request = anchor_update("mn1", anchor(1, index=9), mar_address(2), 1, 300, LATER)
    assert without_logs(core.receive(request, CMD, LATER)) == [
        CreateTunnel(mar_address(2)),
        InstallRoute(prefix(1, 9), mar_address(2)),
        accepted(request),
        RemoveRoute(prefix(1, 1)),
    ]


def test_a_return_waits_for_the_pba_before_it_uses_other_anchors_again():
    core = mar(2)
    serve(core, T0, 1)
    core.receive(update(3, 1, LATER, own=2), CMD, LATER)
    actions = core.attach(MN, LATEST)
    assert not [a for a in actions if isinstance(a, (CreateTunnel, InstallSourceRoute))]


def test_the_lifetime_as_an_anchor_does_not_count_after_a_return():
    core = mar()
    serve(core, T0)
    core.receive(update(2, 1, LATER, lifetime=8), CMD, LATER)
    core.attach(MN, LATER + 7 * SECOND)
    core.detach("mn1", LATER + 7 * SECOND)
    core.timer(LATER + 8 * SECOND)
    assert core.bindings()["mn1"].phase is Phase.LEAVING
