"""What a valid scenario must also keep where its channels go by an overlay."""

from __future__ import annotations

from collections.abc import Iterator

from emu.overlay_protocols.data_paths import BPF, data_path_problem
from emu.scenario.errors import Path, Problem, quote
from emu.scenario.model import Scenario
from emu.scenario.names import RESERVED
from emu.scenario.overlay import AMT, HOST, MEMBER


def check_islands(scenario: Scenario) -> Iterator[Problem]:
    """Islands that nobody joins with the others, and hosts that are nowhere."""
    joined = {scenario.nodes[name].island for name in scenario.nodes_of(MEMBER)}
    for name, node in scenario.nodes.items():
        path: Path = ("nodes", name, "island")
        if node.role == HOST and node.island is None:
            yield Problem(path, "is missing; write island: a")
        elif node.island is None:
            continue
        elif node.role not in (HOST, MEMBER):
            yield Problem(path, f"is for the roles {HOST} and {MEMBER}; leave it out")
        elif scenario.topology.kind != "internet" or scenario.alm is None:
            yield Problem(path, "is for an overlay in the topology internet; leave it out")
        elif node.island in scenario.nodes or RESERVED.fullmatch(node.island):
            text = f"{quote(node.island)} is a node's name; write another one"
            yield Problem(path, text)
        elif node.island not in joined:
            text = f"has no gateway; write a node {{role: {MEMBER}, island: {node.island}}}"
            yield Problem(path, text)
        elif scenario.alm.link_scope:
            text = "groups of link scope stay in an island; leave it out"
            yield Problem(("overlay", "link_scope"), text)
        elif scenario.alm.data_path == BPF:
            text = "gateways of islands have none in the kernel; write python, or leave it out"
            yield Problem(("overlay", "data_path"), text)


def check_amt(scenario: Scenario) -> Iterator[Problem]:
    """AMT brings what is sent where a relay is to gateways, and nothing else."""
    overlay = scenario.alm
    if overlay is None or overlay.scheme != AMT:
        return
    islands = {scenario.nodes[name].island for name in scenario.nodes_of(MEMBER)} - {None}
    if overlay.key is not None:
        yield Problem(("overlay", "key"), "AMT encrypts nothing; leave it out")
    if len(islands) != 1:
        text = f"needs one island with a relay; write a node {{role: {MEMBER}, island: a}}"
        yield Problem(("overlay", "scheme"), text)
    for name, channel in scenario.channels.items():
        if channel.source in scenario.members:
            text = f"AMT carries nothing from {channel.source}; name a {HOST} on the relay's island"
            yield Problem(("channels", name, "source"), text)


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
    wrong = data_path_problem(scenario.alm.data_path, keys=scenario.alm.key is not None)
    if wrong is not None:
        yield Problem(("overlay", "data_path"), wrong)
    if len(scenario.members) < 2:
        text = f"has nobody to talk to; write two nodes or more, such as m1: {{role: {MEMBER}}}"
        yield Problem(("overlay",), text)
    elif all(scenario.nodes[name].role == "mn" for name in scenario.members):
        text = f"no member stays where others find it; add a node such as m1: {{role: {MEMBER}}}"
        yield Problem(("overlay",), text)
