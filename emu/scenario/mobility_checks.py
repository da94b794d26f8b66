"""What a valid scenario must also keep in its mobility scheme."""

from __future__ import annotations

from collections.abc import Iterator

from emu.scenario.errors import Path, Problem, each_of, one_of, quote
from emu.scenario.mobility import HOST_BASED, SCHEME_KEYS, VARIANT_KEYS
from emu.scenario.model import Scenario
from emu.scenario.multicast import SCHEMES_OF
from emu.scenario.names import wrong_access_router


def check_mobility_scheme(scenario: Scenario) -> Iterator[Problem]:
    """Keys of another scheme or variant, and multicast that does not go with this one."""
    mobility, multicast = scenario.mobility, scenario.multicast
    for key in sorted(mobility.model_fields_set):
        owners = [scheme for scheme, keys in SCHEME_KEYS.items() if key in keys]
        if owners and mobility.scheme not in owners:
            text = f"is for scheme: {each_of(owners)} only; leave it out of scheme: "
            yield Problem(("mobility", key), text + mobility.scheme)
        elif mobility.variant not in VARIANT_KEYS.get(key, mobility.variant):
            text = f"is for variant: {each_of(VARIANT_KEYS[key])} only; leave it out of variant: "
            yield Problem(("mobility", key), text + mobility.variant)
    if mobility.key is not None and mobility.scheme in HOST_BASED:
        text = f"whose nodes share it; leave it out of scheme: {mobility.scheme}"
        yield Problem(("mobility", "key"), f"is for network-based schemes, {text}")
    if mobility.scheme in HOST_BASED and not scenario.alm:
        yield from _mobile_sources(scenario)
    choices = SCHEMES_OF[mobility.scheme]
    if multicast.scheme not in choices:
        text = f"{quote(multicast.scheme)} does not go with the mobility scheme {mobility.scheme}"
        yield Problem(("multicast", "scheme"), f"{text}; write {one_of(choices)}")
    if mobility.route_optimisation and not scenario.nodes_of("server"):
        text = "does nothing without a node of role server; add one, or leave it out"
        yield Problem(("mobility", "route_optimisation"), text)
    yield from _check_security(scenario)
    if mobility.scheme == "hybrid":
        yield from _check_domains(scenario)


def _mobile_sources(scenario: Scenario) -> Iterator[Problem]:
    """Channels of mobile nodes, which native multicast routers would expect elsewhere."""
    for name, channel in scenario.channels.items():
        if channel.source in scenario.nodes_of("mn"):
            text = f"is mobile, which a source cannot be in the scheme {scenario.mobility.scheme}"
            path = ("channels", name, "source")
            yield Problem(path, f"{quote(channel.source)} {text}; write a node of role source")


def _check_security(scenario: Scenario) -> Iterator[Problem]:
    security = scenario.mobility.security
    if security.permanent_keygen_token and not security.cga:
        text = "is given to the owner of a CGA; write cga: true beside it"
        yield Problem(("mobility", "security", "permanent_keygen_token"), text)


def _check_domains(scenario: Scenario) -> Iterator[Problem]:
    home, foreign = scenario.mobility.home_domain, scenario.mobility.foreign_domain
    if scenario.mobility.variant == "mih":
        text = "is for scheme: dmm only; write distributed, or one with a CMD"
        yield Problem(("mobility", "variant"), text)
    if not home:
        text = "is missing; write the home operator's access routers, such as [mar1]"
        yield Problem(("mobility", "home_domain"), text)
    if "care_of" in scenario.mobility.model_fields_set and not foreign:
        text = "does nothing without foreign_domain; leave it out, or name such a domain"
        yield Problem(("mobility", "care_of"), text)
    for key, domain in (("home_domain", home), ("foreign_domain", foreign)):
        for index, name in enumerate(domain):
            path: Path = ("mobility", key, index)
            yield from wrong_access_router(scenario, name, path)
            if key == "foreign_domain" and name in home:
                text = f"{quote(name)} is of the home domain; write another operator's"
                yield Problem(path, text)
