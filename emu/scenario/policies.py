"""The policies of a scenario's channel control: at its start, and after each change."""

from __future__ import annotations

from emu.scenario.errors import Path
from emu.scenario.events import NewPolicy
from emu.scenario.model import Scenario


def policies(scenario: Scenario) -> dict[Path, str]:
    """All of them, by where they are written; none without a channel control."""
    control = scenario.multicast.channel_control
    if control is None:
        return {}
    written: dict[Path, str] = {("multicast", "channel_control", "policy"): control.policy}
    for index, event in enumerate(scenario.events):
        if isinstance(event, NewPolicy):
            written["events", index, "new_policy"] = event.new_policy
    return written


def own(policy: str) -> tuple[str, str] | None:
    """The file and the class of a user's own policy."""
    file, colon, class_name = policy.rpartition(":")
    return (file, class_name) if colon else None
