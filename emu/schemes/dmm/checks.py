"""What a scenario of network-based DMM keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from agents.kernel.mroute import MAXIMUM_INTERFACES
from emu.scenario.capacity_checks import too_many_links
from emu.scenario.errors import Problem, each_of, one_of
from emu.scenario.units import DURATION
from emu.schemes.dmm.keys import WithCmd
from emu.schemes.keys import Variants
from emu.topologies import TOPOLOGIES

if TYPE_CHECKING:
    from emu.scenario.model import Scenario

_OF_VARIANTS = {
    "first_attachment_timeout": ("distributed", "mih"),
    "without_cmd": ("relay", "locator", "proxy"),
}
"""The keys that not every variant has a use for."""


def check_dmm(scenario: Scenario) -> Iterator[Problem]:
    """What the variant needs, and what it has no use for."""
    yield from check_variant(scenario)
    variants = scenario.mobility.of(Variants)
    if variants.distributed and scenario.mobility.of(WithCmd).standby:
        text = f"there is no CMD in the variant {variants.variant} to stand in for; leave it out"
        yield Problem(("mobility", "standby"), text)


def check_variant(scenario: Scenario) -> Iterator[Problem]:
    """Keys of another variant; and where there is no CMD, MARs that reach each other without."""
    mobility, variants = scenario.mobility, scenario.mobility.of(Variants)
    for key in sorted(mobility.model_fields_set & _OF_VARIANTS.keys()):
        if variants.variant not in _OF_VARIANTS[key]:
            text = f"is for variant: {each_of(_OF_VARIANTS[key])} only; leave it out of variant: "
            yield Problem(("mobility", key), text + variants.variant)
    if variants.distributed:
        yield from _without_cmd(scenario, variants)


def _without_cmd(scenario: Scenario, variants: Variants) -> Iterator[Problem]:
    if not TOPOLOGIES.find(scenario.topology.kind).group_of_mars:
        having = [name for name, one in TOPOLOGIES.all().items() if one.group_of_mars]
        text = f"needs the topology {one_of(having)}, whose exchange carries multicast; write proxy"
        yield Problem(("mobility", "variant"), text)
    if scenario.topology.mars > MAXIMUM_INTERFACES:
        remedy = f"at most {MAXIMUM_INTERFACES}"
        yield too_many_links("mars", "ix", scenario.topology.mars, remedy)
    control = scenario.multicast.channel_control
    if control and control.at == "cmd":
        text = f"there is no CMD in the variant {variants.variant}; write mar or mcc"
        yield Problem(("multicast", "channel_control", "at"), text)
    wait, trip = variants.first_attachment_timeout, 2 * scenario.topology.backhaul.delay
    if wait <= trip:
        text = f"{DURATION.show(wait)} is too short for an answer; write more than "
        yield Problem(("mobility", "first_attachment_timeout"), text + DURATION.show(trip))
