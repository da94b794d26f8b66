"""Signalling and MLD from where they may not come change nothing, and are counted.

In a domain with a key: an attacker in the network without it, one that recorded what others sent,
and a mobile node that speaks for routers, from off its link or against the rules of MLD. With the
source guard, which does not let most of what the mobile node says get to the agents, and without.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import pytest

from agents.kernel.capabilities import probe
from agents.kernel.sockets import LinkSocket
from agents.mobility.authentication import Authenticator
from agents.wire import ipv6, mld, mobility_header
from emu.lab import Lab
from emu.network.namespace import entered
from emu.running import this_lab
from emu.sandbox import RUN_DIRECTORY
from emu.scenario import load
from tests.lab.sandboxed import in_sandbox
from tests.lab.test_malformed_packets import binding_update, link_layer
from tests.lab.test_runs import short
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.root

TIMES = 5
REPORT = mld.MulticastListenerReport(
    (mld.AddressRecord(mld.RecordType.CHANGE_TO_EXCLUDE_MODE, IPv6Address("ff3e::bad"), ()),)
)
States = dict[str, dict[str, Any]]
Forgery = tuple[Callable[[], None], str, tuple[str, ...]]
"""How it is sent, who drops it, and under which names it is counted."""


@in_sandbox
def test_forged_packets_change_nothing_and_are_counted() -> None:
    asyncio.run(forge_in_a_domain_with_a_key("off"))


@in_sandbox
def test_nor_do_they_where_the_source_guard_drops_them() -> None:
    asyncio.run(forge_in_a_domain_with_a_key("on"))


@in_sandbox
def test_nor_do_they_where_mobility_is_central() -> None:
    asyncio.run(forge_in_pmipv6())


async def forge_in_a_domain_with_a_key(guard: str) -> None:
    lab = await prepared("mobility: {key: correct horse}\n", guard=guard)
    with entered(lab.network.namespace("cmd")):
        recorder = LinkSocket("cmd-mar1")
    await lab.attach_mobile_nodes()
    forged = forgeries(Attacker(lab, "cmd"), recorded_update(recorder), guarded=guard == "on")
    after = await nothing_changes(lab, forged)
    # What the mobile node sent as mar2 did not get there: its MAR let it go nowhere.
    assert after["cmd"]["signalling"]["unauthentic"] == 2 * TIMES


async def forge_in_pmipv6() -> None:
    """Without a key: what a mobile node sends."""
    lab = await prepared("mobility: {scheme: pmipv6}\n", "scheme: rfc6224")
    await lab.attach_mobile_nodes()
    attacker = Attacker(lab, "lma")
    mar1, mar2, lma = map(lab.network.address, ("mar1", "mar2", "lma"))
    untrusted, unauthentic = ("signalling", "untrusted"), ("counters", "unauthentic")
    own = lab.address("mn1")
    forged: list[Forgery] = [
        (lambda: attacker.from_mn1(update(mar2, lma)), "mar1", untrusted),
        (lambda: attacker.from_mn1(update(lma, mar1)), "mar1", untrusted),
        (lambda: attacker.from_mn1(update(own, lma)), "lma", unauthentic),
    ]
    after = await nothing_changes(lab, forged)
    assert after["lma"]["counters"]["unauthentic"] == TIMES


async def prepared(mobility: str, multicast: str = "scheme: mld-dmm", *, guard: str = "off") -> Lab:
    """A lab whose agents serve, and to which nobody is attached."""
    directory = RUN_DIRECTORY / "run"
    directory.mkdir()
    path = short(Path(RUN_DIRECTORY))
    text = path.read_text(encoding="utf-8").replace("multicast: {", f"multicast: {{{multicast}, ")
    security = f'security: {{source_guard: "{guard}"}}\n'
    path.write_text(text + mobility + security, encoding="utf-8")
    lab = Lab(load(path), 1, directory, probe(), lambda event: None)
    await lab.build()
    await lab.start_agents()
    return lab


async def nothing_changes(lab: Lab, forged: list[Forgery]) -> States:
    """Sends each forgery until it is counted where it should be; how the nodes are after all."""
    before = this_lab().states()
    for number, (send, node, where) in enumerate(forged):
        was = counted(this_lab().states(), node, where)
        for _ in range(TIMES):
            send()
        await lab.wait(
            lambda: counted(this_lab().states(), node, where) >= was + TIMES,  # noqa: B023
            f"the counts of forgery {number}",
        )
    after = this_lab().states()
    for node in before:
        assert meaning(after[node]) == meaning(before[node]), node
    lab.processes.stop(lab.agents, PATIENCE_S)
    return after


def counted(states: States, node: str, where: tuple[str, ...]) -> int:
    value: Any = states[node]
    for key in where:
        value = value.get(key, 0)
    return int(value)


def meaning(state: dict[str, Any]) -> dict[str, Any]:
    """What a node does, without what it has dropped."""
    return {key: state.get(key) for key in ("bindings", "tunnels", "membership")}


def recorded_update(recorder: LinkSocket) -> bytes:
    """The genuine PBU of mar1 that the CMD has accepted."""
    while frame := recorder.receive():
        packet = ipv6.parse(frame.packet)
        if (
            packet.next_header == ipv6.MOBILITY
            and mobility_header.message_type(packet.payload) == 5
        ):
            return frame.packet
    raise AssertionError("mar1 sent no PBU")


def update(source: IPv6Address, destination: IPv6Address) -> bytes:
    return binding_update(source, destination).octets


def forgeries(attacker: Attacker, genuine: bytes, *, guarded: bool) -> list[Forgery]:
    """All that an attacker may try where there is a key and a CMD."""

    def from_another(where: tuple[str, ...]) -> tuple[str, ...]:
        """Where it is counted what a mobile node sends with an address that is not its own."""
        return ("guard", "mn1.source") if guarded else where

    address = attacker.lab.network.address
    cmd, mar1, mar2, src = map(address, ("cmd", "mar1", "mar2", "src"))
    mn1 = attacker.lab.address("mn1")
    sealed = Authenticator(b"battery staple", 0).seal
    unauthentic, untrusted = ("signalling", "unauthentic"), ("signalling", "untrusted")
    malformed, ignored = ("malformed",), ("multicast", "ignored")

    def with_another_key(source: IPv6Address, destination: IPv6Address) -> bytes:
        payload = ipv6.parse(update(source, destination)).payload
        payload = sealed(payload, source, destination, time.time_ns())
        return ipv6.packet(source, destination, ipv6.MOBILITY, payload)

    def mld_report(
        source: IPv6Address,
        hop_limit: int = 1,
        router_alert: bool = True,
        destination: IPv6Address = mld.ALL_MLDV2_ROUTERS,
    ) -> bytes:
        payload = mld.encode(REPORT, source, destination)
        rules = {"hop_limit": hop_limit, "router_alert": router_alert}
        return ipv6.packet(source, destination, ipv6.ICMPV6, payload, **rules)

    def mld_query(source: IPv6Address) -> bytes:
        message = mld.MulticastListenerQuery(mld.UNSPECIFIED, 10_000)
        payload = mld.encode(message, source, mld.ALL_NODES)
        rules: dict[str, Any] = {"hop_limit": 1, "router_alert": True}
        return ipv6.packet(source, mld.ALL_NODES, ipv6.ICMPV6, payload, **rules)

    network, radio, core = attacker.from_centre, attacker.from_mn1, attacker.from_src
    link_local = IPv6Address("fe80::bad")
    return [
        # In the network, without the key: as the CMD to a MAR, as a MAR to the CMD.
        (lambda: network(update(cmd, mar1)), "mar1", unauthentic),
        (lambda: network(with_another_key(cmd, mar1)), "mar1", unauthentic),
        (lambda: attacker.from_mar1(update(mar1, cmd)), "cmd", unauthentic),
        # What was good once.
        (lambda: attacker.from_mar1(genuine), "cmd", ("signalling", "replayed")),
        # A mobile node that speaks PBU: as itself, as a MAR, as the CMD.
        (lambda: radio(update(mn1, mar1)), "mar1", untrusted),
        (lambda: radio(update(cmd, mar1)), "mar1", from_another(untrusted)),
        (lambda: radio(update(mar2, cmd)), "mar1", from_another(untrusted)),
        (lambda: radio(update(mn1, cmd)), "cmd", unauthentic),
        # MLD that breaks its rules.
        (lambda: radio(mld_report(link_local, 2)), "mar1", from_another(malformed)),
        (lambda: radio(mld_report(link_local, 255)), "mar1", from_another(malformed)),
        (
            lambda: radio(mld_report(link_local, router_alert=False)),
            "mar1",
            from_another(malformed),
        ),
        (lambda: radio(mld_report(mn1)), "mar1", ignored),
        # MLD from off the link, as it comes, and with a hop limit that is 1 on arrival.
        (lambda: core(mld_report(src, 64, destination=mar1)), "mar1", malformed),
        (lambda: core(mld_report(src, 3, destination=mar1)), "mar1", ignored),
        # A mobile node that says it is the querier of its link.
        (
            lambda: radio(mld_query(IPv6Address("fe80::1"))),
            "mar1",
            from_another(("multicast", "queries")),
        ),
    ]


class Attacker:
    """Sends whole packets from nodes that it has taken over."""

    def __init__(self, lab: Lab, centre: str) -> None:
        self.lab = lab
        self.from_centre = self._sender(centre, f"{centre}-mar1", f"mar1-{centre}")
        self.from_mar1 = self._sender("mar1", f"mar1-{centre}", f"{centre}-mar1")
        self.from_mn1 = self._sender("mn1", "mn1-radio", "mar1-radio")
        self.from_src = self._sender("src", "src-mr1", "mr1-src")

    def _sender(self, node: str, interface: str, peer: str) -> Callable[[bytes], None]:
        with entered(self.lab.network.namespace(node)):
            link = LinkSocket(interface)
        target = link_layer(self.lab, peer)
        return lambda packet: link.send(packet, None if packet[24] == 0xFF else target)
