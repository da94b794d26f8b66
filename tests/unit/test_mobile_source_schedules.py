"""Sources and listeners that move and meet, in every scheme: no packet comes to a router again.

Whoever does not move loses nothing but what the source's own handover costs, and in the end every
listener gets each packet once. A failure names its seed: ``run_schedule(seed, scheme)`` repeats it.
``make soak`` runs thousands.
"""

from __future__ import annotations

from functools import partial

import pytest

from agents.core import MILLISECOND, SECOND
from agents.multicast.config import ProxyConfig
from agents.multicast.multi_upstream import MultiUpstream
from agents.multicast.selection import MldDmm, UpstreamSelection
from agents.wire.channel import ChannelScope
from tests.unit.mobile_domain import MobileDomain
from tests.unit.source_schedule import (
    ASM,
    HOME,
    SCHEMES,
    SENT,
    SOURCE,
    SSM,
    WISHES,
    Source,
    loops,
    losses,
    run_schedule,
)

SCHEDULES = 12
CONFIG = ProxyConfig(explicit_tracking=True)
BASE = MldDmm(CONFIG.ongoing_session_window)
COMPLETE = MultiUpstream(CONFIG.ongoing_session_window)
MOVES = 24 * SECOND


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_source_and_its_listeners_move(scheme: str) -> None:
    for seed in range(SCHEDULES):
        found = run_schedule(seed, scheme)
        assert not found, f"run_schedule({seed}, {scheme!r}): " + "\n".join(found)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_attacker_among_the_nodes_changes_nothing_for_the_others(scheme: str) -> None:
    """Its data gets nowhere, and nobody believes its reports."""
    for seed in range(SCHEDULES // 2):
        found = run_schedule(seed, scheme, attacked=True)
        assert not found, f"run_schedule({seed}, {scheme!r}, attacked=True): " + "\n".join(found)


@pytest.mark.parametrize(
    ("selection", "scope"), [(BASE, None), *((COMPLETE, scope) for scope in ChannelScope)]
)
@pytest.mark.parametrize("swap", [None, 0, 500 * MILLISECOND])
def test_a_listener_comes_to_the_mar_of_its_source(
    selection: UpstreamSelection, scope: ChannelScope | None, swap: int | None
) -> None:
    """From another MAR; None: the source stays, else it goes there, so much later."""
    domain = MobileDomain(CONFIG, 1, 4, transfers=selection.shares, selection=selection)
    if scope is not None:
        domain.scopes = dict.fromkeys([(SOURCE, SSM), (SOURCE, ASM), (None, ASM)], scope)
    source = Source(domain, told=0)
    fixed, moving = domain.node("fix", "mar3"), domain.node("mn1", "mar2")
    for host in (fixed, moving):
        for group, wish in WISHES.items():
            domain.want(host, group, wish)
    domain.run(20 * SECOND)
    source.send(domain.now + SENT)
    domain.at(MOVES, partial(domain.arrive, moving, HOME, 2 * MILLISECOND))
    if swap is not None:
        domain.at(MOVES + swap, partial(source.move, "mar2", 2 * MILLISECOND))
    domain.run(domain.now + SENT + SECOND)
    assert loops(domain, source) == losses(domain, source, [fixed]) == []
    settled = [sent for sent in source.sent if sent > MOVES + 6 * SECOND]
    times = {domain.heard[moving.name][group, sent] for sent in settled for group in WISHES}
    assert times == {1}
