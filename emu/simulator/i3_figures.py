"""One point of each figure of "End-host controlled multicast routing", section 6, from its seed."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from agents.core import MILLISECOND, SECOND
from agents.i3.config import GroupConfig, Recovery, Refresh
from emu.simulator.i3_session import Session, SessionConfig
from emu.simulator.i3_tree import measure
from emu.simulator.i3_upkeep import refreshes, repairs
from emu.simulator.internet import TransitStub

NETWORKS = {
    "wide": TransitStub(),
    "narrow": TransitStub(inside_domain=(1, 3)),
}
"""What "inter-transit links" of 20 to 50 ms are: all between transit routers, or those between
transit domains only."""
GROWTH = 120 * SECOND
"""In which all receivers of a session come, unless they are very many or few; ns."""
QUICKEST, SLOWEST = 1 * MILLISECOND, 300 * MILLISECOND
"""Between two joins, ns."""
REFRESH_PERIOD = 30 * SECOND
"""The paper's T, here with k = 1; ns."""
REFRESH_PERIODS = 4
LOSSES = 60 * SECOND
"""How long losses are counted, a packet a second; ns."""
SETTLING = 10 * SECOND


def tree(receivers: int, seed: int, network: str) -> dict[str, Any]:
    """Figure 11: stretch, RMD, RAD and link stress of a tree, and what a join asked."""
    session = _grown(receivers, seed, GroupConfig(), network)
    session.run(SETTLING)
    found = measure(
        session.overlay, session.root, session.source[0], [host for host, _ in session.members]
    )
    replies = sum(member.counters["replies"] for _, member in session.members)
    return {**asdict(found), "replies_per_join": replies / receivers}


def refresh(receivers: int, seed: int, scheme: str) -> dict[str, Any]:
    """Figure 12: refreshes of a trigger in a refresh period, by refresh-unif or refresh-level."""
    # A trigger lives three periods, so that those whose refreshes are late do not end.
    group = GroupConfig(refresh=Refresh(scheme), refresh_period=REFRESH_PERIOD // 3)
    session = _grown(receivers, seed, group, "wide")
    session.run(REFRESH_PERIOD)
    return asdict(refreshes(session, group.refresh_period, REFRESH_PERIODS))


def recovery(receivers: int, seed: int, scheme: str) -> dict[str, Any]:
    """Figure 13 and table 1: duplicates, requests and waits, by rel-loss or rel-random."""
    session = _grown(receivers, seed, GroupConfig(recovery=Recovery(scheme)), "wide")
    session.run(SETTLING)
    return asdict(repairs(session, seed, LOSSES))


def _grown(receivers: int, seed: int, group: GroupConfig, network: str) -> Session:
    interval = min(max(GROWTH // receivers, QUICKEST), SLOWEST)
    config = SessionConfig(
        receivers,
        group=group,
        shape=NETWORKS[network],
        join_interval=interval,
        data_interval=1 * SECOND if group.recovery is not Recovery.OFF else 5 * SECOND,
    )
    session = Session(config, seed)
    session.grow()
    return session
