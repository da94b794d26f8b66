"""What the equations say beforehand about a handover that was measured."""

from __future__ import annotations

from typing import Any

from emu.analysis.moves import Move, moves
from emu.analysis.prediction import Prediction, predict
from emu.scenario.model import Scenario

Handover = dict[str, Any]
"""A handover of a record."""


class Forecast:
    """The predictions for one scenario, to be put beside what its record says."""

    def __init__(self, scenario: Scenario) -> None:
        self._moves = moves(scenario)
        self._predictions = {(p.move.at_s, p.flow): p for p in predict(scenario)}

    def move(self, handover: Handover) -> Move | None:
        """The handover that the scenario has for that node just before the measured one.

        Where the client acts after the network it is the client's, as the record's ``binding`` is.
        """
        earlier = [
            move
            for move in self._moves
            if move.mn == handover["mn"] and move.at_s <= handover["at_s"]
        ]
        return earlier[-1] if earlier else None

    def channel(self, handover: Handover, flow: str) -> Prediction | None:
        """What happens to a flow in it, asked with the L2 gap that there was; None: no channel.

        The radio itself takes a few ms, for a gap of 0, too.
        """
        move = self.move(handover)
        prediction = self._predictions.get((move.at_s, flow)) if move else None
        l2, authentication = map(handover["latency_ms"].get, ("l2", "authentication"))
        if prediction is None or l2 is None:
            return prediction
        return prediction.with_gap(l2 + (authentication or 0.0))
