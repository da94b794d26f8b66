"""State machines as tables: cores move by them, and documents are drawn from them.

``docs/site/state_machines.py`` draws them; ``tests/unit/test_transitions.py`` says that the
documents agree. A core cannot go where its table has no way: an event that would have it do so is
a mistake in the code. In virtual time that ends the test, in a daemon the event alone is ignored.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

S = TypeVar("S", bound=Enum)


class NoSuchTransition(Exception):
    """A state machine was to go where its table has no way; it has stayed where it is."""


class Transition(NamedTuple, Generic[S]):
    """One way; None is before the machine is there, or after it is forgotten."""

    before: S | None
    after: S | None
    when: str


@dataclass(frozen=True)
class StateMachine(Generic[S]):
    """The table: every way between two different states. To stay is always allowed."""

    transitions: tuple[Transition[S], ...]

    def follow(self, before: S, after: S) -> S:
        """``after``, if there is a way to it; raises `NoSuchTransition`."""
        if before is not after and not any(
            way.before is before and way.after is after for way in self.transitions
        ):
            raise NoSuchTransition(f"from {before.name} to {after.name}")
        return after

    def drawn(self) -> Iterator[str]:
        """The lines of a state diagram in Mermaid's language."""
        yield "stateDiagram-v2"
        for way in self.transitions:
            before, after = (state.name if state else "[*]" for state in (way.before, way.after))
            yield f"    {before} --> {after}: {way.when}"


def ways(before: Iterable[S | None], after: S | None, when: str) -> tuple[Transition[S], ...]:
    """From each of several states to one, all for the same reason."""
    return tuple(Transition(state, after, when) for state in before)
