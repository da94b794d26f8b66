"""What the equations say of each multicast scheme: its declaration names one of these."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from agents.wire.channel import ChannelScope
from emu.analysis import multicast
from emu.analysis.multicast import Path, Range
from emu.analysis.question import Question, timers


class Multicast(Protocol):
    """The predictions of one multicast scheme."""

    def disruption(self, question: Question) -> Range:
        """Link down to the first packet."""

    def tunnel(self, question: Question) -> str | None:
        """The MAR that the channel comes from by a tunnel afterwards; None: from none."""

    def leave(self, question: Question) -> Range:
        """Link down to the end of the membership at the previous MAR, or by the previous tunnel."""

    def knows(self, question: Question) -> bool:
        """Whether the new MAR need not learn from a report what the node listens to."""


@dataclass(frozen=True)
class Alike:
    """A scheme that always takes the same way: by an equation of the path and of the report."""

    equation: Callable[[Path, Range], Range]

    def disruption(self, question: Question) -> Range:
        """By the equation, unless the channel is on the radio there already."""
        path = question.move.path
        if question.on_the_radio():
            return Range.exactly(path.gap)
        return self.equation(path, question.report())

    def tunnel(self, question: Question) -> str | None:
        """No MAR is the end of one."""
        return None

    def leave(self, question: Question) -> Range:
        """With explicit tracking at once; else by MLD's timers."""
        tracking = question.scenario.multicast.explicit_tracking
        return multicast.leave_with_the_link() if tracking else _by_timers(question)

    def knows(self, question: Question) -> bool:
        """Only if the channel is there anyway."""
        return question.on_the_radio()


class MldDmm:
    """The base: always by a tunnel, of the MAR just left or of the anchors."""

    def disruption(self, question: Question) -> Range:
        """The report after the binding, then the tunnel."""
        path = question.move.path
        if question.on_the_radio():
            return Range.exactly(path.gap)
        if question.scenario.multicast.upstream != "anchors":
            return multicast.mld_dmm_disruption(path, question.report(), relayed=question.relayed)
        ways = [
            (way, anchor not in question.native)
            for anchor, way in zip(question.move.previous, question.move.ways, strict=True)
        ]
        return multicast.mld_dmm_anchors_disruption(path, question.report(), ways)

    def tunnel(self, question: Question) -> str | None:
        """Of the MAR just left."""
        return question.move.origin

    def leave(self, question: Question) -> Range:
        """With explicit tracking by the notice of the new MAR."""
        return _by_notice(question)

    def knows(self, question: Question) -> bool:
        """If the channel is there anyway, or it was told ahead."""
        return question.on_the_radio() or question.ahead() is not None


class MultiUpstream:
    """One proxy with several upstreams: the channel control says which."""

    def disruption(self, question: Question) -> Range:
        """As the context comes, and the channel control decides."""
        path = question.move.path
        if question.on_the_radio():
            return Range.exactly(path.gap)
        report, ahead = question.context(), question.ahead()
        if question.returned and ahead is None:
            return multicast.multi_upstream_shared(path, report)
        decision, relayed = question.decision_ms(), question.relayed
        if ahead is not None:
            announced = question.move.announced or 0.0
            return Range.any_of(
                multicast.predictive_disruption(
                    path, scope, decision, announced, ahead, relayed=relayed
                )
                for scope in question.scopes()
            )
        return Range.any_of(
            multicast.multi_upstream_disruption(path, scope, decision, report, relayed=relayed)
            for scope in question.scopes()
        )

    def tunnel(self, question: Question) -> str | None:
        """Of the MAR just left, where the channel is remote."""
        remote = question.scopes() == [ChannelScope.REMOTE] and not question.returned
        return question.move.origin if remote else None

    def leave(self, question: Question) -> Range:
        """With explicit tracking by the notice of the new MAR."""
        return _by_notice(question)

    def knows(self, question: Question) -> bool:
        """If the channel is there anyway, it was told ahead, or the context is transferred."""
        told = question.scenario.multicast.context_transfer != "off"
        return told or question.on_the_radio() or question.ahead() is not None


class BidirectionalTunnel:
    """By the home agent's tunnels, which follow the binding."""

    def disruption(self, question: Question) -> Range:
        """The care-of address, the binding, and the way from the home agent."""
        care_of = question.care_of()
        return multicast.bidirectional_tunnel_disruption(question.move.path, care_of)

    def tunnel(self, question: Question) -> str | None:
        """No MAR is the end of one."""
        return None

    def leave(self, question: Question) -> Range:
        """With the binding, too."""
        return multicast.bidirectional_tunnel_leave(question.move.path, question.care_of())

    def knows(self, question: Question) -> bool:
        """Always: the home agent does."""
        return True


def _by_notice(question: Question) -> Range:
    if not question.scenario.multicast.explicit_tracking:
        return _by_timers(question)
    return multicast.multi_upstream_leave(question.move.path)


def _by_timers(question: Question) -> Range:
    return multicast.mld_leave(timers(question.scenario))


MLD_DMM, MULTI_UPSTREAM = MldDmm(), MultiUpstream()
BIDIRECTIONAL_TUNNEL = BidirectionalTunnel()
RFC6224 = Alike(multicast.rfc6224_disruption)
RFC7028 = Alike(multicast.rfc7028_disruption)
REMOTE_SUBSCRIPTION = Alike(multicast.remote_subscription_disruption)
