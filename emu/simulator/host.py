"""Drives one core in virtual time, as a daemon does in the lab."""

from __future__ import annotations

from collections.abc import Callable

from agents.core import Action, Core
from emu.simulator.engine import Engine


class Host:
    """Calls the core's ``timer`` when it is due, and hands on the actions of every call."""

    def __init__(self, engine: Engine, core: Core, perform: Callable[[Action], None]) -> None:
        self._engine = engine
        self._core = core
        self._perform = perform
        self._wake: int | None = None
        self.runs = True
        """Whether it was not stopped."""

    def stop(self) -> None:
        """Have nothing happen any more, even amidst the actions of a call."""
        self.runs = False

    def carry_out(self, actions: list[Action]) -> None:
        """Do what a call to the core gave, and note when the core wants to be called next."""
        for action in actions:
            if not self.runs:
                return
            self._perform(action)
        due = self._core.next_deadline()
        if due is not None and (self._wake is None or due < self._wake):
            self._wake = due
            self._engine.at(due, lambda: self._woken(due))

    def _woken(self, due: int) -> None:
        if not self.runs or self._wake != due:  # an earlier deadline came up since
            return
        self._wake = None
        deadline = self._core.next_deadline()
        if deadline is not None and deadline <= self._engine.now:
            self.carry_out(self._core.timer(self._engine.now))
        else:
            self.carry_out([])
