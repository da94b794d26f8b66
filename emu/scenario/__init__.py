"""Scenarios: the YAML file that says what a run builds, carries and measures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emu.scenario.errors import ScenarioError

if TYPE_CHECKING:
    from emu.scenario.loader import load, parse
    from emu.scenario.model import Scenario

__all__ = ["Scenario", "ScenarioError", "load", "parse"]


def __getattr__(name: str) -> Any:
    """Import what reads scenarios once it is asked for: it needs schemes, and these `errors`."""
    if name in ("load", "parse"):
        from emu.scenario import loader

        return getattr(loader, name)
    if name == "Scenario":
        from emu.scenario.model import Scenario

        return Scenario
    raise AttributeError(f"module {__name__} has no attribute {name}")
