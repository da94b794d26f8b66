"""What a valid scenario must also keep where its channels go by an overlay."""

from __future__ import annotations

from collections.abc import Iterator

from emu.scenario.errors import Problem
from emu.scenario.model import Scenario
from emu.scenario.overlay import MEMBER


def check_overlay(scenario: Scenario) -> Iterator[Problem]:
    """Members without an overlay, and channels that would have two ways."""
    if scenario.alm is None:
        for name in scenario.nodes_of(MEMBER):
            text = "needs an overlay; write overlay: {scheme: own}"
            yield Problem(("nodes", name, "role"), text)
        return
    if scenario.multicast.scheme != "none":
        text = "channels go by the overlay; leave it out, or the overlay"
        yield Problem(("multicast", "scheme"), text)
    if len(scenario.members) < 2:
        text = f"has nobody to talk to; write two nodes or more, such as m1: {{role: {MEMBER}}}"
        yield Problem(("overlay",), text)
    elif all(scenario.nodes[name].role == "mn" for name in scenario.members):
        text = f"no member stays where others find it; add a node such as m1: {{role: {MEMBER}}}"
        yield Problem(("overlay",), text)
