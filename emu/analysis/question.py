"""What is known of one handover and one channel that the node listens to, for predictions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.wire.channel import ChannelScope
from emu.analysis import multicast
from emu.analysis.moves import Move
from emu.analysis.multicast import PredictiveMode, Range, Timers
from emu.scenario.events import Join, Leave, NewPolicy, PolicyChange
from emu.scenario.model import Scenario
from emu.scenario.multicast import ChannelControl
from emu.scenario.traffic import MulticastFlow

_CARE_OF_MS = {"normal": (1000.0, 2000.0), "optimistic": (0.0, 0.0), "off": (0.0, 0.0)}
"""How long DAD keeps a care-of address from being used (RFC 4862 section 5.4); RFC 4429: not."""


@dataclass(frozen=True)
class Question:
    """How long one handover interrupts one channel."""

    scenario: Scenario
    move: Move
    channel: str
    first: bool
    """Whether the new MAR has not met the channel yet, and has to ask about it."""
    relayed: bool
    """Whether the MAR just left has the channel by a tunnel, and not natively."""
    returned: bool
    """Whether that tunnel is from the MAR that is the new one now."""
    native: frozenset[str]
    """The MARs that have the channel natively, if each anchor was asked for it so far."""
    selective: bool
    """Whether the node listens to the channel's source only: its filter is INCLUDE."""

    def on_the_radio(self) -> bool:
        """Whether the new MAR sends the channel to its radio already, for another listener."""
        return any(
            self.channel == flow.channel
            for mn in self.move.neighbours
            for _, flow in listening(self.scenario, mn, self.move.at_s)
        )

    def context(self) -> Range | None:
        """When the new MAR knows what is listened to, after link up; None: with the binding."""
        transfer = self.scenario.multicast.context_transfer
        if transfer == "cxtp":
            return multicast.context_requested(self.move.path, self.report())
        return self.report() if transfer == "off" else None

    def ahead(self) -> PredictiveMode | None:
        """How the new MAR prepares, if it is told ahead and still waits when the listener comes."""
        settings, path, announced = self.scenario.multicast, self.move.path, self.move.announced
        if settings.predictive == "off" or announced is None:
            return None
        in_time = announced + path.gap < path.backhaul + settings.prediction_lifetime / 1e6
        return settings.predictive if in_time else None

    def report(self) -> Range:
        """When the new MAR has a report of the listener, after link up."""
        if self.is_asked():
            return multicast.report_asked(self.move.path, timers(self.scenario))
        return multicast.report_unasked(self.move.path)

    def is_asked(self) -> bool:
        """Whether the listener reports only when it is asked.

        After a loss of carrier Linux reports what it listens to in mode EXCLUDE by itself, whatever
        DAD does: its link-local address stays valid. What it listens to in mode INCLUDE is no
        change for it (RFC 3810 section 6.1).
        """
        return self.selective or self.scenario.topology.access.carrier == "keep"

    def care_of(self) -> Range:
        """How long the care-of address takes, once the node has heard the router."""
        return Range.uniform(*_CARE_OF_MS[self.scenario.nodes[self.move.mn].dad])

    def _control(self) -> ChannelControl:
        control = control_at(self.scenario, self.move.at_s)
        assert control is not None  # the scheme always has one
        return control

    def decision_ms(self) -> float:
        """The MCC's answer takes a round trip; those of the static policy are remembered."""
        control = self._control()
        if control.at == "mar" or (control.policy == "static" and not self.first):
            return 0.0
        links = self.scenario.topology
        return 2 * (links.mcc if control.at == "mcc" else links.cmd).delay / 1e6

    def scopes(self) -> list[ChannelScope]:
        """What the channel control may decide."""
        return scopes(self._control(), self.channel)


def timers(scenario: Scenario) -> Timers:
    """A scenario's MLD timers."""
    settings = scenario.multicast
    return Timers(
        settings.query_interval / 1e6,
        settings.query_response_interval / 1e6,
        settings.robustness,
    )


def control_at(scenario: Scenario, at_s: float) -> ChannelControl | None:
    """The channel control as its live changes have left it by then."""
    control = scenario.multicast.channel_control
    for event in scenario.timeline:
        if control is None or event.at > at_s * 1e9:
            continue
        if isinstance(event, PolicyChange):
            channels = {**control.channels, **event.policy}
            control = control.model_copy(update={"channels": channels})
        elif isinstance(event, NewPolicy):
            control = control.model_copy(update={"policy": event.new_policy})
    return control


def scopes(control: ChannelControl, channel: str) -> list[ChannelScope]:
    """What the channel control may decide: one thing, or under other policies anything."""
    fixed = control.channels.get(channel)
    if fixed is None and control.policy == "static":
        fixed = control.default
    return list(ChannelScope) if fixed is None else [ChannelScope[fixed.upper()]]


def is_moved_over(scenario: Scenario, channel: str, at_s: float) -> bool:
    """Whether a live change has made who came by a tunnel a native listener by then."""
    control = control_at(scenario, at_s)
    return control is not None and scopes(control, channel) in (
        [ChannelScope.LOCAL],
        [ChannelScope.BOTH],
    )


def listening(scenario: Scenario, mn: str, at_s: float) -> Iterator[tuple[str, MulticastFlow]]:
    """The flows that a node listens to at a time, by their names."""
    when = at_s * 1e9
    for name, flow in zip(scenario.flow_names, scenario.traffic, strict=True):
        if not isinstance(flow, MulticastFlow):
            continue
        listens = mn in flow.to
        own = (event for event in scenario.timeline if isinstance(event, (Join, Leave)))
        for event in own:
            if (event.node, event.channel) == (mn, flow.channel) and event.at <= when:
                listens = isinstance(event, Join)
        stop = scenario.duration if flow.stop is None else flow.stop
        if listens and flow.start < when < stop:
            yield name, flow
