"""How a part of a node tells the others what happens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec

Told = ParamSpec("Told")


class Hook(Generic[Told]):
    """Something that happens: whoever has asked to be told is, in the order of asking."""

    def __init__(self) -> None:
        self._calls: list[Callable[Told, None]] = []

    def add(self, call: Callable[Told, None]) -> None:
        """Call it, too, whenever this happens."""
        self._calls.append(call)

    def __call__(self, *args: Told.args, **kwargs: Told.kwargs) -> None:
        """It happens."""
        for call in self._calls:
            call(*args, **kwargs)
