"""Every topology: addresses as planned, everyone reaches everyone, along the paths of the plan."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from ipaddress import IPv6Address
from itertools import combinations
from typing import Any

import pytest

from agents.kernel.monitor import AddressChange, Change, Monitor
from agents.kernel.sockets import LinkSocket
from agents.wire import ipv6
from emu.network.build import Network, build
from emu.network.namespace import entered
from emu.radio.client import Radio
from emu.sandbox import RUN_DIRECTORY
from tests.lab.sandboxed import backends, in_sandbox
from tests.patience import PATIENCE_S, eventually
from topologies.parameters import Dad, EndNode, Parameters, Quality

pytestmark = pytest.mark.root

MS = 1_000_000
SOLICITATION = 135
"""Of a neighbour; from :: it is Duplicate Address Detection's (RFC 4862 section 5.4.2)."""
SLOW = Parameters(mars=4, backhaul=Quality(5 * MS), cmd=Quality(20 * MS), core=Quality(60 * MS))
ENDS = {"src": EndNode("source"), "srv": EndNode("server"), "mn1": EndNode("mn")}
PATHS = {
    "dmm-domain": ["mar1 ix mar2", "mar4 ix mar1", "ix mar3", "mar2 ix mar3"],
    "line": ["mar1 mar2", "mar1 mar2 mar3 mar4", "mar4 mar3 mar2", "mar3 mar2"],
    "both": [
        "mar1 cmd",
        "cmd mar4",
        "mar1 mr2",
        "mar2 mr3",
        "mar3 mr2 mr1",
        "mar4 mr3 mr1 mr2",
        "mar2 mr3 mr1 src",
        "src mr1 mr2 mar1",
        "src mr1 srv",
        "mr2 mr1 mr3",
    ],
}


@pytest.mark.parametrize("kind", ["dmm-domain", "line"])
@in_sandbox
def test_everyone_reaches_everyone_along_the_planned_paths(kind: str) -> None:
    network = build(kind, SLOW, ENDS, backends())
    fixed = [name for name, node in network.plan.items() if node.address is not None]
    assert len(fixed) == {"dmm-domain": 11, "line": 10}[kind]
    pings = {
        (a, b): network.node(a).popen(
            f"ping -c 5 -i 0.2 -w {PATIENCE_S} {network.address(b)}", encoding="utf-8"
        )
        for a, b in combinations(fixed, 2)
    }
    least_rtt = {}
    for pair, ping in pings.items():
        output, _ = ping.communicate()
        assert "5 received" in output, pair
        least_rtt[pair] = float(re.findall(r"= ([\d.]+)/", output)[0])
    # Ordered as the qualities of the links on the paths, none faster than light.
    least_ms = {"mr1 src": 0, "mar1 mar2": 10, "mar1 cmd": 40, "mar1 mr1": 120}
    measured = [least_rtt[ordered(fixed, pair)] for pair in least_ms]
    assert measured == sorted(measured)
    assert all(rtt >= least for rtt, least in zip(measured, least_ms.values(), strict=True))
    for path in PATHS[kind] + PATHS["both"]:
        *_, destination = names = path.split()
        assert walk(network, names[0], network.address(destination)) == names


@pytest.mark.parametrize("kind", ["dmm-domain", "line"])
@in_sandbox
def test_every_address_in_a_pool_leads_to_its_mar(kind: str) -> None:
    network = build(kind, SLOW, ENDS, backends())
    for mar in network.names("mar"):
        address = network.pool(mar)[0x1_0000_0000_0000_0000 + 5]
        for start in ("src", "cmd", "mr3", *network.names("mar")):
            assert walk(network, start, address)[-1] == mar


@in_sandbox
def test_addresses_are_as_documented() -> None:
    network = build("dmm-domain", SLOW, ENDS, backends())
    documented = {
        "mar1": "2001:db8:ffff::1:1",
        "mar4": "2001:db8:ffff::1:4",
        "mr1": "2001:db8:ffff::2:1",
        "mr3": "2001:db8:ffff::2:3",
        "cmd": "2001:db8:ffff::3:1",
        "ix": "2001:db8:ffff::4:1",
        "src": "2001:db8:5e00:1::2",
        "srv": "2001:db8:5e00:2::2",
    }
    for name, address in documented.items():
        assert str(network.address(name)) == address
        assert address in addresses(network, name)
    assert str(network.pool("mar4")) == "2001:db8:4::/48"
    for mar in network.names("mar"):
        access = links(network, mar)[f"{mar}-radio"]
        assert access["address"] == "00:00:5e:00:52:13"
        assert addresses(network, mar, f"{mar}-radio") == {f"fe80::5213:{mar[3:]}"}
    # What the plan says of every interface holds.
    for node in network.plan.values():
        for interface in node.interfaces if node.role != "radio" else ():
            assert links(network, node.name)[interface.name]["address"] == (
                interface.link_layer_address
            )
            if node.role != "mn":
                present = addresses(network, node.name, interface.name)
                planned = {str(interface.link_local)}
                if interface.lan is not None:
                    planned.add(str(interface.lan.ip))
                assert present == planned


@pytest.mark.parametrize("dad", ["normal", "optimistic", "off"])
@in_sandbox
def test_duplicate_address_detection_of_mobile_nodes(dad: Dad) -> None:
    """By what is told and sent from the start to the end: without detection, too, the kernel takes
    a moment until the address is the node's."""
    nodes = {"mn1": EndNode("mn", dad)}

    async def run() -> None:
        radio = Radio.launch(RUN_DIRECTORY / "radio.log")
        network = build("line", Parameters(mars=1), nodes, backends())
        await radio.connect(network)
        own = network.interface("mn1", "wireless").link_local
        with entered(network.namespace("mn1")):
            monitor, link = Monitor("mn1-radio"), LinkSocket("mn1-radio", outgoing=True)
        await radio.attach("mn1", "mar1")
        told = told_until_preferred(monitor, own)
        assert (AddressChange(own, "optimistic") in told) == (dad == "optimistic")
        sent = [ipv6.parse(frame.packet) for frame in iter(link.receive, None)]
        asked = [packet for packet in sent if packet.payload[0] == SOLICITATION]
        assert [str(packet.source) for packet in asked] == (["::"] if dad != "off" else [])
        await radio.close()

    asyncio.run(run())


@in_sandbox
def test_mininet_cli() -> None:
    script = RUN_DIRECTORY / "script"
    script.write_text("net\nmar1 ping -c 1 src\npingall\nexit\n", encoding="utf-8")
    program = (
        "from tests.lab.test_topologies import *; from mininet.cli import CLI;"
        "nodes = {'src': EndNode('source')};"
        "CLI(build('line', Parameters(2), nodes, backends()).net, script=sys.argv[1])"
    )
    command = [sys.executable, "-c", program, str(script)]
    done = subprocess.run(command, stderr=subprocess.PIPE, encoding="utf-8", check=True)
    assert "mar1-core:mr2-mar1" in done.stderr  # where Mininet prints
    assert "64 bytes from 2001:db8:5e00:1::2" in done.stderr
    assert "0% dropped (42/42 received)" in done.stderr


def told_until_preferred(monitor: Monitor, address: IPv6Address) -> list[Change]:
    """What a node's kernel tells until an address is its own."""
    told: list[Change] = []

    def is_preferred() -> bool:
        told.extend(monitor.read())
        return AddressChange(address, "preferred") in told

    eventually(is_preferred)
    return told


def ordered(names: list[str], pair: str) -> tuple[str, ...]:
    return tuple(sorted(pair.split(), key=names.index))


def walk(network: Network, start: str, destination: IPv6Address) -> list[str]:
    """The nodes that a packet passes, by asking each node's kernel for its next hop."""
    path = [start]
    while True:
        with entered(network.namespace(path[-1])):
            command = ["ip", "-json", "route", "get", str(destination)]
            asked = subprocess.run(command, capture_output=True, encoding="utf-8")
        if asked.returncode != 0:  # no route: the address is this node's to assign
            return path
        (route,) = json.loads(asked.stdout)
        if route["dev"] == "lo":
            return path
        peers = {interface.name: interface.peer for interface in network.interfaces(path[-1])}
        path.append(peers[route["dev"]])
        assert len(path) <= len(network.plan), path


def show(network: Network, node: str, *command: str) -> list[dict[str, Any]]:
    with entered(network.namespace(node)):
        done = subprocess.run(["ip", "-json", *command], capture_output=True, check=True)
    shown: list[dict[str, Any]] = json.loads(done.stdout)
    return shown


def links(network: Network, node: str) -> dict[str, dict[str, Any]]:
    return {link["ifname"]: link for link in show(network, node, "link", "show")}


def addresses_with_flags(network: Network, node: str, interface: str) -> list[dict[str, Any]]:
    (shown,) = show(network, node, "-6", "address", "show", "dev", interface)
    found: list[dict[str, Any]] = shown["addr_info"]
    return found


def addresses(network: Network, node: str, interface: str | None = None) -> set[str]:
    """The node's IPv6 addresses, on this interface or on all."""
    return {
        address["local"]
        for name in ([interface] if interface else links(network, node))
        for address in addresses_with_flags(network, node, name)
    }
