"""Client-based distributed mobility management (HDMM paper, section 4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from emu.host_based import PROGRAMS
from emu.host_based.checks import check_host_based, check_security
from emu.host_based.keys import RouteOptimisation, Security
from emu.scenario.errors import Problem
from emu.scenario.multicast import REMOTE_SUBSCRIPTION
from emu.schemes.keys import IdleRelease
from emu.schemes.messages import BY_NODE
from emu.schemes.scheme import Scheme

if TYPE_CHECKING:
    from emu.scenario.model import Scenario


def _check(scenario: Scenario) -> Iterator[Problem]:
    if scenario.mobility.key is not None:
        text = "whose nodes share it, and mipv6; leave it out of scheme: client"
        yield Problem(("mobility", "key"), f"is for network-based schemes, {text}")
    yield from check_host_based(scenario)
    yield from check_security(scenario)


def _features(scenario: Scenario) -> tuple[str, ...]:
    """Connections are tracked to tell when a home address is idle."""
    idle = scenario.mobility.of(IdleRelease).idle_release
    return () if idle is None else ("conntrack",)


SCHEME = Scheme(
    title="client-based DMM: each access router is a home agent",
    source="HDMM paper, section 4.1",
    programs=PROGRAMS,
    agents="emu.schemes.client.agents:Client",
    messages=BY_NODE,
    prediction="emu.schemes.client.prediction:tasks",
    keys=(Security, IdleRelease, RouteOptimisation),
    check=_check,
    multicast=(REMOTE_SUBSCRIPTION, "none"),
    features=_features,
)
