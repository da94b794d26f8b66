"""From a scenario to the processes that make its traffic and the flows that the record describes.

A flow is one stream to one receiver: a channel with two listeners is two flows, "C1→mn1" and
"C1→mn2", from one source process. Its description goes into a run's ``meta.json``:

    flow          its name in the record
    file          its name in file names
    kind          multicast, ping, i3 or iperf3; with ``protocol`` (tcp or udp) for the last; or
                  that of another package, with ``like``, one of these: its packets and files are
                  like those of such a flow
    from, to      the node that sends and the one that receives; a ping runs at a mobile node if
                  one of its ends is one, and so does the client of iperf3
    interval_ns   the nominal time between packets, None for TCP
    number        what its packets are known by: the port of iperf3, the flow number in a ping
    start_ns, stop_ns
    arrivals, sent, sender_report, receiver_report
                  paths of its files in the run's directory, None where there is none; the reports
                  are those of iperf3 at either end

A stream of packets begins at a random phase: its first packet leaves within the first interval, at
a time that follows from the seed and its name. Handovers and other streams, whose times are often
multiples of the interval, would else meet it at the same point of the interval every time.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

from emu.scenario.model import Scenario
from emu.scenario.traffic import Flow
from emu.scenario.traffic_kind import TRAFFIC

AFlow = TypeVar("AFlow", bound=Flow)
SECOND = 1_000_000_000
LEAD_NS, LEAD_OF_EACH_NS = 300_000_000, 40_000_000
"""From starting the traffic processes to the first packet: in any case, and more for each flow."""
LEAD_OF_EACH_SERVICE_NS = 400_000_000
"""Its client has a player to load, or a voice to make."""
STRAGGLERS_NS = SECOND // 2
"""How long a receiver stays after the last packet was sent."""


@dataclass(frozen=True)
class Job:
    """A process to fork in a node's network namespace: ``target`` is a module with a ``main``."""

    name: str
    node: str
    target: str
    config: dict[str, Any]
    until_ns: int
    """From when on it may end by itself (CLOCK_MONOTONIC)."""


@dataclass(frozen=True)
class Entry(Generic[AFlow]):
    """An entry of the scenario's traffic."""

    number: int
    """Its place, from 0."""
    name: str
    flow: AFlow
    start: int
    """ns from the scenario's start."""
    stop: int

    @property
    def flow_id(self) -> int:
        """The number in its packets."""
        return self.number + 1

    @property
    def times(self) -> tuple[int, int]:
        """From when to when."""
        return self.start, self.stop


@dataclass
class Plan:
    """The traffic of one run."""

    jobs: list[Job] = field(default_factory=list)
    flows: list[dict[str, Any]] = field(default_factory=list)


class Planner:
    """Plans one run; ``address`` tells a host's address, the others those of channels there."""

    def __init__(
        self,
        scenario: Scenario,
        seed: int,
        t0_ns: int,
        directory: Path,
        address: Callable[[str], str],
        channel_address: Callable[[str], str],
        interface: Callable[[str], str],
    ) -> None:
        self.scenario = scenario
        self._seed = seed
        self.t0_ns = t0_ns
        self.directory = directory
        self.address = address
        self.channel_address = channel_address
        self.interface = interface
        self.plan = Plan()

    def run(self) -> Plan:
        """Plan every entry of the scenario's traffic."""
        names = self.scenario.flow_names
        for number, (name, flow) in enumerate(zip(names, self.scenario.traffic, strict=True)):
            stop = self.scenario.duration if flow.stop is None else flow.stop
            entry = Entry(number, name, flow, flow.start, stop)
            TRAFFIC.find(flow.kind).load_plan()(self, entry)
        return self.plan

    def job(self, name: str, node: str, target: str, *, ends: bool = True, **config: Any) -> None:
        """A process at a node: the ``main`` of the module ``target``, told of ``config``.

        It is told of ``node``, and of ``events``, the event log, too. ``arrivals``, ``sent`` and
        ``json`` are files: paths in the run's folder. A sender ``ends`` after its last packet,
        before ``stop_ns``; other programs may when they like.
        """
        common = {"node": node, "events": str(self.directory / "events.jsonl")}
        paths = {
            key: str(self.directory / config[key])
            for key in ("arrivals", "sent", "json")
            if config.get(key)
        }
        self.plan.jobs.append(
            Job(
                name=f"{name}@{node}",
                node=node,
                target=target,
                config={**common, **config, **paths},
                until_ns=int(config["stop_ns"]) - int(config.get("interval_ns", 0)) if ends else 0,
            )
        )

    def flow(self, name: str, file: str, times: tuple[int, int], **what: Any) -> None:
        """A flow that is measured; its description begins with what it has not."""
        empty = {"protocol": None, "interval_ns": None, "sent": None, "number": None}
        empty |= {"sender_report": None, "receiver_report": None}
        start, stop = times
        span = {"start_ns": self.t0_ns + start, "stop_ns": self.t0_ns + stop}
        self.plan.flows.append({"flow": name, "file": file, **empty, **span, **what})

    def first_packet(self, entry: Entry[Any], interval: int) -> int:
        """When a stream's first packet leaves: at random within the first interval."""
        random_ns = random.Random(f"{self._seed} {entry.name}")
        phase = random_ns.randrange(min(interval, entry.stop - entry.start))
        return self.t0_ns + entry.start + phase

    def mobile_first(self, one: str, other: str) -> tuple[str, str]:
        """The ends of a flow, the mobile node first: only it knows which address it has."""
        mobile = self.scenario.nodes_of("mn")
        return (other, one) if other in mobile and one not in mobile else (one, other)


def plan(
    scenario: Scenario,
    seed: int,
    t0_ns: int,
    directory: Path,
    address: Callable[[str], str],
    channel_address: Callable[[str], str],
    interface: Callable[[str], str],
) -> Plan:
    """The processes and flows of one run that begins at ``t0_ns`` and keeps its files in a place.

    ``address`` gives the address of a source or server, ``channel_address`` and ``interface`` those
    by which a host sends to channels. iperf3 servers are jobs too and must be running before
    ``t0_ns``.
    """
    return Planner(scenario, seed, t0_ns, directory, address, channel_address, interface).run()
