"""What a user may not expect of a scenario, and had better know before it runs."""

from __future__ import annotations

from collections.abc import Iterator

from emu.analysis.prediction import predict
from emu.scenario.model import Scenario
from emu.scenario.units import DURATION


def hints(scenario: Scenario) -> Iterator[str]:
    """Each in one line."""
    settings = scenario.multicast
    if "query_response_interval" in settings.model_fields_set:
        return
    asked = dict.fromkeys(one.flow for one in predict(scenario) if one.asked)
    if asked:
        first, *others = asked
        more = f" (and {len(others)} more)" if others else ""
        longest = DURATION.show(settings.query_response_interval)
        yield (
            f"{first}{more} may be silent for up to {longest} after a handover: the new access "
            "router asks who listens, and a host answers at a random time within "
            f"multicast.query_response_interval, {longest} unless it is set"
        )
