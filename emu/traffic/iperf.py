"""iperf3 at one end of a stream, with the arrivals that iperf3 does not report.

The client is bound to the address that its host prefers when the flow starts and keeps it through
handovers. Data flows from client to server, or with ``reverse`` from server to client (so that a
stream to a mobile node needs nobody to know the node's address). Config:

    node, flow          names, for the event log
    role                "server" or "client"
    port                the server's port; one port a flow
    protocol            "tcp" or "udp"
    json                path of iperf3's own report
    arrivals            path of the (sequence, sent_ns, received_ns) rows at the end that receives,
                        None at the other
    events              path of the event log
  client only:
    remote              the server's address
    address             optional: the source address (default: the one preferred at start_ns)
    rate                bit/s; None: as fast as TCP goes (UDP: iperf3's default of 1 Mbit/s)
    packet              bytes of UDP payload; not for TCP
    reverse             optional, default false
    start_ns, stop_ns   CLOCK_MONOTONIC
    linger_ns           optional, default 2 s: when to end an iperf3 that does not end by itself
"""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from agents.roles.daemon import EventLog
from emu.traffic.address import wait_for_preferred
from emu.traffic.flow_capture import FlowCapture
from emu.traffic.process import prepare, run_until, wait_until

_DEFAULT_LINGER_NS = 2_000_000_000
_INTERVAL_S = "0.1"
UDP_PAYLOAD = 1200
"""Bytes of an iperf3 datagram, unless asked for: fits a 1500-byte link within two tunnels."""
_RETRY_NS = 100_000_000
_UNANSWERED = b"unable to connect to server"


def server_command(config: dict[str, Any]) -> list[str]:
    """The command line of the server: it serves one test and ends."""
    return ["iperf3", "-s", "-6", "-1", "-J", "-i", _INTERVAL_S, "-p", str(config["port"])]


def client_command(config: dict[str, Any], address: str, seconds: int) -> list[str]:
    """The command line of the client."""
    command = ["iperf3", "-6", "-J", "-i", _INTERVAL_S, "-p", str(config["port"])]
    command += ["-c", config["remote"], "-B", address, "-t", str(seconds)]
    if config["protocol"] == "udp":
        command += ["-u", "-l", str(config["packet"])]
    if config.get("rate"):
        command += ["-b", str(config["rate"])]
    if config.get("reverse"):
        command += ["-R"]
    return command


def main(config: dict[str, Any]) -> None:
    """Run one end of the stream."""
    prepare()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
    Path(config["json"]).parent.mkdir(parents=True, exist_ok=True)
    events = EventLog(config["events"], config["node"])
    address = None
    if config["role"] == "client":
        if wait_until(config["start_ns"]) == signal.SIGTERM:
            return
        address = _address(config, events)
        if address is None:
            return
    capture = None
    if config.get("arrivals"):
        capture = FlowCapture(config["protocol"], config["port"], config["arrivals"])
        capture.start()
    if address is None:
        status = _run(server_command(config), config["json"], None)
    else:
        status = _load(config, address)
    if capture is not None:
        capture.stop()
    events.write("flow_stopped", flow=config["flow"], status=status)


def _address(config: dict[str, Any], events: EventLog) -> str | None:
    """The client's address for the whole flow."""
    flow = config["flow"]
    address = config.get("address") or wait_for_preferred(config["remote"], config["stop_ns"])
    if address is None:
        events.write("flow_failed", flow=flow, reason="no usable source address")
    else:
        events.write("flow_started", flow=flow, local=address, remote=config["remote"])
    return address


def _load(config: dict[str, Any], address: str) -> int:
    """Be the client, trying again while the server does not answer yet; iperf3's exit status."""
    stop = config["stop_ns"]
    deadline = stop + config.get("linger_ns", _DEFAULT_LINGER_NS)
    while True:
        seconds = max(1, round((stop - time.monotonic_ns()) / 1e9))
        status = _run(client_command(config, address, seconds), config["json"], deadline)
        now = time.monotonic_ns()
        if now >= stop or _UNANSWERED not in Path(config["json"]).read_bytes():
            return status
        if wait_until(now + _RETRY_NS) == signal.SIGTERM:
            return status


def _run(command: list[str], report: str, deadline: int | None) -> int:
    """Run iperf3 until it ends, the deadline passes or SIGTERM comes; its exit status."""
    with open(report, "wb") as output:
        return run_until(deadline, command, stdout=output, stderr=subprocess.DEVNULL)
