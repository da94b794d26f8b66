"""What a kind of service brings: what it needs, its processes, and what the record says of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from emu.measure.run import Run
from emu.requirements import Program
from emu.scenario.model import Scenario
from emu.scenario.services import Service
from emu.traffic.plan import Job

AnyOf = TypeVar("AnyOf", bound=Service)

Metric = tuple[str, "float | None"]
"""A name and a value; None: it could not be measured."""


@dataclass(frozen=True)
class Place:
    """The run that services are part of."""

    scenario: Scenario
    seed: int
    directory: Path
    """Of the run's files."""
    scratch: Path
    """For files that end with the run."""
    address: Callable[[str], str]
    """The address of a host; of a mobile node, once it is attached, the first that it had."""

    def job(
        self, service: str, node: str, target: str, until_ns: int | None = None, **config: Any
    ) -> Job:
        """A process ``<service>@<node>``: the ``main`` of the module ``target``.

        Its configuration is ``config``, and ``service``, ``node`` and ``events``, the event log. It
        may end by itself from ``until_ns`` on (CLOCK_MONOTONIC), with None whenever it likes.
        """
        common = {"service": service, "node": node, "events": str(self.directory / "events.jsonl")}
        return Job(f"{service}@{node}", node, target, {**common, **config}, until_ns or 0)


class Kind(Generic[AnyOf]):
    """A service of one kind, by its name in the scenario."""

    programs: tuple[Program, ...] = ()
    """What must be installed."""

    def __init__(self, name: str, service: AnyOf) -> None:
        self.name = name
        self.service = service

    def prepare(self, tell: Callable[[str], None]) -> None:
        """Make what takes long and outlives the run, before the network is built.

        ``tell`` says what is being done. ServiceFailed if it cannot be made.
        """

    def servers(self, place: Place) -> Iterator[Job]:
        """The processes that run from before the first mobile node comes to the end of the run.

        Each logs an event ``service_ready``, with its ``service``, when it serves.
        """
        yield from ()

    def clients(self, place: Place, t0_ns: int) -> Iterator[Job]:
        """The processes that are started with the traffic; the scenario's time is 0 at ``t0``."""
        yield from ()

    def result(self, run: Run) -> dict[str, Any]:
        """What the record says of it, beside its ``service`` and ``kind``."""
        return {}

    @staticmethod
    def metrics(result: dict[str, Any]) -> Iterator[Metric]:
        """What of a result goes into the statistics over runs."""
        yield from ()


class ServiceFailed(RuntimeError):
    """A service could not be prepared; the text says which, and why."""
