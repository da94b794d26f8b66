"""What a valid scenario must also keep in its mobility scheme."""

from __future__ import annotations

from collections.abc import Iterator

from emu.scenario.errors import Problem, each_of, one_of, quote
from emu.scenario.mobility import owners
from emu.scenario.model import Scenario
from emu.scenario.multicast_scheme import MULTICAST_SCHEMES
from emu.schemes.registry import SCHEMES


def check_mobility_scheme(scenario: Scenario) -> Iterator[Problem]:
    """Keys of another scheme, multicast that does not go with this one, and its own checks."""
    mobility, multicast = scenario.mobility, scenario.multicast
    scheme = SCHEMES.find(mobility.scheme)
    for key in sorted(mobility.model_fields_set):
        having = owners(key)
        if having and mobility.scheme not in having:
            text = f"is for scheme: {each_of(having)} only; leave it out of scheme: "
            yield Problem(("mobility", key), text + mobility.scheme)
    others = [n for n, one in MULTICAST_SCHEMES.all().items() if mobility.scheme in one.goes_with]
    fitting = [*scheme.multicast, *others]
    if multicast.scheme not in fitting:
        text = f"{quote(multicast.scheme)} does not go with the mobility scheme {mobility.scheme}"
        yield Problem(("multicast", "scheme"), f"{text}; write {one_of(fitting)}")
    yield from _check_multicast(scenario)
    for fault in scheme.faults():
        text = f"the declaration of {mobility.scheme} is not whole: {fault}; mend it"
        yield Problem(("mobility", "scheme"), text)
    yield from scheme.check(scenario)


def _check_multicast(scenario: Scenario) -> Iterator[Problem]:
    """What the declaration of the multicast scheme asks for, and whether it is whole."""
    declared = MULTICAST_SCHEMES.find(scenario.multicast.scheme)
    try:
        declared.load_prediction()
    except ValueError as error:
        text = f"the declaration of {scenario.multicast.scheme} is not whole: {error}; mend it"
        yield Problem(("multicast", "scheme"), text)
    yield from declared.check(scenario)
