"""What a valid scenario must also keep in its mobility scheme."""

from __future__ import annotations

from collections.abc import Iterator

from emu.scenario.errors import Problem, one_of, quote
from emu.scenario.mobility import HOST_BASED, SCHEME_KEYS
from emu.scenario.model import Scenario
from emu.scenario.multicast import SCHEMES_OF


def check_mobility_scheme(scenario: Scenario) -> Iterator[Problem]:
    """Keys that belong to another scheme, and multicast that does not go with this one."""
    mobility, multicast = scenario.mobility, scenario.multicast
    for scheme, keys in SCHEME_KEYS.items():
        for key in sorted(keys & mobility.model_fields_set):
            if scheme != mobility.scheme:
                text = f"is for scheme: {scheme} only; leave it out of scheme: {mobility.scheme}"
                yield Problem(("mobility", key), text)
    if mobility.key is not None and mobility.scheme in HOST_BASED:
        text = f"whose nodes share it; leave it out of scheme: {mobility.scheme}"
        yield Problem(("mobility", "key"), f"is for network-based schemes, {text}")
    if mobility.scheme in HOST_BASED:
        yield from _mobile_sources(scenario)
    choices = SCHEMES_OF[mobility.scheme]
    if multicast.scheme not in choices:
        text = f"{quote(multicast.scheme)} does not go with the mobility scheme {mobility.scheme}"
        yield Problem(("multicast", "scheme"), f"{text}; write {one_of(choices)}")


def _mobile_sources(scenario: Scenario) -> Iterator[Problem]:
    """Channels of mobile nodes, which native multicast routers would expect elsewhere."""
    for name, channel in scenario.channels.items():
        if channel.source in scenario.nodes_of("mn"):
            text = f"is mobile, which a source cannot be in the scheme {scenario.mobility.scheme}"
            path = ("channels", name, "source")
            yield Problem(path, f"{quote(channel.source)} {text}; write a node of role source")
