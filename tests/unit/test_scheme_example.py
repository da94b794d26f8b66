"""docs/schemes.md: its example is installed by pip, and is a scheme like those of the toolkit."""

from __future__ import annotations

import sys
from importlib import import_module
from ipaddress import IPv6Address, IPv6Network
from random import Random

import pytest

from agents.core import Log
from agents.mobility.actions import InstallRoute, MobileNode, RemoveRoute
from agents.wire import ipv6
from emu.analysis.moves import moves
from emu.measure import packets, pcapng
from emu.scenario import ScenarioError, load, parse
from emu.schemes.registry import SCHEMES
from tests import page_package
from tests.installed import as_if_started_anew

HUB, SPOKES = IPv6Address("2001:db8::9"), [IPv6Address(f"2001:db8::{n}") for n in (1, 2, 3)]
ACCESS = IPv6Address("fe80::1")
PREFIXES = {"mn1": IPv6Network("2001:db8:b000::/64"), "mn2": IPv6Network("2001:db8:b000:1::/64")}
AGAIN = 500_000_000
ETHERNET = bytes(12) + b"\x86\xdd"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The package on the path, and the page's scenario."""
    place, scenario = page_package.install(page_package.HUB, tmp_path_factory.mktemp("hub"))
    sys.path.insert(0, str(place))
    as_if_started_anew()
    yield scenario
    sys.path.remove(str(place))
    as_if_started_anew()


def test_its_scenario_is_good_and_a_wrong_one_is_told(installed):
    scenario = load(installed)
    assert (scenario.mobility.scheme, scenario.mobility.again) == ("hub", 200_000_000)
    text = installed.read_text(encoding="utf-8")
    for wrong, says in (
        ("scheme: hub, again: 200", '4: mobility.again: "200" has no unit'),
        ("scheme: dmm, again: 200ms", "4: mobility.again: is for scheme: hub only"),
    ):
        with pytest.raises(ScenarioError, match=says):
            parse(text.replace("scheme: hub, again: 200ms", wrong).encode(), "f")


def test_the_equations_that_it_names_hold(installed):
    found = moves(load(installed))
    assert [(move.target, move.scheme.value, move.path.binding) for move in found] == [
        ("mar2", "PMIPv6", 20),
        ("mar3", "PMIPv6", 20),
    ]


def test_captures_know_its_messages(installed):
    assert SCHEMES.find("hub").messages.ports == (4800,)
    packets._readers.cache_clear()
    datagram = (4800).to_bytes(2, "big") * 2 + bytes(4) + b"here mn1"
    packet = ETHERNET + ipv6.packet(SPOKES[0], HUB, 17, datagram)
    message = packets.parse(packet, pcapng.ETHERNET, len(packet))
    packets._readers.cache_clear()
    assert (message.type, message.detail) == ("Hub here", "mn1")


@pytest.mark.parametrize("seed", range(20))
def test_whatever_is_lost_the_hub_routes_to_where_the_node_is(installed, seed):
    agent = import_module("hub_agent")
    random, hub = Random(seed), agent.Hub(PREFIXES)
    spokes = {one: agent.Spoke(HUB, ACCESS, PREFIXES, AGAIN) for one in SPOKES}
    routes: dict[IPv6Address, dict[IPv6Network, object]] = {one: {} for one in (HUB, *SPOKES)}

    def carry_out(at: IPv6Address, actions: list) -> None:
        for action in actions:
            if isinstance(action, InstallRoute):
                routes[at][action.prefix] = action.peer
            elif isinstance(action, RemoveRoute):
                routes[at].pop(action.prefix, None)
            elif isinstance(action, agent.Say) and random.random() > lossy:
                core = hub if action.to == HUB else spokes[action.to]
                carry_out(action.to, core.heard(action.word, action.name, at))

    now, lossy, where = 0, 0.5, {}
    for _ in range(12):
        name, there = random.choice(list(PREFIXES)), random.choice(SPOKES)
        if name in where:
            carry_out(where[name], spokes[where[name]].detach(name, now))
        where[name] = there
        carry_out(there, spokes[there].attach(MobileNode(name, bytes(6)), now))
    lossy = 0.0
    while deadlines := [one.next_deadline() for one in spokes.values() if one.next_deadline()]:
        now = min(deadlines)
        for address, spoke in spokes.items():
            carry_out(address, spoke.timer(now))
    assert routes[HUB] == {PREFIXES[name]: there for name, there in where.items()}
    for name, there in where.items():
        assert routes[there][PREFIXES[name]] is None


def test_who_is_no_node_of_the_hub_is_not_heard(installed):
    agent = import_module("hub_agent")
    hub = agent.Hub(PREFIXES)
    assert hub.heard("here", "mn9", SPOKES[0]) == hub.heard("x", "mn1", SPOKES[0]) == []
    spoke = agent.Spoke(HUB, ACCESS, PREFIXES, AGAIN)
    assert spoke.heard("ok", "mn1", HUB) == spoke.heard("gone", "mn9", HUB) == []
    attached = spoke.attach(MobileNode("mn1", bytes(6)), 0)
    assert attached[0].kind == "attached"
    assert spoke.heard("gone", "mn1", HUB) == []  # it has come back meanwhile
    assert spoke.heard("ok", "mn1", HUB) == [Log("binding_complete", {"mn": "mn1"})]
