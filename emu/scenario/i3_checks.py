"""What a valid scenario must also keep where it has an internet, or i3."""

from __future__ import annotations

from collections.abc import Iterator

from emu.scenario.errors import Path, Problem, one_of, quote
from emu.scenario.i3 import CLIENT, I3, SERVER
from emu.scenario.model import Scenario
from emu.scenario.names import wrong_node
from emu.scenario.traffic import I3Flow
from emu.scenario.units import DURATION
from emu.schemes.registry import SCHEMES

INTERNET = "internet"
_OF_A_DOMAIN = (
    "mars", "routers", "access", "backhaul", "cmd", "standby", "mcc", "core", "home"
)  # fmt: skip


def check_internet(scenario: Scenario) -> Iterator[Problem]:
    """Keys of one kind of topology in another one."""
    topology = scenario.topology
    given = topology.model_fields_set
    if topology.kind != INTERNET:
        if "mars" not in given:
            yield Problem(("topology", "mars"), "is missing; write mars: 3")
        if "delays" in given:
            text = f"is for the topology {INTERNET}; leave it out"
            yield Problem(("topology", "delays"), text)
        for name, node in scenario.nodes.items():
            if node.site is not None:
                text = f"is for the topology {INTERNET}; leave it out"
                yield Problem(("nodes", name, "site"), text)
        return
    if topology.delays is None:
        text = "is missing; write delays: and a file of round-trip times in ms"
        yield Problem(("topology", "delays"), text)
    for key in _OF_A_DOMAIN:
        if key in given:
            text = f"the topology {INTERNET} has none; leave it out"
            yield Problem(("topology", key), text)
    for name in scenario.nodes_of("mn"):
        text = (
            f"the topology {INTERNET} has no access routers; write another role, such as {CLIENT}"
        )
        yield Problem(("nodes", name, "role"), text)
    if scenario.mobility.scheme != "none":
        text = f"nobody moves in the topology {INTERNET}; leave it out"
        yield Problem(("mobility", "scheme"), text)


def check_i3(scenario: Scenario) -> Iterator[Problem]:
    """Groups whose members cannot be what they should."""
    flows = [(i, flow) for i, flow in enumerate(scenario.traffic) if isinstance(flow, I3Flow)]
    for index, _ in flows[1:]:
        text = f"there is one group a scenario, that of traffic[{flows[0][0]}]; list all there"
        yield Problem(("traffic", index, "kind"), text)
    for index, flow in flows[:1]:
        path: Path = ("traffic", index)
        if scenario.i3 is None:
            yield Problem((*path, "kind"), "needs an overlay; write overlay: {scheme: i3}")
        if not scenario.nodes_of(SERVER):
            text = f"needs a server; write one such as s1: {{role: {SERVER}}} in nodes"
            yield Problem((*path, "kind"), text)
        yield from wrong_node(scenario, flow.from_, (*path, "from"), CLIENT)
        for position, name in enumerate(flow.to):
            yield from _receiver(scenario, flow, position, name, (*path, "to", position))
        joined = flow.start + flow.join_interval * max(0, len(flow.to) - 1)
        if joined >= (scenario.duration if flow.stop is None else flow.stop):
            text = f"the last of {len(flow.to)} joins at {DURATION.show(joined)}, which is too "
            yield Problem((*path, "join_interval"), text + "late; write a shorter one")
        yield from wrong_roots(scenario.i3, len(flow.to))
    if not flows and scenario.i3:
        text = "no traffic is of kind i3; write {kind: i3, from: …, to: […]} there, or leave it out"
        yield Problem(("overlay",), text)


def wrong_roots(overlay: I3 | None, receivers: int) -> Iterator[Problem]:
    """More roots than can be: the founder is one, the others are children of its."""
    others, most = (overlay.roots - 1, min(overlay.degree, receivers)) if overlay else (0, 0)
    if others > most:
        text = f"{others} beside the founder are more than its degree, or than there are receivers"
        yield Problem(("overlay", "roots"), f"{text}; write {most + 1} at most")


def _receiver(
    scenario: Scenario, flow: I3Flow, position: int, name: str, path: Path
) -> Iterator[Problem]:
    if name == flow.from_:
        yield Problem(path, f"{quote(name)} is also its from; name another node")
    elif name in flow.to[:position]:
        yield Problem(path, f"{quote(name)} is listed twice; list it once")
    elif name not in scenario.nodes_of("mn"):
        yield from wrong_node(scenario, name, path, CLIENT)
    elif not SCHEMES.find(scenario.mobility.scheme).i3_clients:
        fitting = one_of(scheme for scheme, one in SCHEMES.all().items() if one.i3_clients)
        text = f"{quote(name)} keeps its address; write mobility: {{scheme: {fitting}}}"
        yield Problem(path, text)
