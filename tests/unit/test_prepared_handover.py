"""A handover that is announced is prepared: paper figure 9, message by message."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest
from mobility_nodes import anchor

from agents.core import MILLISECOND, SECOND
from agents.mobility.anchors import anchor_options
from agents.wire import mih_links as links
from agents.wire import mih_values as values
from agents.wire.ipv6 import link_local
from agents.wire.mih import Kind, MihMessage, Opcode
from emu.simulator.domain import GROUP, DomainConfig
from emu.simulator.network import Quality
from emu.simulator.preparing import PreparingDomain

DELAY = 5 * MILLISECOND
PERFECT = DomainConfig(mars=4, quality=Quality(delay=DELAY), distributed=True)
SILENCE = Quality(delay=0, loss=1.0)


def domain_at(*places):
    """A node that has been at these MARs in turn, without announcing it."""
    domain = PreparingDomain(PERFECT, seed=0)
    for number in places:
        left = domain.detach("mn1")
        if left is not None:
            domain.link_down("mn1", left)
        domain.attach("mn1", number)
        domain.engine.run(domain.engine.now + SECOND)
    return domain


def hand_over(domain, to, announced=200 * MILLISECOND, gap=50 * MILLISECOND):
    """Announce it, let it happen; the times of link down and link up."""
    domain.announce("mn1", to)
    domain.engine.run(domain.engine.now + announced)
    down = domain.engine.now
    domain.link_down("mn1", domain.detach("mn1"))
    domain.engine.run(down + gap)
    domain.attach("mn1", to)
    domain.engine.run(down + gap + SECOND)
    return down, down + gap


def said(domain, since, kinds=("mih_sent",)):
    """Who sent what to whom, in order."""
    names = {str(mar.config.address): f"mar{mar.number}" for mar in domain.mars}
    names |= {str(mar.config.link_local): f"mar{mar.number}" for mar in domain.mars}
    names |= {str(link_local(node.link_layer_address)): "mn1" for node in domain._nodes.values()}
    names |= {str(GROUP): "all"}
    return [
        (event.node, event.log.fields["message"], names[str(event.log.fields["destination"])])
        for event in domain.events
        if event.time >= since and event.log.kind in kinds
    ]


def first(domain, kind, node, since):
    return next(
        event.time
        for event in domain.events
        if (event.log.kind, event.node) == (kind, node) and event.time >= since
    )


def test_the_sequence_of_figure_9():
    domain = domain_at(1, 2)
    start = domain.engine.now
    hand_over(domain, 3)
    assert said(domain, start, ("mih_sent", "sent")) == [
        ("mn1", "MIH_Link_Going_Down indication", "mar2"),
        ("mar2", "MIH_Link_Going_Down indication", "mn1"),  # acknowledged
        ("mar2", "MIH_Net_HO_Candidate_Query request", "mn1"),
        ("mn1", "MIH_Net_HO_Candidate_Query response", "mar2"),
        ("mar2", "MIH_N2N_HO_Query_Resources request", "mar3"),
        ("mar3", "MIH_N2N_HO_Query_Resources response", "mar2"),
        ("mar2", "MIH_N2N_HO_Commit request", "mar3"),
        ("mar3", "MIH_N2N_HO_Commit response", "mar2"),
        ("mar2", "MIH_Net_HO_Commit request", "mn1"),
        ("mn1", "MIH_Net_HO_Commit response", "mar2"),
        ("mar3", "PBU", "mar1"),
        ("mar3", "PBU", "mar2"),
        ("mn1", "MIH_Link_Up indication", "mar3"),
        ("mar1", "PBA", "mar3"),
        ("mar2", "PBA", "mar3"),
        ("mar3", "MIH_Link_Up indication", "mn1"),  # acknowledged
    ]


def test_the_tunnels_are_made_before_the_old_link_breaks():
    domain = domain_at(1, 2)
    domain.announce("mn1", 3)
    domain.engine.run(domain.engine.now + 200 * MILLISECOND)
    one, two, three = (domain.mar(number) for number in (1, 2, 3))
    assert three.router.tunnels == {one.config.address, two.config.address}
    assert three.config.address in two.router.tunnels
    assert domain.where["mn1"] == 2
    assert set(two.router.routes.values()) == {None}, "its packets come to where it still is"


def test_the_binding_takes_one_round_trip_to_those_that_are_known():
    domain = domain_at(1, 2)
    _, up = hand_over(domain, 3)
    assert first(domain, "binding_complete", "mar3", up) == up + 2 * DELAY
    previous = [anchor.address for anchor in domain.mar(3).core.bindings()["mn1"].anchors]
    assert previous == [domain.mar(number).config.address for number in (1, 2)]


def test_what_was_made_for_a_handover_that_does_not_happen_goes_again():
    domain = domain_at(1, 2)
    domain.announce("mn1", 3)
    domain.engine.run(domain.engine.now + 11 * SECOND)
    assert domain.mar(3).core.tunnels() == {}
    assert set(domain.mar(2).core.tunnels()) == {domain.mar(1).config.address}
    start = domain.engine.now
    domain.link_down("mn1", domain.detach("mn1"))
    domain.attach("mn1", 3)
    assert ("mar3", "PBU", "all") in said(domain, start, ("sent",))


def test_it_may_go_elsewhere():
    domain = domain_at(1, 2)
    domain.announce("mn1", 3)
    domain.engine.run(domain.engine.now + 200 * MILLISECOND)
    start = domain.engine.now
    domain.link_down("mn1", domain.detach("mn1"))
    domain.attach("mn1", 4)
    domain.engine.run(start + SECOND)
    assert said(domain, start, ("sent",))[0] == ("mar4", "PBU", "all")
    assert len(domain.mar(4).core.bindings()["mn1"].anchors) == 2


def test_it_may_come_back():
    """The MAR to which it returns is one of those that the other one names."""
    domain = domain_at(1, 2)
    _, up = hand_over(domain, 1)
    assert said(domain, up, ("sent",)) == [("mar1", "PBU", "mar2"), ("mar2", "PBA", "mar1")]
    (previous,) = domain.mar(1).core.bindings()["mn1"].anchors
    assert previous.address == domain.mar(2).config.address


@pytest.mark.parametrize("announced", [0, 25, 35, 45])
def test_too_late_an_announcement_costs_nothing(announced):
    """In time is when the target knows of it, after six trips of 5 ms each."""
    domain = domain_at(1, 2)
    _, up = hand_over(domain, 3, announced * MILLISECOND, gap=0)
    expected = announced >= 35
    asked = [to for _, message, to in said(domain, up, ("sent",)) if message == "PBU"]
    assert asked == (["mar1", "mar2"] if expected else ["all"])
    assert first(domain, "binding_complete", "mar3", up) == up + 2 * DELAY


def test_a_message_that_is_lost_is_repeated():
    domain = domain_at(1, 2)
    domain.mih.change(SILENCE)
    domain.announce("mn1", 3)
    domain.engine.run(domain.engine.now + 50 * MILLISECOND)
    domain.mih.change(PERFECT.quality)
    domain.engine.run(domain.engine.now + SECOND)
    assert len(domain.logged("handover_committed")) == 1


def test_without_an_answer_it_is_as_if_it_had_not_been_announced():
    domain = domain_at(1, 2)
    domain.mih.change(SILENCE)
    _, up = hand_over(domain, 3)
    assert said(domain, up, ("sent",))[0] == ("mar3", "PBU", "all")
    domain.engine.run(up + 20 * SECOND)
    assert {event.node for event in domain.logged("mih_unanswered")} == {"mn1"}


COMMIT = (
    values.MobileNodeMihf("mn1"),
    links.MobileNodeLink(bytes(6)),
    links.PointOfAttachment(bytes(6)),
    values.RequestedResources(),
    values.PreviousRouters(tuple(anchor_options([anchor(7)]))),
)
MAR_2 = IPv6Address("2001:db8:ffff::200")


@pytest.mark.parametrize(
    ("kind", "source", "name", "counted"),
    [
        (Kind.N2N_HO_COMMIT, IPv6Address("fe80::99"), "mar2", "unauthentic"),
        (Kind.N2N_HO_COMMIT, MAR_2, "mar9", "unauthentic"),
        (Kind.LINK_GOING_DOWN, IPv6Address("fe80::99"), "mn1", "unauthentic"),
        (Kind.LINK_UP, MAR_2, "mar2", "ignored"),
        (Kind.N2N_HO_COMMIT, MAR_2, "mar2", "malformed"),  # names an anchor that is no MAR
    ],
)
def test_what_is_not_believed(kind, source, name, counted):
    domain = domain_at(1)
    core = domain.services[0].core
    opcode = Opcode.INDICATION if kind is Kind.LINK_GOING_DOWN else Opcode.REQUEST
    message = MihMessage(kind, opcode, 1, name, "mar1", COMMIT, ack_requested=True)
    answers = core.receive(message, source, domain.engine.now)
    assert getattr(core.counters, counted) == 1
    assert core.expected("mn1") == ()
    assert bool(answers) == (counted == "malformed"), "it is told that it failed"
