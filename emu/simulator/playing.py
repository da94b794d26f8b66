"""Plays the movements of a schedule in a domain, of whichever mobility scheme it is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from agents.core import SECOND
from agents.mobility.context import Records
from emu.simulator.engine import Engine
from emu.simulator.network import Quality

if TYPE_CHECKING:
    from emu.simulator.schedule import Schedule, Step

SETTLE = 150 * SECOND
"""Longer than all that may still be under way takes: the detachment delay, two back-offs of 32 s
that follow each other, and the time for which ended sessions are remembered."""
_SILENCE = Quality(delay=0, loss=1.0)


class Moving(Protocol):
    """A domain, and mobile nodes that move between its access routers; these count from 1."""

    engine: Engine
    where: dict[str, int]
    """At which access router each mobile node is."""

    def change_quality(self, quality: Quality) -> None:
        """Of the network between the routers."""

    def attach(self, mn: str, number: int) -> None:
        """The mobile node comes up at an access router, which gets a Link_Up trigger."""

    def detach(self, mn: str) -> int | None:
        """The mobile node goes; the number of the router that it was at, if any."""

    def link_down(self, mn: str, number: int) -> None:
        """Give an access router the Link_Down trigger."""

    def report(self, mn: str, number: int, records: Records) -> None:
        """The mobile node reports what it listens to."""


@runtime_checkable
class Announcing(Protocol):
    """A domain whose access routers may be told of a handover before it."""

    def announce(self, mn: str, to: int) -> None:
        """The mobile node says that it is going to an access router."""


def play(schedule: Schedule, domain: Moving, soft: int = 0) -> None:
    """Run it, and then ``soft`` ns longer than anything takes that is under way."""
    for step in schedule.steps:
        domain.engine.at(step.time, lambda step=step: _take(domain, step))
        if step.announced and isinstance(domain, Announcing):
            announce = partial(domain.announce, step.mn, step.announced_mar)
            domain.engine.at(step.time - step.announced, announce)
    outage_start, outage_end = schedule.outage
    domain.engine.at(outage_start, lambda: domain.change_quality(_SILENCE))
    domain.engine.at(outage_end, lambda: domain.change_quality(schedule.config.quality))
    restarts = [crash.time + crash.down for crash in schedule.crashes]
    end = max(schedule.steps[-1].time, outage_end, *restarts) + 2 * SECOND
    domain.engine.run(end)
    domain.change_quality(Quality(schedule.config.quality.delay))
    domain.engine.run(end + soft + SETTLE)


def _take(domain: Moving, step: Step) -> None:
    """Carry out one movement, and the triggers that go with it."""
    left = domain.detach(step.mn)
    if left is not None:
        number = left
        if step.trigger_delay:
            domain.engine.after(step.trigger_delay, lambda: _trigger_down(domain, step.mn, number))
        else:
            domain.link_down(step.mn, number)
    if step.mar:
        domain.attach(step.mn, step.mar)
        domain.engine.after(
            step.report_delay, lambda: domain.report(step.mn, step.mar, step.records)
        )


def _trigger_down(domain: Moving, mn: str, number: int) -> None:
    # A node that is back by then was up all the time, as far as this access point can tell.
    if domain.where.get(mn) != number:
        domain.link_down(mn, number)
