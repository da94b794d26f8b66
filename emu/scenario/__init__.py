"""Scenarios: the YAML file that says what a run builds, carries and measures."""

from emu.scenario.errors import ScenarioError
from emu.scenario.loader import load, parse
from emu.scenario.model import Scenario

__all__ = ["Scenario", "ScenarioError", "load", "parse"]
