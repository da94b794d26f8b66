"""What the toolkit's own kinds of traffic do in a run: their processes, and their flows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from emu.running import application_path
from emu.scenario.events import Join, Leave
from emu.scenario.model import LISTENERS
from emu.scenario.traffic import I3Flow, Iperf3Flow, MulticastFlow, PingFlow, ProgramFlow
from emu.traffic.iperf import UDP_PAYLOAD
from emu.traffic.plan import SECOND, STRAGGLERS_NS, Entry, Planner

FIRST_IPERF_PORT = 5201


def multicast(run: Planner, entry: Entry[MulticastFlow]) -> None:
    """A source, and a listener for each time that somebody listens."""
    name, flow = entry.name, entry.flow
    channel = run.scenario.channels[flow.channel]
    source = channel.source
    interval = channel.packet * 8 * SECOND // channel.rate
    stream: dict[str, Any] = {
        "flow_id": entry.flow_id,
        "group": str(channel.group),
        "port": channel.port,
    }
    sent = f"sent/{name}@{source}.bin"
    run.job(
        name, source, "emu.traffic.source", **stream, flow=name, sent=sent, packet=channel.packet,
        interval_ns=interval, interface=run.interface(source),
        start_ns=run.first_packet(entry, interval), stop_ns=run.t0_ns + entry.stop,
        address=run.channel_address(source)
        if source in run.scenario.nodes_of("mn") else None,
    )  # fmt: skip
    for node in run.scenario.nodes_of(*LISTENERS):
        file, title = f"{name}.{node}", f"{name}→{node}"
        arrivals = f"arrivals/{file}@{node}.bin"
        selective = run.scenario.is_selective(flow, node)
        spans = list(_listening(run, entry.number, flow, node, entry.stop))
        for count, (joins, leaves) in enumerate(spans):
            run.job(
                file if not count else f"{file}.{count + 1}", node, "emu.traffic.listener",
                **stream, flow=title, arrivals=arrivals, interface=run.interface(node),
                source=run.channel_address(source) if selective else None,
                start_ns=run.t0_ns + joins, stop_ns=run.t0_ns + leaves,
                linger_ns=STRAGGLERS_NS if leaves >= entry.stop else 0,
            )  # fmt: skip
        if spans:
            run.flow(
                title, file, (spans[0][0], spans[-1][1]), kind="multicast", to=node,
                **{"from": source}, group=str(channel.group), interval_ns=interval,
                arrivals=arrivals, sent=sent,
            )  # fmt: skip


def _listening(
    run: Planner, number: int, flow: MulticastFlow, node: str, stop: int
) -> Iterator[tuple[int, int]]:
    """When a node listens to a flow: from ``to``, and from join and leave events."""
    joined = flow.start if node in flow.to else None
    carriers = [
        at
        for at, other in enumerate(run.scenario.traffic)
        if isinstance(other, MulticastFlow) and other.channel == flow.channel
    ]
    for event in run.scenario.timeline if carriers[0] == number else ():
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


def ping(run: Planner, entry: Entry[PingFlow]) -> None:
    """Echo requests of one end, which the kernel of the other one answers."""
    name, flow = entry.name, entry.flow
    node, remote = run.mobile_first(flow.from_, flow.to)
    files: dict[str, Any] = {
        "arrivals": f"arrivals/{name}@{node}.bin",
        "sent": f"sent/{name}@{node}.bin",
    }
    run.job(
        name, node, "emu.traffic.ping", flow=name, flow_id=entry.flow_id,
        remote=run.address(remote), interval_ns=flow.interval, linger_ns=STRAGGLERS_NS, **files,
        start_ns=run.first_packet(entry, flow.interval), stop_ns=run.t0_ns + entry.stop,
    )  # fmt: skip
    run.flow(
        name, name, entry.times, kind="ping", to=flow.to, **{"from": flow.from_},
        interval_ns=flow.interval, number=entry.flow_id, **files,
    )  # fmt: skip


def i3(run: Planner, entry: Entry[I3Flow]) -> None:
    """A source, and receivers that join in turn, at the clients of their nodes."""
    name, flow = entry.name, entry.flow
    sent = f"sent/{name}@{flow.from_}.bin"
    times: dict[str, Any] = {"stop_ns": run.t0_ns + entry.stop, "linger_ns": STRAGGLERS_NS}
    run.job(
        name, flow.from_, "emu.traffic.i3_source", **times, flow=name, flow_id=entry.flow_id,
        sent=sent, packet=flow.packet, interval_ns=flow.interval,
        application=str(application_path(flow.from_)),
        start_ns=run.first_packet(entry, flow.interval),
    )  # fmt: skip
    for place, node in enumerate(flow.to):
        file, title = f"{name}.{node}", f"{name}→{node}"
        arrivals = f"arrivals/{file}@{node}.bin"
        joins = entry.start + place * flow.join_interval
        run.job(
            file, node, "emu.traffic.i3_receiver", **times, flow=title, flow_id=entry.flow_id,
            arrivals=arrivals, application=str(application_path(node)), start_ns=run.t0_ns + joins,
        )  # fmt: skip
        run.flow(
            title, file, (joins, entry.stop), kind="i3", to=node, **{"from": flow.from_},
            interval_ns=flow.interval, arrivals=arrivals, sent=sent,
        )  # fmt: skip


def program(run: Planner, entry: Entry[ProgramFlow]) -> None:
    """A program of the machine's own; nothing is measured of it."""
    name, flow = entry.name, entry.flow
    run.job(
        name, flow.node, "emu.traffic.program", ends=False, flow=name, command=list(flow.command),
        folder=str(run.directory / "programs"),
        start_ns=run.t0_ns + entry.start, stop_ns=run.t0_ns + entry.stop,
    )  # fmt: skip


def iperf3(run: Planner, entry: Entry[Iperf3Flow]) -> None:
    """An iperf3 server at one end, and its client at the other."""
    name, flow = entry.name, entry.flow
    client, server = run.mobile_first(flow.from_, flow.to)
    reverse = client != flow.from_
    arrivals = f"arrivals/{name}@{flow.to}.bin"
    reports = [f"iperf/{name}.json", f"iperf/{name}.server.json"]
    sender, receiver = reversed(reports) if reverse else reports
    common = {"flow": name, "port": FIRST_IPERF_PORT + entry.number, "protocol": flow.protocol}
    start, interval, packet = run.t0_ns + entry.start, None, flow.packet or UDP_PAYLOAD
    if flow.protocol == "udp" and flow.rate:
        interval = packet * 8 * SECOND // flow.rate
        start = run.first_packet(entry, interval)
    run.job(
        name, server, "emu.traffic.iperf", ends=False, **common, role="server", json=reports[1],
        arrivals=None if reverse else arrivals,
    )  # fmt: skip
    run.job(
        name, client, "emu.traffic.iperf", ends=False, **common, role="client", json=reports[0],
        arrivals=arrivals if reverse else None, remote=run.address(server), rate=flow.rate,
        packet=packet, reverse=reverse, start_ns=start, stop_ns=run.t0_ns + entry.stop,
    )  # fmt: skip
    run.flow(
        name, name, entry.times, kind="iperf3", protocol=flow.protocol, to=flow.to,
        **{"from": flow.from_}, arrivals=arrivals, sender_report=sender,
        receiver_report=receiver, number=common["port"], interval_ns=interval, packet=packet,
    )  # fmt: skip
