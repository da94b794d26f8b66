"""Agents under a flood of mutated packets count them, drop them, and go on serving."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path

import pytest

from agents.kernel.capabilities import probe
from agents.kernel.sockets import LinkSocket
from agents.wire import ipv6, mld, mobility
from agents.wire.mobility_options import LocalPrefix, MobileNodeIdentifier, Timestamp
from emu.lab import Lab
from emu.network.namespace import entered
from emu.sandbox import RUN_DIRECTORY
from emu.scenario import load
from tests.lab.sandboxed import in_sandbox
from tests.lab.test_runs import short
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root

RATE = 10_000
SECONDS = 4
AT_ONCE = 100
MOBILE_NODE = IPv6Address("fe80::bad")


@in_sandbox
def test_agents_serve_under_ten_thousand_mutated_packets_a_second() -> None:
    asyncio.run(flood_and_hand_over())


async def flood_and_hand_over() -> None:
    directory = RUN_DIRECTORY / "run"
    directory.mkdir()
    lab = Lab(load(short(Path(RUN_DIRECTORY))), 1, directory, probe(), lambda event: None)
    await lab.build()
    await lab.start_agents()
    await lab.attach_mobile_nodes()
    enough = threading.Event()
    flood = asyncio.get_running_loop().run_in_executor(None, send_mutations, lab, enough)
    try:
        await lab.follow(SECONDS / 2)
        before = len(serving(lab))
        await lab.radio.move("mn1", "mar2", 0)
        await lab.wait(lambda: len(serving(lab)) > before, "a binding under the flood")
        await lab.follow(SECONDS / 2)
        assert len(serving(lab)) == before + 1
    finally:
        enough.set()
    sent = await flood
    assert sent >= RATE / 10  # however slow the machine is
    lab.processes.stop(lab.agents, PATIENCE_S)
    lab.tail.poll()
    (stopped,) = (e for e in lab.tail.events if e["kind"] == "stopped" and e["node"] == "mar1")
    assert stopped["malformed"] > sent / 4
    assert serving(lab)[-1] == "mar2"


def serving(lab: Lab) -> list[str]:
    return [event["node"] for event in lab.tail.events if event["kind"] == "serving"]


def send_mutations(lab: Lab, enough: threading.Event) -> int:
    """From the CMD, where every MAR takes signalling from, and on the access link of mar1."""
    mar = lab.network.address("mar1")
    rng = random.Random(5)
    with entered(lab.network.namespace("cmd")):
        signalling = LinkSocket("cmd-mar1")
    with entered(lab.network.namespace("mn1")):
        listening = LinkSocket("mn1-radio")
    target = link_layer(lab, "mar1-cmd")
    valid = [binding_update(lab.network.address("cmd"), mar), report()]
    sent, start = 0, time.monotonic()
    while not enough.is_set():
        elapsed = time.monotonic() - start
        for _ in range(min(AT_ONCE, int(elapsed * RATE) - sent)):
            sent += 1
            if sent % 2:
                signalling.send(mutated(valid[0], rng), target)
            else:
                listening.send(mutated(valid[1], rng), bytes.fromhex("333300000016"))
        time.sleep(0.001)
    return sent


@dataclass(frozen=True)
class Packet:
    """A valid packet, and where its payload and its checksum are."""

    octets: bytes
    protocol: int
    payload: int
    checksum: int


def mutated(packet: Packet, rng: random.Random) -> bytes:
    """Some octets changed, or the end cut off; the checksum put right, to get past the kernel."""
    octets = bytearray(packet.octets)
    for _ in range(rng.randint(1, 4)):
        octets[rng.randrange(packet.payload, len(octets))] = rng.randrange(256)
    if rng.random() < 0.3:
        octets = octets[: rng.randrange(packet.checksum + 2, len(octets))]
        octets[4:6] = (len(octets) - ipv6.HEADER_LENGTH).to_bytes(2, "big")
    octets[packet.checksum : packet.checksum + 2] = b"\0\0"
    source, destination = IPv6Address(bytes(octets[8:24])), IPv6Address(bytes(octets[24:40]))
    payload = bytes(octets[packet.payload :])
    value = ipv6.checksum(source, destination, packet.protocol, payload)
    octets[packet.checksum : packet.checksum + 2] = value.to_bytes(2, "big")
    return bytes(octets)


def binding_update(source: IPv6Address, destination: IPv6Address) -> Packet:
    flags = mobility.BindingUpdateFlag.A | mobility.BindingUpdateFlag.P
    options = (
        MobileNodeIdentifier("mn1"),
        LocalPrefix(IPv6Network("2001:db8:9:1::/64")),
        Timestamp(0),
    )
    message = mobility.BindingUpdate(1, 300, flags | mobility.BindingUpdateFlag.D, options)
    payload = mobility.encode(message, source, destination)
    octets = ipv6.packet(source, destination, ipv6.MOBILITY, payload)
    return Packet(octets, ipv6.MOBILITY, 40, 44)


def report() -> Packet:
    record = mld.AddressRecord(mld.RecordType.CHANGE_TO_EXCLUDE_MODE, IPv6Address("ff3e::bad"), ())
    message = mld.MulticastListenerReport((record,))
    payload = mld.encode(message, MOBILE_NODE, mld.ALL_MLDV2_ROUTERS)
    octets = ipv6.packet(
        MOBILE_NODE, mld.ALL_MLDV2_ROUTERS, ipv6.ICMPV6, payload, hop_limit=1, router_alert=True
    )
    return Packet(octets, ipv6.ICMPV6, 48, 50)


def link_layer(lab: Lab, interface: str) -> bytes:
    (end,) = (i for i in lab.network.interfaces(interface.split("-")[0]) if i.name == interface)
    return bytes.fromhex(end.link_layer_address.replace(":", ""))
