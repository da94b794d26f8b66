"""The radio's layer 2: who reaches whom, what a handover does, what the conductor is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterable
from ipaddress import IPv6Address
from typing import Literal

import pytest

from agents.wire import ipv6
from emu.network.build import Network, build
from emu.network.namespace import entered
from emu.radio.client import L2Event, Radio, RadioError
from emu.sandbox import RUN_DIRECTORY
from tests.lab.sandboxed import backends, in_sandbox
from tests.patience import PATIENCE_S, eventually
from topologies.parameters import EndNode, Parameters

EXPERIMENTAL = 0x88B5
"""An EtherType for experiments (IEEE 802): what only these tests send."""
BROADCAST, ALL_NODES = "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"
MAR_ADDRESS = "00:00:5e:00:52:13"
GAP_NS = 200_000_000
LONG_GAP_NS = 2_000_000_000
"""Time enough to look at what is there in it."""

pytestmark = [
    pytest.mark.root,
    pytest.mark.parametrize("framework", ["ryu", "os-ken"]),
]


class Air:
    """The radio, with an ear and a mouth for raw frames at every node that it joins."""

    def __init__(self, network: Network, radio: Radio, events: list[L2Event]) -> None:
        self.network, self.radio, self.events = network, radio, events
        self._sockets = {}
        for port in network.interfaces("radio"):
            with entered(network.namespace(port.peer)):
                raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK)
                raw.bind((port.peer_interface, EXPERIMENTAL))
            self._sockets[port.peer] = raw

    async def reaches(
        self, whom: set[str], sender: str, destination: str, source: str | None = None
    ) -> None:
        """A frame from one node to a link-layer address arrives at these nodes, and no others.

        It is sent again until it has come: a link that has just come up may lose it.
        """
        await asyncio.sleep(0.1)
        source = source or (self.address(sender) if sender.startswith("mn") else MAR_ADDRESS)
        header = bytes.fromhex((destination + source).replace(":", ""))
        frame = header + EXPERIMENTAL.to_bytes(2, "big") + os.urandom(64)
        found: set[str] = set()
        deadline = time.monotonic() + PATIENCE_S
        while True:
            with contextlib.suppress(OSError):  # no carrier
                self._sockets[sender].send(frame)
            await asyncio.sleep(0.1)
            found |= {name for name in self._sockets if frame[14:] in self._heard(name)} - {sender}
            if found >= whom or time.monotonic() > deadline:
                assert found == whom
                return

    def send(self, mn: str, packet: bytes) -> None:
        """Send an IPv6 packet from a mobile node to its access router."""
        header = bytes.fromhex((MAR_ADDRESS + self.address(mn)).replace(":", ""))
        self._sockets[mn].send(header + b"\x86\xdd" + packet)

    def _heard(self, name: str) -> list[bytes]:
        frames = []
        with contextlib.suppress(BlockingIOError):
            while True:
                frames.append(self._sockets[name].recv(2048)[14:])
        return frames

    def address(self, mn: str) -> str:
        return self.network.interface(mn, "wireless").link_layer_address

    def carrier(self, mn: str) -> bool:
        with entered(self.network.namespace(mn)):
            show = ["ip", "-json", "link", "show", f"{mn}-radio"]
            shown = subprocess.run(show, capture_output=True, check=True)
        return "NO-CARRIER" not in json.loads(shown.stdout)[0]["flags"]


@contextlib.asynccontextmanager
async def air(
    framework: str,
    mobile_nodes: Iterable[str],
    authentication_ns: int = 0,
    *,
    source_guard: bool = True,
) -> AsyncIterator[Air]:
    """Three MARs, and these mobile nodes, none of them attached."""
    os.environ["EMU_OPENFLOW"] = framework
    events: list[L2Event] = []
    radio = Radio.launch(RUN_DIRECTORY / "radio.log", events.append)
    nodes = {name: EndNode("mn", dad="off") for name in mobile_nodes}
    network = build("dmm-domain", Parameters(mars=3), nodes, backends())
    await radio.connect(network, authentication_ns=authentication_ns, source_guard=source_guard)
    yield Air(network, radio, events)
    await radio.close()


@in_sandbox
def test_frames_reach_exactly_whom_they_should(framework: str) -> None:
    async def run() -> None:
        async with air(framework, ["mn1", "mn2", "mn3", "mn4"]) as it:
            for mn, mar in (("mn1", "mar1"), ("mn2", "mar1"), ("mn3", "mar2")):
                await it.radio.attach(mn, mar)
            # Unicast from an access point: to that node, if it is attached there.
            await it.reaches({"mn1"}, "mar1", it.address("mn1"))
            await it.reaches({"mn2"}, "mar1", it.address("mn2"))
            await it.reaches(set(), "mar1", it.address("mn3"))
            await it.reaches(set(), "mar1", it.address("mn4"))
            # Multicast and broadcast from an access point: to exactly those attached there.
            for destination in (ALL_NODES, BROADCAST):
                await it.reaches({"mn1", "mn2"}, "mar1", destination)
                await it.reaches({"mn3"}, "mar2", destination)
                await it.reaches(set(), "mar3", destination)
            # From a mobile node, to whatever address: to its access router only.
            for destination in (MAR_ADDRESS, ALL_NODES, BROADCAST, it.address("mn2")):
                await it.reaches({"mar1"}, "mn1", destination)
                await it.reaches({"mar2"}, "mn3", destination)
                await it.reaches(set(), "mn4", destination)
            # Detached: as if never attached.
            await it.radio.detach("mn1")
            await it.reaches(set(), "mn1", BROADCAST)
            await it.reaches(set(), "mar1", it.address("mn1"))
            await it.reaches({"mn2"}, "mar1", BROADCAST)

    asyncio.run(run())


@pytest.mark.parametrize("guarded", [True, False])
@in_sandbox
def test_a_node_sends_from_its_own_address_and_never_as_a_router(
    framework: str, guarded: bool
) -> None:
    """What it may not send is dropped, and counted also once it has left."""
    other = "02:00:00:00:be:ef"
    home = IPv6Address("2001:db8:1:1::5")
    counted = {"mn1.link_layer": 1, "mn1.router": 4} if guarded else {}

    async def run() -> None:
        async with air(framework, ["mn1", "mn2"], source_guard=guarded) as it:
            await it.radio.attach("mn1", "mar1")
            await it.radio.attach("mn2", "mar1")
            await it.reaches({"mar1"}, "mn1", BROADCAST)
            await it.reaches(set() if guarded else {"mar1"}, "mn1", BROADCAST, other)
            routers = [it.network.address("mar1"), IPv6Address("fe80::5213:2")]
            for target in (*routers, home):
                it.send("mn1", icmp(136, target))
            for kind in (134, 137, 133, 135):
                it.send("mn1", icmp(kind, home))
            await it.reaches({"mar1"}, "mn1", BROADCAST)
            assert await it.radio.refused() == counted
            await it.radio.move("mn1", "mar2", 0)
            await it.reaches({"mar2"}, "mn1", BROADCAST)
            assert await it.radio.refused() == counted

    asyncio.run(run())


def icmp(kind: int, target: IPv6Address) -> bytes:
    """An ICMPv6 message of Neighbour Discovery."""
    source, destination = IPv6Address("fe80::a1"), IPv6Address("ff02::1")
    payload = bytes([kind]) + bytes(7) + target.packed
    return ipv6.packet(source, destination, ipv6.ICMPV6, payload, hop_limit=255)


@pytest.mark.parametrize("carrier", ["drop", "keep"])
@in_sandbox
def test_handover(framework: str, carrier: Literal["drop", "keep"]) -> None:
    async def run() -> None:
        async with air(framework, ["mn1", "mn2"]) as it:
            eventually(lambda: not it.carrier("mn1"))
            await it.radio.attach("mn1", "mar1")
            await it.radio.attach("mn2", "mar1")
            eventually(lambda: it.carrier("mn1"))
            moving = asyncio.ensure_future(it.radio.move("mn1", "mar2", LONG_GAP_NS, carrier))
            while len(it.events) < 3:
                await asyncio.sleep(0.001)
            # In the gap.
            eventually(lambda: it.carrier("mn1") == (carrier == "keep"))
            assert not moving.done()
            if carrier == "keep":
                await it.reaches(set(), "mn1", BROADCAST)
            down, up = await moving
            eventually(lambda: it.carrier("mn1"))
            assert (down.event, down.mn, down.mar) == ("l2_down", "mn1", "mar1")
            assert (up.event, up.mn, up.mar) == ("l2_up", "mn1", "mar2")
            assert up.time - down.time >= LONG_GAP_NS
            assert up.time <= time.monotonic_ns()
            assert it.events[2:] == [down, up]
            await it.reaches({"mar2"}, "mn1", BROADCAST)
            await it.reaches({"mn1"}, "mar2", it.address("mn1"))
            await it.reaches({"mn1"}, "mar2", BROADCAST)
            await it.reaches(set(), "mar1", it.address("mn1"))
            await it.reaches({"mn2"}, "mar1", BROADCAST)

    asyncio.run(run())


@pytest.mark.parametrize("carrier", ["drop", "keep"])
@in_sandbox
def test_who_is_being_authenticated_reaches_nobody(
    framework: str, carrier: Literal["drop", "keep"]
) -> None:
    async def run() -> None:
        async with air(framework, ["mn1"], authentication_ns=LONG_GAP_NS) as it:
            mar2 = agent("mar2")
            up = await it.radio.attach("mn1", "mar1")
            (associated, same) = it.events
            assert (associated.event, associated.mar, same) == ("associated", "mar1", up)
            assert up.time - associated.time >= LONG_GAP_NS
            moving = asyncio.ensure_future(it.radio.move("mn1", "mar2", GAP_NS, carrier))
            while len(it.events) < 4:
                await asyncio.sleep(0.001)
            assert it.events[3].event == "associated"
            eventually(lambda: it.carrier("mn1") == (carrier == "keep"))
            await it.reaches(set(), "mn1", BROADCAST)
            await it.reaches(set(), "mar2", BROADCAST)
            assert not moving.done()
            down, up = await moving
            assert it.events[3].time - down.time >= GAP_NS
            assert up.time - it.events[3].time >= LONG_GAP_NS
            assert trigger(mar2) == ("link_up", "mn1", it.address("mn1"))
            await it.reaches({"mar2"}, "mn1", BROADCAST)

    asyncio.run(run())


@in_sandbox
def test_access_routers_are_triggered(framework: str) -> None:
    async def run() -> None:
        async with air(framework, ["mn1"]) as it:
            agents = {mar: agent(mar) for mar in ("mar1", "mar2")}
            assert (await it.radio.attach("mn1", "mar1")).delivered
            assert trigger(agents["mar1"]) == ("link_up", "mn1", it.address("mn1"))
            announced = await it.radio.announce("mn1", "mar2")
            assert (announced.event, announced.mar, announced.to) == (
                "link_going_down",
                "mar1",
                "mar2",
            )
            assert announced.delivered
            going_down = trigger(agents["mar1"], "to")
            assert going_down == ("link_going_down", "mn1", it.address("mn1"), "mar2")
            await it.reaches({"mar1"}, "mn1", BROADCAST)
            down, up = await it.radio.move("mn1", "mar2", 0)
            assert down.delivered
            assert up.delivered
            assert trigger(agents["mar1"]) == ("link_down", "mn1", it.address("mn1"))
            assert trigger(agents["mar2"]) == ("link_up", "mn1", it.address("mn1"))
            _, up = await it.radio.move("mn1", "mar3", 0)  # where no agent listens
            assert not up.delivered

    asyncio.run(run())


@in_sandbox
def test_many_nodes_move_at_once(framework: str) -> None:
    async def run() -> None:
        names = [f"mn{number}" for number in range(1, 21)]
        async with air(framework, names) as it:
            await asyncio.gather(*(it.radio.attach(mn, "mar1") for mn in names))
            await it.reaches(set(names), "mar1", BROADCAST)
            begin = time.monotonic_ns()
            moves = await asyncio.gather(*(it.radio.move(mn, "mar2", GAP_NS) for mn in names))
            assert time.monotonic_ns() - begin < len(names) * GAP_NS, "one after the other"
            assert {up.mn for _, up in moves} == set(names)
            await it.reaches(set(), "mar1", BROADCAST)
            await it.reaches(set(names), "mar2", BROADCAST)

    asyncio.run(run())


@in_sandbox
def test_impossible_requests_are_refused(framework: str) -> None:
    async def run() -> None:
        async with air(framework, ["mn1"]) as it:
            for request, reason in (
                (it.radio.attach("mn9", "mar1"), "no mobile node mn9"),
                (it.radio.attach("mn1", "mar9"), "no access point of mar9"),
                (it.radio.detach("mn1"), "not attached"),
                (it.radio.move("mn1", "mar2", 0), "cannot move to mar2 from nowhere"),
                (it.radio.announce("mn1", "mar2"), "cannot move to mar2 from nowhere"),
            ):
                with pytest.raises(RadioError, match=reason):
                    await request
            await it.radio.attach("mn1", "mar1")
            moving = asyncio.ensure_future(it.radio.move("mn1", "mar2", LONG_GAP_NS))
            await asyncio.sleep(0)
            for request, reason in (
                (it.radio.attach("mn1", "mar3"), "moving"),
                (it.radio.move("mn1", "mar3", 0), "moving"),
                (it.radio.detach("mn1"), "moving"),
            ):
                with pytest.raises(RadioError, match=reason):
                    await request
            await moving
            with pytest.raises(RadioError, match="attached to mar2 already"):
                await it.radio.attach("mn1", "mar2")
            with pytest.raises(RadioError, match="cannot move to mar2 from mar2"):
                await it.radio.move("mn1", "mar2", 0)

    asyncio.run(run())


@in_sandbox
def test_the_end_of_the_controller_is_an_error(framework: str) -> None:
    async def run() -> None:
        async with air(framework, ["mn1"]) as it:
            await it.radio.attach("mn1", "mar1")
            moving = asyncio.ensure_future(it.radio.move("mn1", "mar2", 10 * GAP_NS))
            await asyncio.sleep(0.1)
            it.radio.process.kill()
            with pytest.raises(RadioError, match="controller ended"):
                await moving
            with pytest.raises(RadioError, match="controller ended"):
                await it.radio.detach("mn1")

    asyncio.run(run())


def agent(mar: str) -> socket.socket:
    """The socket on which a MAR's agent takes triggers."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    listening.bind(str(RUN_DIRECTORY / f"{mar}.trigger"))
    listening.settimeout(PATIENCE_S)
    return listening


def trigger(listening: socket.socket, *more: str) -> tuple[str, ...]:
    message = json.loads(listening.recv(4096))
    return tuple(message[key] for key in ("trigger", "mn", "link_layer_address", *more))
