"""What a scenario of Hierarchical Mobile IPv6 keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from emu.host_based.checks import check_host_based
from emu.scenario.errors import Path, Problem, quote
from emu.scenario.names import wrong_access_router
from emu.scenario.units import DURATION
from emu.schemes.hmipv6.anchor_points import anchor_points

if TYPE_CHECKING:
    from emu.scenario.model import Scenario


def check_hmipv6(scenario: Scenario) -> Iterator[Problem]:
    """Where the MAPs are: an access router tells of one at most."""
    yield from check_host_based(scenario)
    maps = anchor_points(scenario)
    taken: dict[str, str] = {}
    for index, (name, one) in enumerate(maps.items()):
        here: Path = ("mobility", "maps", index)
        if name in scenario.nodes:
            yield Problem(("nodes", name), "is the name of a MAP; write another one")
        if not one.mars and len(maps) > 1:
            text = "has no access routers, and there are several MAPs; write mars: [mar1], or such"
            yield Problem(here, text)
        for at, mar in enumerate(one.mars):
            path: Path = (*here, "mars", at)
            yield from wrong_access_router(scenario, mar, path)
            if mar in taken:
                yield Problem(path, f"{quote(mar)} is of {taken[mar]}; write it once")
            taken.setdefault(mar, name)
        for key, link in (("link", one.link), ("home", one.home)):
            if link.jitter > link.delay:
                jitter, delay = DURATION.show(link.jitter), DURATION.show(link.delay)
                text = f"{jitter} is more than the delay; write at most the delay of {delay}"
                yield Problem((*here, key, "jitter"), text)
