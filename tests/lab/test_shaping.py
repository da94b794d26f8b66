"""Links have the qualities that they were given, with every backend that the kernel has."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import time
from statistics import median, quantiles

import pytest

from agents.kernel.capabilities import probe
from emu.network.build import Backends, Network, build
from emu.network.namespace import entered
from emu.network.shaping import DelayBackend
from emu.radio.client import Radio
from emu.sandbox import RUN_DIRECTORY
from tests.lab.sandboxed import backends, in_sandbox
from tests.patience import PATIENCE_S, eventually
from topologies.parameters import EndNode, Parameters, Quality

MS = 1_000_000
SO_RCVBUFFORCE = 33
DELAY_BACKENDS: list[DelayBackend] = ["netem", "delay-line"] if probe().netem else ["delay-line"]

pytestmark = [
    pytest.mark.root,
    pytest.mark.quiet,
    pytest.mark.parametrize("delay", DELAY_BACKENDS),
]


def network(delay: DelayBackend, parameters: Parameters, **nodes: EndNode) -> Network:
    return build("dmm-domain", parameters, nodes, Backends(backends().switch, delay), seed=3)


def round_trips(net: Network, source: str, destination: str, count: int) -> list[float]:
    """Milliseconds of each that came back."""
    ping = f"ping -c {count} -i 0.002 -W 5 {net.address(destination)}"
    return [float(rtt) for rtt in re.findall(r"time=([\d.]+)", net.node(source).cmd(ping))]


@in_sandbox
def test_delay_and_jitter(delay: DelayBackend) -> None:
    qualities = {"cmd": Quality(20 * MS), "core": Quality(30 * MS, jitter_ns=10 * MS)}
    net = network(delay, Parameters(mars=2, backhaul=Quality(8 * MS), **qualities))

    def steady() -> bool:
        assert min(round_trips(net, "mar1", "mar2", 20)) >= 16
        times = round_trips(net, "mar1", "cmd", 100)
        assert min(times) >= 40
        return median(times) < 60

    def shaky() -> bool:
        times = round_trips(net, "mar1", "mr2", 200)
        assert min(times) >= 40
        tenths = quantiles(times, n=10)
        assert tenths[8] > 63  # a tenth above 67
        return tenths[0] < 57  # a tenth below 53 if nothing else delays

    # A machine that stops for a moment adds to what it delays, but not every time.
    eventually(steady)
    eventually(shaky)


@in_sandbox
def test_loss(delay: DelayBackend) -> None:
    """Each direction loses packets with probability 0.2: 640 ± 15 of 1000 come back."""
    net = network(delay, Parameters(mars=2, backhaul=Quality(loss=0.2)))
    assert 550 < len(round_trips(net, "mar1", "mar2", 1000)) < 730
    assert len(round_trips(net, "mar1", "cmd", 200)) == 200


@in_sandbox
def test_no_loss_unless_asked_for(delay: DelayBackend) -> None:
    """Nothing on its way is dropped, however long the way and dense the packets."""
    net = network(delay, Parameters(mars=2, backhaul=Quality(100 * MS)))
    with entered(net.namespace("mar2")):
        listening = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        listening.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 16 << 20)
        listening.bind(("::", 5001))
        listening.settimeout(PATIENCE_S)
    with entered(net.namespace("mar1")):
        sending = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    sent = set(range(3000))
    for number in sent:
        sending.sendto(number.to_bytes(4, "big"), (str(net.address("mar2")), 5001))
    received = {int.from_bytes(listening.recv(64), "big") for _ in sent}
    assert received == sent


@in_sandbox
def test_what_a_delay_line_did_is_known(delay: DelayBackend) -> None:
    net = network(delay, Parameters(mars=1, cmd=Quality(1 * MS, loss=0.5)))
    came_back = len(round_trips(net, "mar1", "cmd", 200))
    net.check()
    statistics = {(line.sender, line.receiver): line for line in net.stop_delay_line().directions}
    if delay == "netem":
        assert statistics == {}
        return
    there, back = statistics["mar1-cmd", "cmd-mar1"], statistics["cmd-mar1", "mar1-cmd"]
    assert back.forwarded >= came_back
    assert there.forwarded + there.lost >= 200
    assert there.lost > 0
    assert there.dropped == 0
    assert there.late_max_ns > 0


@in_sandbox
def test_lateness_can_begin_to_count_anew(delay: DelayBackend) -> None:
    """Packets that a line which stood still for a second has kept are late; kernels go on sending
    some of their own, which are not, or not so late."""
    net = network(delay, Parameters(mars=1, cmd=Quality(1 * MS)))
    line = net._shaper._process
    if line is None:
        assert delay == "netem"
        return
    line.send_signal(signal.SIGSTOP)
    ping = net.node("mar1").popen(f"ping -c 1 -W 5 {net.address('cmd')}")
    time.sleep(1)
    line.send_signal(signal.SIGCONT)
    assert ping.wait(PATIENCE_S) == 0
    net.forget_lateness()
    late = [direction.late_max_ns for direction in net.stop_delay_line().directions]
    assert late
    assert max(late) < 800 * MS


@in_sandbox
def test_a_broken_delay_line_is_an_error(delay: DelayBackend) -> None:
    net = network(delay, Parameters(mars=1, cmd=Quality(1 * MS)))
    lines = subprocess.run(["ip", "netns", "pids", "line"], capture_output=True, encoding="utf-8")
    assert bool(lines.stdout) == (delay == "delay-line")
    for pid in lines.stdout.split():
        os.kill(int(pid), signal.SIGKILL)
        time.sleep(0.1)
        with pytest.raises(RuntimeError, match="delay line ended with status -9"):
            net.check()


@pytest.mark.parametrize(
    ("access_delay", "down", "up"),
    [
        (0, 20_000_000, 20_000_000),
        (5 * MS, 20_000_000, 20_000_000),
        (5 * MS, 20_000_000, 8_000_000),
    ],
)
@in_sandbox
def test_rate(delay: DelayBackend, access_delay: int, down: int, up: int) -> None:
    """Twice the access rate is offered in each direction; the rate is what arrives."""

    async def run() -> None:
        radio = Radio.launch(RUN_DIRECTORY / "radio.log")
        ways = (Quality(access_delay, rate_bps=down), Quality(access_delay, rate_bps=up))
        net = network(delay, Parameters(mars=1, radios={"mar1": ways}), mn1=EndNode("mn", "off"))
        await radio.connect(net)
        await radio.attach("mn1", "mar1")
        net.node("mar1").cmd("ip address add 2001:db8:1:1::1/64 dev mar1-radio nodad")
        net.node("mn1").cmd("ip address add 2001:db8:1:1::2/64 dev mn1-radio nodad")
        server = net.node("mar1").popen("iperf3 --server")
        eventually(lambda: "5201" in net.node("mar1").cmd("ss -Hltn"))
        for reverse, rate in (("", up), ("--reverse", down)):
            client = (
                f"iperf3 --client 2001:db8:1:1::1 --udp --bitrate 40M --time 2 --json {reverse}"
            )
            received = json.loads(net.node("mn1").cmd(client))["end"]["sum_received"]
            goodput = received["bits_per_second"]
            assert 0.6 * rate < goodput < 1.05 * rate, (reverse, goodput)
        server.kill()
        await radio.close()

    asyncio.run(run())
