"""Links have the qualities that they were given, with every backend that the kernel has."""

from __future__ import annotations

import asyncio
import json
import re
import statistics
import time

import pytest

from agents.kernel.capabilities import probe
from emu.network.build import Backends, Network, build
from emu.network.shaping import DelayBackend
from emu.radio.client import Radio
from emu.sandbox import RUN_DIRECTORY
from tests.lab.sandboxed import backends, in_sandbox
from topologies.parameters import EndNode, Parameters, Quality

MS = 1_000_000
DELAY_BACKENDS: list[DelayBackend] = ["netem", "delay-line"] if probe().netem else ["delay-line"]

pytestmark = [pytest.mark.root, pytest.mark.parametrize("delay", DELAY_BACKENDS)]


def network(delay: DelayBackend, parameters: Parameters, **nodes: EndNode) -> Network:
    return build("dmm-domain", parameters, nodes, Backends(backends().switch, delay), seed=3)


def round_trips(net: Network, source: str, destination: str, count: int) -> list[float]:
    """Milliseconds of each that came back."""
    ping = f"ping -c {count} -i 0.005 -W 2 {net.address(destination)}"
    return [float(rtt) for rtt in re.findall(r"time=([\d.]+)", net.node(source).cmd(ping))]


@in_sandbox
def test_delay_and_jitter(delay: DelayBackend) -> None:
    qualities = {"cmd": Quality(20 * MS), "core": Quality(30 * MS, jitter_ns=10 * MS)}
    net = network(delay, Parameters(mars=2, backhaul=Quality(8 * MS), **qualities))
    assert min(round_trips(net, "mar1", "mar2", 20)) >= 16
    steady = round_trips(net, "mar1", "cmd", 100)
    assert min(steady) >= 40
    assert statistics.median(steady) < 60
    shaky = round_trips(net, "mar1", "mr2", 200)
    assert min(shaky) >= 40
    assert statistics.quantiles(shaky, n=10)[0] < 57  # a tenth below 53 if nothing else delays
    assert statistics.quantiles(shaky, n=10)[8] > 63  # a tenth above 67


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
    ping = f"ping -f -c 2000 -i 0.001 -q -W 2 {net.address('mar2')}"
    assert "2000 received" in net.node("mar1").cmd(ping)


@pytest.mark.parametrize("access_delay", [0, 5 * MS])
@in_sandbox
def test_rate(delay: DelayBackend, access_delay: int) -> None:
    """Twice the access rate is offered in each direction; the rate is what arrives."""

    async def run() -> None:
        radio = Radio.launch(RUN_DIRECTORY / "radio.log")
        access = Quality(access_delay, rate_bps=20_000_000)
        net = network(delay, Parameters(mars=1, access=access), mn1=EndNode("mn", "off"))
        await radio.connect(net)
        await radio.attach("mn1", "mar1")
        net.node("mar1").cmd("ip address add 2001:db8:1:1::1/64 dev mar1-radio nodad")
        net.node("mn1").cmd("ip address add 2001:db8:1:1::2/64 dev mn1-radio nodad")
        server = net.node("mar1").popen("iperf3 --server")
        time.sleep(0.5)
        for reverse in ("", "--reverse"):
            client = (
                f"iperf3 --client 2001:db8:1:1::1 --udp --bitrate 40M --time 2 --json {reverse}"
            )
            received = json.loads(net.node("mn1").cmd(client))["end"]["sum_received"]
            goodput = received["bits_per_second"]
            assert 12_000_000 < goodput < 21_000_000, (reverse, goodput)
        server.kill()
        await radio.close()

    asyncio.run(run())
