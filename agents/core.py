"""What every protocol core shares: no I/O, time as an argument, actions as the answer.

A core is driven by three calls, in the lab by a daemon and in virtual time by the simulator::

    core.receive(message, source, ..., now)  ->  actions
    core.timer(now)                          ->  actions
    core.next_deadline()                     ->  when timer() is due, or None

Time is an integer number of nanoseconds on any monotonic clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

MILLISECOND = 1_000_000
SECOND = 1_000_000_000


class Action:
    """One thing a core asks its surroundings to do."""

    __slots__ = ()


@dataclass(frozen=True)
class Log(Action):
    """Write one line to the node's event log."""

    kind: str
    fields: dict[str, Any] = field(default_factory=dict)


def refused(whom: object, what: object, why: str, sources: int = 0) -> Log:
    """Something that was asked for is not granted: the run's record and outcome tell of it.

    ``what`` is a group, a prefix, …; of a group it may be some ``sources`` alone, 0: all of them.
    """
    return Log("refused", {"whom": str(whom), "what": str(what), "sources": sources, "why": why})


class Core(Protocol):
    """A protocol machine without I/O; one that inherits from this waits for nothing."""

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        return []

    def next_deadline(self) -> int | None:
        """The time in ns at which ``timer`` is due next; None when nothing is pending."""
        return None
