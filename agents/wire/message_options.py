"""What every mobility message with options has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from agents.wire.option_layouts import MobilityOption

_Option = TypeVar("_Option", bound=MobilityOption)


class MessageOptions:
    """The options of one message."""

    options: tuple[MobilityOption, ...]

    def option(self, kind: type[_Option]) -> _Option | None:
        """The first option of this class, or None."""
        for option in self.options:
            if type(option) is kind:
                return option
        return None

    def all(self, kind: type[_Option]) -> list[_Option]:
        """Every option of this class, in the order of the message."""
        return [option for option in self.options if type(option) is kind]

    def some(self, kinds: Iterable[type[MobilityOption]]) -> list[MobilityOption]:
        """The first option of each of these classes, as far as there are any."""
        first = {type(option): option for option in reversed(self.options)}
        return [first[kind] for kind in kinds if kind in first]
