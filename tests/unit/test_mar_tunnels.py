"""The tunnels of a MAR are shared: created for the first holder, removed with the last."""

from mobility_nodes import CMD, MN, T0, logs, mar, mar_address, serve, update, without_logs

from agents.mobility.actions import CreateTunnel, RemoveTunnel

PEER = mar_address(2)


def test_the_first_holder_creates_the_last_removes():
    core = mar()
    assert without_logs(core.hold_tunnel(PEER, "multicast", T0)) == [CreateTunnel(PEER)]
    assert without_logs(core.hold_tunnel(PEER, "other", T0)) == []
    assert core.tunnels() == {PEER: {"multicast", "other"}}
    assert without_logs(core.release_tunnel(PEER, "multicast", T0)) == []
    assert without_logs(core.release_tunnel(PEER, "other", T0)) == [RemoveTunnel(PEER)]
    assert core.tunnels() == {}


def test_every_change_is_logged_once():
    core = mar()
    held = {"peer": str(PEER), "holder": "multicast"}
    actions = core.hold_tunnel(PEER, "multicast", T0)
    assert logs(actions) == [("tunnel_created", {"peer": str(PEER)}), ("tunnel_held", held)]
    assert core.hold_tunnel(PEER, "multicast", T0) == []
    actions = core.release_tunnel(PEER, "multicast", T0)
    assert logs(actions) == [("tunnel_released", held), ("tunnel_removed", {"peer": str(PEER)})]


def test_who_holds_nothing_releases_nothing():
    core = mar()
    core.hold_tunnel(PEER, "multicast", T0)
    assert core.release_tunnel(PEER, "other", T0) == []
    assert core.release_tunnel(mar_address(3), "multicast", T0) == []
    assert core.tunnels() == {PEER: {"multicast"}}


def test_multicast_keeps_a_tunnel_that_unicast_no_longer_needs():
    core = mar()
    serve(core, T0)
    core.receive(update(2, 1, T0 + 10**9), CMD, T0)
    core.hold_tunnel(PEER, "multicast", T0)
    actions = core.attach(MN, T0 + 2 * 10**9)
    assert RemoveTunnel(PEER) not in actions
    assert core.tunnels() == {PEER: {"multicast"}}
    assert RemoveTunnel(PEER) in core.release_tunnel(PEER, "multicast", T0)
