"""From a scenario to the processes that make its traffic and the flows that the record describes.

A flow is one stream to one receiver: a channel with two listeners is two flows, "C1→mn1" and
"C1→mn2", from one source process. Its description goes into a run's ``meta.json``:

    flow          its name in the record
    file          its name in file names
    kind          multicast, ping or iperf3; with ``protocol`` (tcp or udp) for the last
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emu.running import application_path
from emu.scenario.events import Join, Leave
from emu.scenario.model import LISTENERS, Scenario
from emu.scenario.traffic import I3Flow, Iperf3Flow, MulticastFlow, PingFlow, ProgramFlow
from emu.traffic.iperf import UDP_PAYLOAD

SECOND = 1_000_000_000
FIRST_IPERF_PORT = 5201
LEAD_NS = 300_000_000
"""From starting the traffic processes to the first packet."""
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
        self._scenario = scenario
        self._seed = seed
        self._t0 = t0_ns
        self._directory = directory
        self._address = address
        self._channel_address = channel_address
        self._interface = interface
        self.plan = Plan()

    def run(self) -> Plan:
        """Plan every entry of the scenario's traffic."""
        names = self._scenario.flow_names
        for number, (name, flow) in enumerate(zip(names, self._scenario.traffic, strict=True)):
            times = (flow.start, self._scenario.duration if flow.stop is None else flow.stop)
            if isinstance(flow, MulticastFlow):
                self._multicast(number, name, flow, times)
            elif isinstance(flow, PingFlow):
                self._ping(number, name, flow, times)
            elif isinstance(flow, ProgramFlow):
                self._program(name, flow, times)
            elif isinstance(flow, I3Flow):
                self._i3(number, name, flow, times)
            else:
                self._iperf(number, name, flow, times)
        return self.plan

    def _job(self, name: str, node: str, target: str, **config: Any) -> None:
        common = {"node": node, "events": str(self._directory / "events.jsonl")}
        paths = {
            key: str(self._directory / config[key])
            for key in ("arrivals", "sent", "json")
            if config.get(key)
        }
        self.plan.jobs.append(
            Job(
                name=f"{name}@{node}",
                node=node,
                target=f"emu.traffic.{target}",
                config={**common, **config, **paths},
                until_ns=_until(target, config),
            )
        )

    def _flow(self, name: str, file: str, times: tuple[int, int], **what: Any) -> None:
        empty = {"protocol": None, "interval_ns": None, "sent": None, "number": None}
        empty |= {"sender_report": None, "receiver_report": None}
        start, stop = times
        span = {"start_ns": self._t0 + start, "stop_ns": self._t0 + stop}
        self.plan.flows.append({"flow": name, "file": file, **empty, **span, **what})

    def _first_packet(self, name: str, times: tuple[int, int], interval: int) -> int:
        """When a stream's first packet leaves: at random within the first interval."""
        start, stop = times
        phase = random.Random(f"{self._seed} {name}").randrange(min(interval, stop - start))
        return self._t0 + start + phase

    def _multicast(
        self, number: int, name: str, flow: MulticastFlow, times: tuple[int, int]
    ) -> None:
        channel = self._scenario.channels[flow.channel]
        source = channel.source
        interval = channel.packet * 8 * SECOND // channel.rate
        stream = {"flow_id": number + 1, "group": str(channel.group), "port": channel.port}
        stop = times[1]
        sent = f"sent/{name}@{source}.bin"
        self._job(
            name, source, "source", **stream, flow=name, sent=sent, packet=channel.packet,
            interval_ns=interval, interface=self._interface(source),
            start_ns=self._first_packet(name, times, interval), stop_ns=self._t0 + stop,
            address=self._channel_address(source)
            if source in self._scenario.nodes_of("mn") else None,
        )  # fmt: skip
        for node in self._scenario.nodes_of(*LISTENERS):
            file, title = f"{name}.{node}", f"{name}→{node}"
            arrivals = f"arrivals/{file}@{node}.bin"
            selective = self._scenario.is_selective(flow, node)
            spans = list(self._listening(number, flow, node, stop))
            for count, (joins, leaves) in enumerate(spans):
                self._job(
                    file if not count else f"{file}.{count + 1}", node, "listener", **stream,
                    flow=title, arrivals=arrivals, interface=self._interface(node),
                    source=self._channel_address(source) if selective else None,
                    start_ns=self._t0 + joins, stop_ns=self._t0 + leaves,
                    linger_ns=STRAGGLERS_NS if leaves >= stop else 0,
                )  # fmt: skip
            if spans:
                self._flow(
                    title, file, (spans[0][0], spans[-1][1]), kind="multicast", to=node,
                    **{"from": source}, group=str(channel.group), interval_ns=interval,
                    arrivals=arrivals, sent=sent,
                )  # fmt: skip

    def _listening(
        self, number: int, flow: MulticastFlow, node: str, stop: int
    ) -> Iterator[tuple[int, int]]:
        """When a node listens to a flow: from ``to``, and from join and leave events."""
        joined = flow.start if node in flow.to else None
        carriers = [
            at
            for at, other in enumerate(self._scenario.traffic)
            if isinstance(other, MulticastFlow) and other.channel == flow.channel
        ]
        for event in self._scenario.timeline if carriers[0] == number else ():
            if not isinstance(event, (Join, Leave)) or event.node != node:
                continue
            if event.channel != flow.channel:
                continue
            if isinstance(event, Join) and joined is None:
                joined = event.at
            elif isinstance(event, Leave) and joined is not None:
                yield joined, event.at
                joined = None
        if joined is not None:
            yield joined, max(stop, joined)

    def _mobile_first(self, flow: PingFlow | Iperf3Flow) -> tuple[str, str]:
        """The ends, the mobile node first: only it knows which address it has."""
        if flow.to in self._scenario.nodes_of("mn") and (
            flow.from_ not in self._scenario.nodes_of("mn")
        ):
            return flow.to, flow.from_
        return flow.from_, flow.to

    def _ping(self, number: int, name: str, flow: PingFlow, times: tuple[int, int]) -> None:
        node, remote = self._mobile_first(flow)
        files = {"arrivals": f"arrivals/{name}@{node}.bin", "sent": f"sent/{name}@{node}.bin"}
        self._job(
            name, node, "ping", flow=name, flow_id=number + 1, remote=self._address(remote),
            interval_ns=flow.interval, linger_ns=STRAGGLERS_NS, **files,
            start_ns=self._first_packet(name, times, flow.interval), stop_ns=self._t0 + times[1],
        )  # fmt: skip
        self._flow(
            name, name, times, kind="ping", to=flow.to, **{"from": flow.from_},
            interval_ns=flow.interval, number=number + 1, **files,
        )  # fmt: skip

    def _i3(self, number: int, name: str, flow: I3Flow, times: tuple[int, int]) -> None:
        sent = f"sent/{name}@{flow.from_}.bin"
        common = {"flow_id": number + 1, "stop_ns": self._t0 + times[1], "linger_ns": STRAGGLERS_NS}
        self._job(
            name, flow.from_, "i3_source", **common, flow=name, sent=sent, packet=flow.packet,
            interval_ns=flow.interval, application=str(application_path(flow.from_)),
            start_ns=self._first_packet(name, times, flow.interval),
        )  # fmt: skip
        for place, node in enumerate(flow.to):
            file, title = f"{name}.{node}", f"{name}→{node}"
            arrivals = f"arrivals/{file}@{node}.bin"
            joins = times[0] + place * flow.join_interval
            self._job(
                file, node, "i3_receiver", **common, flow=title, arrivals=arrivals,
                application=str(application_path(node)), start_ns=self._t0 + joins,
            )  # fmt: skip
            self._flow(
                title, file, (joins, times[1]), kind="i3", to=node, **{"from": flow.from_},
                interval_ns=flow.interval, arrivals=arrivals, sent=sent,
            )  # fmt: skip

    def _program(self, name: str, flow: ProgramFlow, times: tuple[int, int]) -> None:
        self._job(
            name, flow.node, "program", flow=name, command=list(flow.command),
            folder=str(self._directory / "programs"),
            start_ns=self._t0 + times[0], stop_ns=self._t0 + times[1],
        )  # fmt: skip

    def _iperf(self, number: int, name: str, flow: Iperf3Flow, times: tuple[int, int]) -> None:
        client, server = self._mobile_first(flow)
        reverse = client != flow.from_
        arrivals = f"arrivals/{name}@{flow.to}.bin"
        reports = [f"iperf/{name}.json", f"iperf/{name}.server.json"]
        sender, receiver = reversed(reports) if reverse else reports
        common = {"flow": name, "port": FIRST_IPERF_PORT + number, "protocol": flow.protocol}
        start, interval, packet = self._t0 + times[0], None, flow.packet or UDP_PAYLOAD
        if flow.protocol == "udp" and flow.rate:
            interval = packet * 8 * SECOND // flow.rate
            start = self._first_packet(name, times, interval)
        self._job(
            name, server, "iperf", **common, role="server", json=reports[1],
            arrivals=None if reverse else arrivals,
        )  # fmt: skip
        self._job(
            name, client, "iperf", **common, role="client", json=reports[0],
            arrivals=arrivals if reverse else None, remote=self._address(server), rate=flow.rate,
            packet=packet, reverse=reverse, start_ns=start, stop_ns=self._t0 + times[1],
        )  # fmt: skip
        self._flow(
            name, name, times, kind="iperf3", protocol=flow.protocol, to=flow.to,
            **{"from": flow.from_}, arrivals=arrivals, sender_report=sender,
            receiver_report=receiver, number=common["port"], interval_ns=interval, packet=packet,
        )  # fmt: skip


def _until(target: str, config: dict[str, Any]) -> int:
    """A sender may end after its last packet; iperf3 and users' programs when they like."""
    if target in ("iperf", "program"):
        return 0
    return int(config["stop_ns"]) - int(config.get("interval_ns", 0))


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
