"""What every mobility message with options has."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, TypeVar

from agents.wire.option_layouts import MobilityOption

_Option = TypeVar("_Option", bound=MobilityOption)


class MessageOptions:
    """The options of one message."""

    options: tuple[MobilityOption, ...]

    def option(self, kind: type[_Option]) -> _Option | None:
        """The first option of this class, or None."""
        option: _Option | None = self._first.get(kind)
        return option

    def all(self, kind: type[_Option]) -> list[_Option]:
        """Every option of this class, in the order of the message."""
        if kind not in self._first:
            return []
        return [option for option in self.options if type(option) is kind]

    def some(self, kinds: Iterable[type[MobilityOption]]) -> list[MobilityOption]:
        """The first option of each of these classes, as far as there are any."""
        return [self._first[kind] for kind in kinds if kind in self._first]

    @cached_property
    def _first(self) -> dict[type[MobilityOption], Any]:
        """The first option of each class: a reader asks for many."""
        return {type(option): option for option in reversed(self.options)}
