"""The files of a scenario's author: policies and delays, in its folder or below."""

from __future__ import annotations

from pathlib import Path

from emu.scenario.control_checks import check_own_policy
from emu.scenario.delays import check_delays
from emu.scenario.errors import Problem
from emu.scenario.model import Scenario
from emu.scenario.policies import own, policies


def own_files(scenario: Scenario) -> set[str]:
    """All of them, as paths from the scenario's folder on."""
    files = {found[0] for policy in policies(scenario).values() if (found := own(policy))}
    return files if scenario.topology.delays is None else {*files, scenario.topology.delays}


def check_files(scenario: Scenario, folder: Path) -> list[Problem]:
    """What is wrong with them."""
    return [*check_own_policy(scenario, folder), *check_delays(scenario, folder)]
