"""A prefix whose last flow is over is released; the next handover has one P-MAR less to tell."""

import pytest
from mobility_nodes import (
    CMD,
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
    without_logs,
)

from agents.core import MILLISECOND, SECOND
from agents.mobility.actions import (
    Advertise,
    AdvertisedPrefix,
    RemoveDlif,
    RemoveRoute,
    RemoveSourceRoute,
    RemoveTunnel,
)
from agents.mobility.config import Variant
from agents.mobility.messages import acknowledgement
from agents.wire.mobility import Status
from agents.wire.mobility_options import AnchoredPrefix
from emu.simulator.domain import Domain, DomainConfig
from emu.simulator.network import Quality
from emu.simulator.oracle import Oracle

VARIANTS = [*Variant, None]
"""None: without a CMD."""


def domain_of(variant, **changes):
    quality = changes.pop("quality", Quality(10 * MILLISECOND))
    distributed = variant is None
    config = DomainConfig(
        5, quality, variant=variant or Variant.PROXY, distributed=distributed, **changes
    )
    return Domain(config, seed=1)


def move(domain, number, wait=5 * SECOND):
    """A handover; how many PBUs and PBAs it took."""
    before = len(domain.logged("sent"))
    left = domain.detach("mn1")
    if left is not None:
        domain.link_down("mn1", left)
    domain.attach("mn1", number)
    domain.engine.run(domain.engine.now + wait)
    return len(domain.logged("sent")) - before


def idle(domain, wait=5 * SECOND):
    domain.idle("mn1")
    domain.engine.run(domain.engine.now + wait)


def anchors(domain, number):
    return [str(a.address) for a in domain.mar(number).core.bindings()["mn1"].anchors]


def test_the_serving_mar_says_so_in_a_refresh():
    core = mar(3)
    serve(core, T0, 1, 2)
    actions = core.idle(prefix(1), T0 + SECOND)
    assert logs(actions)[0] == ("prefix_idle", {"mn": "mn1", "prefix": str(prefix(1))})
    request = the_request(actions)
    assert request.all(AnchoredPrefix) == [AnchoredPrefix(prefix(1))]
    assert request.lifetime == 300


def test_the_answer_takes_all_down_and_the_node_is_told():
    core = mar(3)
    serve(core, T0, 1, 2)
    request = the_request(core.idle(prefix(1), T0 + SECOND))
    answer = acknowledgement(request, Status.ACCEPTED, 300, [anchor(2)])
    actions = without_logs(core.receive(answer, CMD, T0 + 2 * SECOND))
    assert actions[:5] == [
        Advertise(MN, link_local(1), 0, (AdvertisedPrefix(prefix(1), 0, 0),)),
        RemoveSourceRoute(prefix(1)),
        RemoveRoute(prefix(1)),
        RemoveDlif(link_local(1)),
        RemoveTunnel(mar_address(1)),
    ]
    assert [a.address for a in core.bindings()["mn1"].anchors] == [mar_address(2)]


def test_a_repetition_says_it_again():
    core = mar(2)
    serve(core, T0, 1)
    core.idle(prefix(1), T0 + SECOND)
    actions = core.timer(T0 + 2 * SECOND + 1)
    assert the_request(actions).all(AnchoredPrefix) == [AnchoredPrefix(prefix(1))]


def test_what_is_not_anchored_or_not_served_is_nobodys_business():
    core = mar(2)
    serve(core, T0, 1)
    assert core.idle(prefix(3), T0) == []
    assert core.idle(prefix(2), T0) == []
    core.detach(MN.identifier, T0)
    assert core.idle(prefix(1), T0) == []


def test_a_new_attachment_begins_with_nothing_idle():
    core = mar(2)
    serve(core, T0, 1)
    core.idle(prefix(1), T0 + SECOND)
    core.detach(MN.identifier, T0 + SECOND)
    request = the_request(core.attach(MN, T0 + 2 * SECOND))
    answer = acknowledgement(request, Status.ACCEPTED, 300, [anchor(1)])
    core.receive(answer, CMD, T0 + 2 * SECOND)
    assert [a.address for a in core.bindings()["mn1"].anchors] == [mar_address(1)]
    for number in range(10):  # the refresh, before long
        actions = core.timer(T0 + (100 + 20 * number) * SECOND)
        for send in sent(actions):
            assert send.message.all(AnchoredPrefix) == []


def test_a_tunnel_that_another_node_needs_stays():
    core = mar(2)
    serve(core, T0, 1)
    request = the_request(core.attach(OTHER, T0))
    core.receive(acknowledgement(request, Status.ACCEPTED, 300, [anchor(1, 2)]), CMD, T0)
    request = the_request(core.idle(prefix(1), T0 + SECOND))
    actions = core.receive(acknowledgement(request, Status.ACCEPTED, 300), CMD, T0 + SECOND)
    assert RemoveSourceRoute(prefix(1)) in actions
    assert RemoveTunnel(mar_address(1)) not in actions


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_domain_forgets_the_anchor(variant):
    domain = domain_of(variant, encoded=True)
    oracle = Oracle(domain)
    for number in (1, 2, 3):
        move(domain, number)
    idle(domain)
    assert anchors(domain, 3) == [str(domain.mar(2).config.address)]
    assert domain.mar(1).core.bindings() == {}
    assert domain.mar(1).router.routes == {}
    assert domain.mar(1).router.tunnels == set()
    assert oracle.faults() == []


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_next_handover_has_one_less_to_tell(variant):
    counts = {}
    for released in (False, True):
        domain = domain_of(variant)
        for number in (1, 2, 3):
            move(domain, number)
        if released:
            idle(domain)
        counts[released] = move(domain, 4)
    fewer = {Variant.LOCATOR: 3, None: 1}.get(variant, 2)
    assert counts[False] - counts[True] == fewer


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_return_to_the_mar_that_was_released(variant):
    domain = domain_of(variant)
    oracle = Oracle(domain)
    for number in (1, 2):
        move(domain, number)
    idle(domain)
    move(domain, 1)
    assert anchors(domain, 1) == [str(domain.mar(2).config.address)]
    assert oracle.faults() == []


def test_without_a_cmd_a_lost_release_is_made_up_for():
    domain = domain_of(None)
    oracle = Oracle(domain)
    for number in (1, 2, 3):
        move(domain, number)
    domain.network.change(Quality(10 * MILLISECOND, loss=1.0))
    idle(domain, wait=SECOND)
    domain.network.change(Quality(10 * MILLISECOND))
    assert "mn1" in domain.mar(1).core.bindings()
    move(domain, 4)
    assert anchors(domain, 4)[0] == str(domain.mar(1).config.address)  # as if nothing had been
    idle(domain)
    assert domain.mar(1).core.bindings() == {}
    assert oracle.faults() == []
