"""The mobility anchor points of a scenario, as nodes of its network."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv6Network
from typing import TYPE_CHECKING

from emu.schemes.hmipv6.keys import AnchorPoint, AnchorPoints
from topologies.parameters import Centre, Extra

if TYPE_CHECKING:
    from emu.scenario.model import Scenario

ROLE = "map"
_NUMBER = 11
"""Of the role, in addresses."""


def anchor_points(scenario: Scenario) -> dict[str, AnchorPoint]:
    """By their names."""
    maps = scenario.mobility.of(AnchorPoints).maps
    return {f"{ROLE}{number}": one for number, one in enumerate(maps, 1)}


def domain(scenario: Scenario, name: str) -> Sequence[str]:
    """The access routers that tell of a MAP."""
    return anchor_points(scenario)[name].mars or scenario.topology.access_routers


def anchor_of(scenario: Scenario, mar: str) -> str | None:
    """The MAP that an access router tells of."""
    return next((name for name in anchor_points(scenario) if mar in domain(scenario, name)), None)


def nodes(scenario: Scenario) -> list[Extra]:
    """Each has links to the access routers of its domain, and one to the root multicast router."""
    return [
        Extra(
            name,
            Centre(ROLE, _NUMBER, IPv6Network(f"2001:db8:b{number:03}::/48")),
            one.link.quality(),
            one.home.quality(),
            domain(scenario, name),
        )
        for number, (name, one) in enumerate(anchor_points(scenario).items(), 1)
    ]
