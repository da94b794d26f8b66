"""Which of a leader and its co-leaders brings packets on is drawn by lot."""

from __future__ import annotations

from agents.overlay.nemo.context import Context
from agents.wire.overlay import MemberId


class Draw:
    """For each packet anew; or it stays, and is drawn anew at a heartbeat now and then."""

    def __init__(self, context: Context) -> None:
        self._config, self._random = context.config, context.random
        self._drawn: dict[tuple[int, MemberId], MemberId] = {}
        self._beat = 0

    def one_of(self, layer: int, crew: tuple[MemberId, ...], now: int) -> MemberId:
        """One of a leader (first) and its co-leaders of a layer."""
        if self._config.draw_each_packet:
            return self._random.choice(crew)
        if now >= self._beat:
            self._beat = now + self._config.heartbeat
            if self._random.random() < self._config.reordering:
                self._drawn.clear()
        drawn = self._drawn.get((layer, crew[0]))
        if drawn not in crew:
            drawn = self._drawn[layer, crew[0]] = self._random.choice(crew)
        return drawn
