"""The scheme of RFC 5380: what a scenario says of its MAPs, and what is predicted of them."""

from __future__ import annotations

from ipaddress import IPv6Address

import pytest

from agents.wire import mobility
from agents.wire.mobility import BindingUpdate, BindingUpdateFlag
from emu.analysis.moves import cost, messages, moves
from emu.measure.packets import parse
from emu.measure.pcapng import RAW
from emu.network.addressing import plan
from emu.network.routes import routes
from emu.scenario import Scenario, ScenarioError
from emu.scenario import parse as read
from emu.schemes.registry import SCHEMES
from topologies.custom import topos
from topologies.parameters import HA, Parameters

BASE = """
name: a
duration: 9s
topology: {kind: dmm-domain, mars: 4, access: {delay: 2ms}, home: {delay: 5ms}, cmd: {delay: 20ms}}
nodes: {mn1: {role: mn, attach: mar1}}
events:
  - {at: 1s, handover: mn1, to: mar2}
  - {at: 2s, handover: mn1, to: mar3}
  - {at: 3s, handover: mn1, to: mar4}
  - {at: 4s, handover: mn1, to: mar3}
mobility: {scheme: hmipv6, maps: MAPS}
"""
HOME = IPv6Address("2001:db8:a000::7")
TWO = "[{mars: [mar1, mar2], link: {delay: 3ms}, home: {delay: 10ms}}, {mars: [mar3]}]"


def scenario(maps: str) -> Scenario:
    return read(BASE.replace("MAPS", maps).encode(), "f")


def test_one_map_is_everybodys_if_nothing_is_said():
    text = BASE.replace(", maps: MAPS", "")
    (extra,) = SCHEMES.find("hmipv6").nodes(read(text.encode(), "f"))
    assert (extra.name, list(extra.mars)) == ("map1", ["mar1", "mar2", "mar3", "mar4"])


@pytest.mark.parametrize(
    ("maps", "says"),
    [
        ("[{mars: [mar1, mar9]}]", r'maps\[0\]\.mars\[1\]: no access router "mar9"'),
        ("[{mars: [mar1]}, {mars: [mar1]}]", r'maps\[1\]\.mars\[0\]: "mar1" is of map1'),
        ("[{mars: [mar1]}, {}]", r"maps\[1\]: has no access routers"),
        ("[{link: {delay: 1ms, jitter: 2ms}}]", r"maps\[0\]\.link\.jitter: 2ms is more than"),
        ("[{link: {speed: 1ms}}]", r"maps\[0\]\.link\.speed: "),
    ],
)
def test_what_is_wrong_is_named(maps, says):
    with pytest.raises(ScenarioError, match=says):
        scenario(maps)


def test_no_node_has_the_name_of_a_map():
    text = BASE.replace("mn1", "map1").replace("MAPS", "[{}]")
    with pytest.raises(ScenarioError, match=r"nodes\.map1: is the name of a MAP"):
        read(text.encode(), "f")


def test_a_handover_is_as_long_as_its_round_trips():
    """To the MAP in its domain; to the home agent as well, into one; to that alone without one."""
    found = moves(scenario(TWO))
    assert [(m.target, m.path.binding) for m in found] == [
        ("mar2", 2 * (2 + 3)),
        ("mar3", 2 * 2 * 2 + 2 * 5),
        ("mar4", 2 * (2 + 20)),
        ("mar3", 2 * 2 * 2 + 2 * 5),
    ]
    assert [messages(m.scheme, m) for m in found] == [2, 8, 6, 4]
    # The MAP left is two hops farther, by the exchange; the home agent two hops behind a MAP.
    costs = [cost(m.scheme, m, tau=1, omega=10) for m in found]
    assert costs == [2 * 11, 2 * 11 + 2 * 13 + 4 * 13, 2 * 11 + 4 * 13, 2 * 11 + 2 * 13]


def test_a_map_and_the_home_agent_reach_each_other_by_the_root():
    """Not by an access router, which is as near."""
    extras = tuple(SCHEMES.find("hmipv6").nodes(scenario(TWO)))
    layout = plan(topos["dmm-domain"](Parameters(mars=4, centre=HA, extras=extras), {}))
    ways = routes(layout)
    (there,) = (way for way in ways["ha"] if way.startswith("2001:db8:b002::/48 "))
    assert "dev ha-mr1 " in there
    (back,) = (way for way in ways["map2"] if way.startswith("2001:db8:ffff::8:1/128 "))
    assert "dev map2-mr1 " in back


@pytest.mark.parametrize(("flag", "name"), [("M", "LBU"), ("H", "BU")])
def test_captures_tell_updates_to_a_map_from_others(flag, name):
    flags = BindingUpdateFlag.A | BindingUpdateFlag[flag]
    body = mobility.encode(BindingUpdate(7, 60, flags), HOME, HOME)
    header = b"\x60\0\0\0" + len(body).to_bytes(2, "big") + b"\x87\x40" + HOME.packed * 2
    found = parse(header + body, RAW, 40 + len(body))
    assert (found.type, found.detail) == (name, "#7")
