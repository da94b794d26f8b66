"""What the equations predict for each channel in each handover of a scenario."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace

from agents.wire.channel import ChannelScope
from emu.analysis import multicast
from emu.analysis.moves import Move, moves
from emu.analysis.multicast import PredictiveMode, Range, Timers
from emu.scenario.events import Join, Leave, NewPolicy, PolicyChange
from emu.scenario.model import Scenario
from emu.scenario.multicast import (
    BIDIRECTIONAL_TUNNEL,
    MLD_DMM,
    MULTI_UPSTREAM,
    REMOTE_SUBSCRIPTION,
    RFC6224,
    RFC7028,
    ChannelControl,
)
from emu.scenario.traffic import MulticastFlow

_CARE_OF_MS = {"normal": (1000.0, 2000.0), "optimistic": (0.0, 0.0), "off": (0.0, 0.0)}
"""How long DAD keeps a care-of address from being used (RFC 4862 section 5.4); RFC 4429: not."""

_ALWAYS_ALIKE = {
    RFC6224: multicast.rfc6224_disruption,
    RFC7028: multicast.rfc7028_disruption,
    REMOTE_SUBSCRIPTION: multicast.remote_subscription_disruption,
}
"""The disruption under the schemes that always take the same way."""

_KNOWN = {MLD_DMM, MULTI_UPSTREAM, BIDIRECTIONAL_TUNNEL, *_ALWAYS_ALIKE}


@dataclass(frozen=True)
class Prediction:
    """One handover and one channel that the node listens to; ms from link down."""

    move: Move
    flow: str
    disruption: Range
    leave: Range
    """When the membership has ended at the previous MAR, or by the previous tunnel."""
    question: _Question

    @property
    def asked(self) -> bool:
        """Whether nothing comes before the node has answered a query of the new MAR."""
        return self.question.waits()

    def with_gap(self, gap: float) -> Prediction:
        """What is predicted for an L2 gap of so many ms, instead of the scenario's."""
        move = replace(self.move, path=replace(self.move.path, gap=gap))
        return replace(self.question, move=move).answer(self.flow)


def predict(scenario: Scenario) -> list[Prediction]:
    """For every handover, and every channel that the node listens to just then."""
    scheme = scenario.multicast.scheme
    if scheme == "none":
        return []
    if scheme not in _KNOWN:
        raise ValueError(f"there are no equations for the multicast scheme {scheme}")
    found = []
    asked: set[tuple[str, str]] = set()
    tunnels: dict[tuple[str, str], str | None] = {}
    """By mobile node and channel: the MAR that the channel comes from by a tunnel."""
    natives: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    """The same: the MARs that take it natively, for the node or since they were asked for it."""
    for move in moves(scenario):
        for name, flow in _listening(scenario, move.mn, move.at_s):
            channel = flow.channel
            tunnel = tunnels.get((move.mn, channel))
            if _is_moved_over(scenario, channel, move.at_s):
                tunnel = None
            native = natives[move.mn, channel]
            if tunnel is None:
                native.add(move.origin)
            question = _Question(
                scenario,
                move,
                channel,
                first=(move.target, channel) not in asked,
                relayed=tunnel is not None,
                returned=tunnel == move.target,
                native=frozenset(native),
                selective=scenario.is_selective(flow, move.mn),
            )
            asked.add((move.target, channel))
            tunnels[move.mn, channel] = question.tunnel()
            native.update(move.previous)
            found.append(question.answer(f"{name}→{move.mn}"))
    return found


def timers(scenario: Scenario) -> Timers:
    """A scenario's MLD timers."""
    settings = scenario.multicast
    return Timers(
        settings.query_interval / 1e6,
        settings.query_response_interval / 1e6,
        settings.robustness,
    )


def _control(scenario: Scenario, at_s: float) -> ChannelControl | None:
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


def _scopes(control: ChannelControl, channel: str) -> list[ChannelScope]:
    """What the channel control may decide: one thing, or under other policies anything."""
    fixed = control.channels.get(channel)
    if fixed is None and control.policy == "static":
        fixed = control.default
    return list(ChannelScope) if fixed is None else [ChannelScope[fixed.upper()]]


def _is_moved_over(scenario: Scenario, channel: str, at_s: float) -> bool:
    """Whether a live change has made who came by a tunnel a native listener by then."""
    control = _control(scenario, at_s)
    return control is not None and _scopes(control, channel) in (
        [ChannelScope.LOCAL],
        [ChannelScope.BOTH],
    )


def _listening(scenario: Scenario, mn: str, at_s: float) -> Iterator[tuple[str, MulticastFlow]]:
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


@dataclass(frozen=True)
class _Question:
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

    def answer(self, flow: str) -> Prediction:
        """What is predicted for a flow of the channel."""
        return Prediction(self.move, flow, self.disruption(), self.leave(), self)

    def disruption(self) -> Range:
        """Link down to the first packet."""
        settings, path = self.scenario.multicast, self.move.path
        if settings.scheme == BIDIRECTIONAL_TUNNEL:
            return multicast.bidirectional_tunnel_disruption(path, self._care_of())
        if self._on_the_radio():
            return Range.exactly(path.gap)
        if settings.scheme == MLD_DMM and settings.upstream == "anchors":
            ways = [
                (way, anchor not in self.native)
                for anchor, way in zip(self.move.previous, self.move.ways, strict=True)
            ]
            return multicast.mld_dmm_anchors_disruption(path, self._report(), ways)
        if settings.scheme == MLD_DMM:
            return multicast.mld_dmm_disruption(path, self._report(), relayed=self.relayed)
        if settings.scheme in _ALWAYS_ALIKE:
            return _ALWAYS_ALIKE[settings.scheme](path, self._report())
        report, ahead = self._context(), self._ahead()
        if self.returned and ahead is None:
            return multicast.multi_upstream_shared(path, report)
        decision = self._decision_ms()
        if ahead is not None:
            announced = self.move.announced or 0.0
            return Range.any_of(
                multicast.predictive_disruption(
                    path, scope, decision, announced, ahead, relayed=self.relayed
                )
                for scope in self._scopes()
            )
        return Range.any_of(
            multicast.multi_upstream_disruption(path, scope, decision, report, relayed=self.relayed)
            for scope in self._scopes()
        )

    def tunnel(self) -> str | None:
        """The MAR that the channel comes from by a tunnel afterwards; None: from none."""
        if self.scenario.multicast.scheme == MLD_DMM:
            return self.move.origin
        if self.scenario.multicast.scheme in (*_ALWAYS_ALIKE, BIDIRECTIONAL_TUNNEL):
            return None
        remote = self._scopes() == [ChannelScope.REMOTE] and not self.returned
        return self.move.origin if remote else None

    def leave(self) -> Range:
        """Link down to the end of the membership at the previous MAR, or by the previous tunnel."""
        if self.scenario.multicast.scheme == BIDIRECTIONAL_TUNNEL:
            return multicast.bidirectional_tunnel_leave(self.move.path, self._care_of())
        if not self.scenario.multicast.explicit_tracking:
            return multicast.mld_leave(timers(self.scenario))
        if self.scenario.multicast.scheme in _ALWAYS_ALIKE:
            return multicast.leave_with_the_link()
        return multicast.multi_upstream_leave(self.move.path)

    def _on_the_radio(self) -> bool:
        """Whether the new MAR sends the channel to its radio already, for another listener."""
        return any(
            self.channel == flow.channel
            for mn in self.move.neighbours
            for _, flow in _listening(self.scenario, mn, self.move.at_s)
        )

    def _context(self) -> Range | None:
        """When the new MAR knows what is listened to, after link up; None: with the binding."""
        transfer = self.scenario.multicast.context_transfer
        if transfer == "cxtp":
            return multicast.context_requested(self.move.path, self._report())
        return self._report() if transfer == "off" else None

    def _ahead(self) -> PredictiveMode | None:
        """How the new MAR prepares, if it is told ahead and still waits when the listener comes."""
        settings, path, announced = self.scenario.multicast, self.move.path, self.move.announced
        if settings.predictive == "off" or announced is None:
            return None
        in_time = announced + path.gap < path.backhaul + settings.prediction_lifetime / 1e6
        return settings.predictive if in_time else None

    def _report(self) -> Range:
        """When the new MAR has a report of the listener, after link up."""
        if self._is_asked():
            return multicast.report_asked(self.move.path, timers(self.scenario))
        return multicast.report_unasked(self.move.path)

    def _is_asked(self) -> bool:
        """Whether the listener reports only when it is asked.

        After a loss of carrier Linux reports what it listens to in mode EXCLUDE by itself, whatever
        DAD does: its link-local address stays valid. What it listens to in mode INCLUDE is no
        change for it (RFC 3810 section 6.1).
        """
        return self.selective or self.scenario.topology.access.carrier == "keep"

    def waits(self) -> bool:
        """Whether the answer to a query is the only way to learn what the node listens to."""
        scheme = self.scenario.multicast.scheme
        knows = scheme == BIDIRECTIONAL_TUNNEL or self._ahead() is not None or self._on_the_radio()
        told = scheme == "multi-upstream" and self.scenario.multicast.context_transfer != "off"
        return self._is_asked() and not (knows or told)

    def _care_of(self) -> Range:
        """How long the care-of address takes, once the node has heard the router."""
        return Range.uniform(*_CARE_OF_MS[self.scenario.nodes[self.move.mn].dad])

    def _control(self) -> ChannelControl:
        control = _control(self.scenario, self.move.at_s)
        assert control is not None  # the scheme always has one
        return control

    def _decision_ms(self) -> float:
        """The MCC's answer takes a round trip; those of the static policy are remembered."""
        control = self._control()
        if control.at == "mar" or (control.policy == "static" and not self.first):
            return 0.0
        links = self.scenario.topology
        return 2 * (links.mcc if control.at == "mcc" else links.cmd).delay / 1e6

    def _scopes(self) -> list[ChannelScope]:
        return _scopes(self._control(), self.channel)
