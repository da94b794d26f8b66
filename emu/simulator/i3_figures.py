"""One point of each figure of "End-host controlled multicast routing", section 6, from its seed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from agents.core import MILLISECOND, SECOND
from agents.i3.config import GroupConfig, Recovery, Refresh
from emu.simulator.i3_losses import HopLosses, ServerLosses
from emu.simulator.i3_session import Session, SessionConfig
from emu.simulator.i3_tree import hops, link_stress, measure
from emu.simulator.i3_upkeep import refreshes, repairs
from emu.simulator.internet import TransitStub
from emu.simulator.power_law import PowerLaw
from emu.simulator.underlay import Shape

NETWORKS: dict[str, Shape] = {
    "wide": TransitStub(),
    "narrow": TransitStub(inside_domain=(1, 3)),
    "power-law": PowerLaw(),
}
"""What "inter-transit links" of 20 to 50 ms are: all between transit routers, or those between
transit domains only; and the other network of the paper, of which it does not say the delays."""
SHAPES = {
    "4x4, 12 of 52": TransitStub(),
    "4x4, 24 of 26": TransitStub(stubs=24, stub_nodes=26),
    "4x4, 48 of 13": TransitStub(stubs=48, stub_nodes=13),
    "4x4, 12 of 52, dense": TransitStub(links_in_domain=1, links_between_domains=1),
    "10x10, 4 of 25": TransitStub(10, 10, 4, 25),
    "10x10, 4 of 25, dense": TransitStub(
        10, 10, 4, 25, links_in_domain=0.6, links_between_domains=1
    ),
}
"""Networks of 10,000 nodes that the paper may have had, all "wide": transit domains and routers of
each, stubs at each router and nodes of each."""
LOSSES = {"servers": ServerLosses, "ways": HopLosses}
"""Who loses: servers what they send, as the paper has it, or every way in both directions."""
GROWTH = 120 * SECOND
"""In which all receivers of a session come, unless they are very many or few; ns."""
PLANTING = 600 * SECOND
"""The same where the tree itself is measured: the fewer look for their places at a time, the better
these are; ns."""
QUICKEST, SLOWEST = 1 * MILLISECOND, 300 * MILLISECOND
"""Between two joins, ns."""
LONG = 3600 * SECOND
"""Between what members do again and again, where that is not measured; ns."""
REFRESH_PERIOD = 30 * SECOND
"""The paper's T, here with k = 1; ns."""
REFRESH_PERIODS = 4
LOSSES_TIME = 60 * SECOND
"""How long losses are counted, a packet a second; ns."""
SETTLING = 10 * SECOND


def tree(receivers: int, seed: int, network: str) -> dict[str, Any]:
    """Figure 11: stretch, RMD, RAD and link stress of a tree, and what a join asked."""
    session = planted(receivers, seed, NETWORKS[network])
    found = measure(session.overlay, session.root, session.source[0], session.hosts)
    replies = sum(member.counters["replies"] for _, member in session.members)
    return {**asdict(found), "replies_per_join": replies / receivers}


def planted(receivers: int, seed: int, shape: Shape) -> Session:
    """A session whose receivers all have their places.

    Triggers live for hours: how a tree grows has nothing to do with refreshes, which would be nine
    of ten messages.
    """
    config = SessionConfig(
        receivers,
        group=GroupConfig(refresh_period=LONG, probe_period=LONG),
        shape=shape,
        join_interval=_interval(receivers, PLANTING),
        data_interval=30 * SECOND,
        lifetime=3 * LONG,
    )
    session = Session(config, seed)
    session.grow()
    session.run(SETTLING)
    return session


def shapes(receivers: int, seed: int, variant: str) -> dict[str, Any]:
    """What of figure 11 the shape of the network decides; the stress of three sorts of links."""
    shape = SHAPES[variant]
    session = planted(receivers, seed, shape)
    source = session.source[0]
    found = hops(session.overlay, session.root, source.node)
    stress: dict[str, int] = dict.fromkeys(("transit", "transit_stub", "stub"), 0)
    for link, copies in link_stress(session.overlay.internet, found, source).items():
        sort = ("stub", "transit_stub", "transit")[sum(node < shape.transit for node in link)]
        stress[sort] = max(stress[sort], copies)
    tree = measure(session.overlay, session.root, source, session.hosts)
    return {**asdict(tree), **{f"stress_{sort}": most for sort, most in stress.items()}}


def refresh(receivers: int, seed: int, scheme: str) -> dict[str, Any]:
    """Figure 12: refreshes of a trigger in a refresh period, by refresh-unif or refresh-level."""
    # A trigger lives three periods, so that those whose refreshes are late do not end.
    group = GroupConfig(refresh=Refresh(scheme), refresh_period=REFRESH_PERIOD // 3)
    session = _grown(receivers, seed, group)
    session.run(REFRESH_PERIOD)
    return asdict(refreshes(session, group.refresh_period, REFRESH_PERIODS))


def recovery(receivers: int, seed: int, variant: str) -> dict[str, Any]:
    """Figure 13 and table 1: duplicates, requests and waits, by "rel-loss, wide" and the like."""
    scheme, network = variant.split(", ")
    return _repairs(receivers, seed, Recovery(scheme), network, "servers")


def losses(receivers: int, seed: int, variant: str) -> dict[str, Any]:
    """What decides how long repairs take: the network, and who loses ("wide, servers")."""
    network, who = variant.split(", ")
    return _repairs(receivers, seed, Recovery.LEAST_LOSS, network, who)


def _repairs(receivers: int, seed: int, scheme: Recovery, network: str, who: str) -> dict[str, Any]:
    session = _grown(receivers, seed, GroupConfig(recovery=scheme), network)
    session.run(SETTLING)
    return asdict(repairs(session, LOSSES[who](seed), LOSSES_TIME))


def _interval(receivers: int, time: int) -> int:
    return min(max(time // receivers, QUICKEST), SLOWEST)


def _grown(receivers: int, seed: int, group: GroupConfig, network: str = "wide") -> Session:
    config = SessionConfig(
        receivers,
        group=group,
        shape=NETWORKS[network],
        join_interval=_interval(receivers, GROWTH),
        data_interval=1 * SECOND if group.recovery is not Recovery.OFF else 5 * SECOND,
    )
    session = Session(config, seed)
    session.grow()
    return session
