"""What a handover costs does not grow with the number of mobile nodes; bindings are small."""

from __future__ import annotations

import cProfile
import pstats
import tracemalloc
from dataclasses import replace
from functools import partial
from ipaddress import IPv6Address, IPv6Network
from random import Random
from types import SimpleNamespace

import pytest

from agents.core import SECOND
from agents.mobility.actions import MobileNode
from agents.multicast.multi_upstream import MultiUpstream
from agents.multicast.proxy import MldProxy
from agents.roles.listeners_part import ListenersOfMars
from emu.simulator.cmd_load import Load
from tests.unit import proxies
from tests.unit.mobility_nodes import MN, T0, mar, mar_address, prefix, serve, update

MANY = 5_000
BINDING = 1024
"""Octets of memory."""


def calls(action) -> int:
    """How many functions are called."""
    profile = cProfile.Profile()
    profile.runcall(action)
    return pstats.Stats(profile).total_calls


@pytest.mark.parametrize("previous", [1, 3])
def test_a_cmd_works_no_more_for_many_nodes(previous):
    work = []
    for nodes in (200, MANY):
        load = Load(nodes, 100, previous)
        for _ in range(previous + 1):
            load.attach_all()
        work.append(calls(lambda load=load: load.hand_over(1000)) / 1000)
        assert len(load.core.bindings()) == nodes
    few, many = work
    assert many < 1.1 * few


def test_a_binding_is_small():
    load = Load(MANY, 100, 1)
    tracemalloc.start()
    for _ in range(2):
        load.attach_all()
    used, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert used / MANY < BINDING
    binding = load.core.bindings()["mn7@example.net"]
    assert len(binding.previous) == 1


def test_octets_in_and_out_come_to_the_same():
    plain, wire = Load(50, 10, 2), Load(50, 10, 2, octets=True)
    for load in (plain, wire):
        load.attach_all()
        spent = load.hand_over(200)
        assert spent.handovers == 200
        assert spent.messages > 4 * 200
    assert plain.core.bindings() == wire.core.bindings()


def test_a_mar_works_no_more_for_many_nodes():
    work = []
    for nodes in (20, 2000):
        core = mar(pool=IPv6Network("2001:db8:1::/48"))
        for number in range(nodes):
            node = MobileNode(f"node{number}", b"\x02" + number.to_bytes(5, "big"))
            serve(core, T0, 2, mn=node)
        core.next_deadline()  # what was cancelled since is cleared by the way

        def visit(core=core):
            serve(core, T0 + SECOND, 2, 3)
            core.receive(update(4, 1, T0 + 2 * SECOND), core._config.cmd, T0 + 2 * SECOND)
            core.next_deadline()

        work.append(calls(visit))
    few, many = work
    assert many < 1.1 * few


def asked_for_links(core):
    router = object.__new__(ListenersOfMars)
    router._core, router._forwarding = core, SimpleNamespace(tunnels={})
    assert router._anchor_links(MN.identifier) == ()


def unused_prefix(core):
    assert core.idle(prefix(3), T0 + 2 * SECOND)


def asked_for_context(core):
    assert core.context(prefix(1, MANY)[5]) == ()


def bound_from_afar(core):
    assert core.owner(prefix(3)[5]) == (MN.identifier, mar_address(3))
    assert core.owner(prefix(4)[5]) is None


@pytest.mark.parametrize(
    "work", [asked_for_links, unused_prefix, asked_for_context, bound_from_afar]
)
def test_nor_do_its_other_parts_have_it_look_at_every_node(work):
    done = []
    for nodes in (20, 2000):
        core = mar(pool=IPv6Network("2001:db8:1::/48"))
        for number in range(nodes):
            node = MobileNode(f"node{number}", b"\x02" + number.to_bytes(5, "big"))
            serve(core, T0, 2, mn=node)
        serve(core, T0 + SECOND, 2, 3)
        done.append(calls(lambda core=core: work(core)))
    few, many = done
    assert many < 1.1 * few


@pytest.mark.parametrize("previous", [None, "tun-2"])
def test_a_proxy_works_no_more_for_listeners_of_other_channels(previous):
    work = []
    for nodes in (20, 1000):
        proxy = proxies.mar("tun-2")
        for number in range(nodes):
            host, group = IPv6Address("fe80::1:0") + number, IPv6Address("ff0e::1:0") + number
            proxies.arrive(proxy, host, None, T0)
            proxy.receive(proxies.report(proxies.TO_EX, group=group), host, "radio", T0)
        proxies.run(proxy, T0 + 5 * SECOND)

        def visit(proxy=proxy):
            now = T0 + 6 * SECOND
            proxies.arrive(proxy, proxies.MN1, previous, now)
            proxy.receive(proxies.report(proxies.TO_EX), proxies.MN1, "radio", now)
            proxy.detached(proxies.MN1, "radio", now + SECOND)

        work.append(calls(visit))
    few, many = work
    assert many < 1.1 * few


SENDERS = {
    "base": (None, None),
    "shared": (MultiUpstream(proxies.CONFIG.ongoing_session_window), None),
    "native router": (None, IPv6Network("2001:db8:5e00:1::/64")),
}


@pytest.mark.parametrize("kind", SENDERS)
@pytest.mark.parametrize("what", ["sources", "listeners", "groups", "guests"])
def test_an_upcall_touches_its_own_channel_only(kind, what):
    """Whatever else there is: sources of the group, hosts that listen to it, other groups."""
    work = [calls(partial(send, crowded(kind, what, number), 6)) for number in (20, 300)]
    assert work[1] < 1.1 * work[0]


def crowded(kind: str, what: str, number: int) -> MldProxy:
    """A router with a listener to any source, and many of something."""
    selection, lan = SENDERS[kind]
    pool = None if lan else IPv6Network("2001:db8:1::/48")
    proxy = MldProxy(replace(proxies.CONFIG, maximum_sent=2000), Random(1), selection, pool)
    up = {"upstream": True, "downstream": False}
    proxy.add_link("core", IPv6Address("fe80::2"), 0, **up)
    down = {"upstream": False, "downstream": True}
    proxy.add_link("radio", IPv6Address("fe80::1"), 0, hosts=lan, **down)
    proxies.arrive(proxy, proxies.MN1, None, 0)
    proxy.receive(proxies.report(proxies.TO_EX), proxies.MN1, "radio", 0)
    for n in range(number):
        if what == "sources":
            proxy.upcall((lan or IPv6Network("2001:db8:1:1::/64"))[9 + n], proxies.G, "radio", 0)
        elif what == "groups":
            group = IPv6Address("ff0e::1:0") + n
            proxy.upcall((lan or IPv6Network("2001:db8:1:1::/64"))[9], group, "radio", 0)
        elif what == "guests":
            proxy.guest(IPv6Network((int(IPv6Address("2001:db8:2::")) + (n << 64), 64)), "tun", 0)
        else:
            host = IPv6Address("fe80::1:0") + n
            proxy.receive(proxies.report(proxies.TO_EX), host, "radio", 0)
    proxies.run(proxy, 5 * SECOND)
    send(proxy, 5)  # what has changed since is worked out once
    return proxy


def send(proxy: MldProxy, host: int) -> None:
    """A source is new."""
    lan = next(iter(proxy._links.connected), IPv6Network("2001:db8:1:7::/64"))
    assert proxies.forwarding(proxy.upcall(lan[host], proxies.G, "radio", 6 * SECOND))
