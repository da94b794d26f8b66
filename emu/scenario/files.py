"""The files of a scenario's author: policies, delays, protocols, in its folder or below."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from emu.scenario.control_checks import check_own_policy
from emu.scenario.delays import check_delays
from emu.scenario.errors import Problem
from emu.scenario.model import Scenario
from emu.scenario.policies import own, policies


def own_files(scenario: Scenario) -> set[str]:
    """All of them, as paths from the scenario's folder on."""
    files = {found[0] for policy in policies(scenario).values() if (found := own(policy))}
    if scenario.alm is not None and scenario.alm.scheme.endswith(".py"):
        files.add(scenario.alm.scheme)
    return files if scenario.topology.delays is None else {*files, scenario.topology.delays}


def check_files(scenario: Scenario, folder: Path) -> list[Problem]:
    """What is wrong with them."""
    return [
        *check_own_policy(scenario, folder),
        *check_delays(scenario, folder),
        *_check_protocol(scenario, folder),
    ]


def _check_protocol(scenario: Scenario, folder: Path) -> Iterator[Problem]:
    """An overlay that no protocol is known for, or its options."""
    # Protocols are read by the scenario's words: either may be imported first.
    from emu.overlay_protocols.choice import WrongChoice, choose

    if scenario.alm is not None:
        try:
            chosen = choose("scheme", scenario.alm.scheme, scenario.alm.options, folder)
            chosen.in_kernel(scenario.alm.data_path)
        except WrongChoice as error:
            for problem in error.problems:
                yield Problem(("overlay", *problem.path), problem.text)
