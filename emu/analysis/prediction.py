"""What the equations predict for each channel in each handover of a scenario."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace

from emu.analysis.moves import Move, moves
from emu.analysis.multicast import Range
from emu.analysis.multicast_schemes import Multicast
from emu.analysis.question import Question, is_moved_over, listening
from emu.scenario.model import Scenario
from emu.scenario.multicast_scheme import MULTICAST_SCHEMES


@dataclass(frozen=True)
class Prediction:
    """One handover and one channel that the node listens to; ms from link down."""

    move: Move
    flow: str
    disruption: Range
    leave: Range
    """When the membership has ended at the previous MAR, or by the previous tunnel."""
    question: Question

    @property
    def asked(self) -> bool:
        """Whether nothing comes before the node has answered a query of the new MAR."""
        return self.question.is_asked() and not _scheme(self.question).knows(self.question)

    def with_gap(self, gap: float) -> Prediction:
        """What is predicted for an L2 gap of so many ms, instead of the scenario's."""
        move = replace(self.move, path=replace(self.move.path, gap=gap))
        return _answer(replace(self.question, move=move), self.flow)


def predict(scenario: Scenario) -> list[Prediction]:
    """For every handover, and every channel that the node listens to just then."""
    scheme = scenario.multicast.scheme
    equations = MULTICAST_SCHEMES.find(scheme).load_prediction()
    if equations is None:
        return []
    found = []
    asked: set[tuple[str, str]] = set()
    tunnels: dict[tuple[str, str], str | None] = {}
    """By mobile node and channel: the MAR that the channel comes from by a tunnel."""
    natives: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    """The same: the MARs that take it natively, for the node or since they were asked for it."""
    for move in moves(scenario):
        for name, flow in listening(scenario, move.mn, move.at_s):
            channel = flow.channel
            tunnel = tunnels.get((move.mn, channel))
            if is_moved_over(scenario, channel, move.at_s):
                tunnel = None
            native = natives[move.mn, channel]
            if tunnel is None:
                native.add(move.origin)
            question = Question(
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
            tunnels[move.mn, channel] = equations.tunnel(question)
            native.update(move.previous)
            found.append(_answer(question, f"{name}→{move.mn}"))
    return found


def _answer(question: Question, flow: str) -> Prediction:
    """What is predicted for a flow of the channel."""
    scheme = _scheme(question)
    disruption, leave = scheme.disruption(question), scheme.leave(question)
    return Prediction(question.move, flow, disruption, leave, question)


def _scheme(question: Question) -> Multicast:
    found = MULTICAST_SCHEMES.find(question.scenario.multicast.scheme).load_prediction()
    assert found is not None  # or nothing is predicted
    return found
