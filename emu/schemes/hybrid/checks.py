"""What a scenario of the hybrid scheme keeps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from emu.host_based.checks import check_correspondents, check_security
from emu.scenario.errors import Path, Problem, quote
from emu.scenario.names import wrong_access_router
from emu.schemes.dmm.checks import check_variant
from emu.schemes.hybrid.keys import Domains
from emu.schemes.keys import Variants

if TYPE_CHECKING:
    from emu.scenario.model import Scenario


def check_hybrid(scenario: Scenario) -> Iterator[Problem]:
    """What each of the two that it joins keeps, and where the domains are."""
    yield from check_variant(scenario)
    yield from check_correspondents(scenario)
    yield from check_security(scenario)
    yield from _domains(scenario)


def _domains(scenario: Scenario) -> Iterator[Problem]:
    mobility, domains = scenario.mobility, scenario.mobility.of(Domains)
    home, foreign = domains.home_domain, domains.foreign_domain
    if mobility.of(Variants).variant == "mih":
        text = "is for scheme: dmm only; write distributed, or one with a CMD"
        yield Problem(("mobility", "variant"), text)
    if not home:
        text = "is missing; write the home operator's access routers, such as [mar1]"
        yield Problem(("mobility", "home_domain"), text)
    if "care_of" in mobility.model_fields_set and not foreign:
        text = "does nothing without foreign_domain; leave it out, or name such a domain"
        yield Problem(("mobility", "care_of"), text)
    for key, domain in (("home_domain", home), ("foreign_domain", foreign)):
        for index, name in enumerate(domain):
            path: Path = ("mobility", key, index)
            yield from wrong_access_router(scenario, name, path)
            if key == "foreign_domain" and name in home:
                text = f"{quote(name)} is of the home domain; write another operator's"
                yield Problem(path, text)
