"""The addressing plan and the static routes of every size of every topology, without a network."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emu.network.addressing import HOSTS, PMIPV6_LINK_LAYER, Plan, eui64_link_local, plan
from emu.network.routes import neighbours, routes
from topologies.custom import topos as kinds
from topologies.parameters import CMD, HA, LMA, MCC, Centre, EndNode, Extra, Parameters, Quality

DOMAINS = ("dmm-domain", "line")
CENTRES = {"cmd", "lma", "ha"}
ENDS = {
    "mn1": EndNode("mn"),
    "src": EndNode("source"),
    "mn2": EndNode("mn"),
    "s": EndNode("server"),
}


@pytest.fixture(
    params=[
        (kind, centre, mars, routers)
        for kind in DOMAINS
        for centre in (CMD, LMA, HA)
        for mars, routers in ((1, 1), (1, 3), (2, 2), (3, 3), (7, 5), (30, 3))
    ],
    ids=str,
)
def layout(request: pytest.FixtureRequest) -> Plan:
    kind, centre, mars, routers = request.param
    return plan(kinds[kind](Parameters(mars, routers, centre=centre), ENDS))


def test_a_radio_may_have_another_quality_down_than_up() -> None:
    radios = {"mar2": (Quality(2, rate_bps=20), Quality(3, rate_bps=5))}
    layout = plan(kinds["dmm-domain"](Parameters(access=Quality(1), radios=radios), ENDS))
    access = {end.name: end.quality for node in layout.values() for end in node.interfaces}
    assert (access["mar1-radio"], access["radio-mar1"]) == (Quality(1), Quality(1))
    assert (access["mar2-radio"], access["radio-mar2"]) == radios["mar2"]


def test_everything_is_unique_that_must_be(layout: Plan) -> None:
    interfaces = [interface for node in layout.values() for interface in node.interfaces]
    names = [interface.name for interface in interfaces]
    assert len(set(names)) == len(names)
    assert all(len(name) <= 15 for name in names)
    link_layer = [
        interface.link_layer_address
        for interface in interfaces
        if interface.link_layer_address != PMIPV6_LINK_LAYER
    ]
    assert len(set(link_layer)) == len(link_layer)
    link_local = [interface.link_local for interface in interfaces if interface.link_local]
    assert all(address.is_link_local for address in link_local)
    home_link = IPv6Address("fe80::5213:0")
    own = [address for address in link_local if address != home_link]
    assert len(set(own)) == len(own)
    prefixes = [prefix for node in layout.values() for prefix in node.prefixes()]
    assert not any(a.overlaps(b) for a in prefixes for b in prefixes if a is not b)


@pytest.mark.parametrize("kind", DOMAINS)
def test_a_second_cmd_is_every_mars_neighbour_and_that_of_the_first(kind: str) -> None:
    layout = plan(kinds[kind](Parameters(3, 3, standby=Quality(delay_ns=1)), ENDS))
    test_everything_is_unique_that_must_be(layout)
    test_every_route_leads_to_its_destination(layout)
    assert layout["cmd"].address == IPv6Address("2001:db8:ffff::3:1")
    assert layout["cmd2"].address == IPv6Address("2001:db8:ffff::3:2")
    peers = {end.peer: end.kind for end in layout["cmd2"].interfaces}
    assert peers == {"cmd": "standby", "mar1": "cmd", "mar2": "cmd", "mar3": "cmd"}
    hops = next_hops(layout)
    assert hops["cmd", f"{layout['cmd2'].address}/128"] == "cmd2"


@pytest.mark.parametrize("kind", DOMAINS)
def test_a_channel_control_of_its_own_is_every_mars_neighbour(kind: str) -> None:
    layout = plan(
        kinds[kind](Parameters(3, 3, extras=(Extra("mcc", MCC, Quality(delay_ns=7)),)), ENDS)
    )
    test_everything_is_unique_that_must_be(layout)
    test_every_route_leads_to_its_destination(layout)
    assert layout["mcc"].address == IPv6Address("2001:db8:ffff::9:1")
    ends = layout["mcc"].interfaces
    assert {end.peer: end.quality.delay_ns for end in ends} == {"mar1": 7, "mar2": 7, "mar3": 7}
    hops = next_hops(layout)
    assert {hops[f"mar{n}", f"{layout['mcc'].address}/128"] for n in (1, 2, 3)} == {"mcc"}


@pytest.mark.parametrize("kind", DOMAINS)
def test_a_scheme_may_have_anchors_beside_the_centre(kind: str) -> None:
    relay = Centre("relay", 21, IPv6Network("2001:db8:b000::/48"))
    extra = Extra("relay1", relay, Quality(delay_ns=7), Quality(delay_ns=5), mars=("mar1", "mar3"))
    layout = plan(kinds[kind](Parameters(3, 3, centre=HA, extras=(extra,)), ENDS))
    test_everything_is_unique_that_must_be(layout)
    test_every_route_leads_to_its_destination(layout)
    assert layout["relay1"].address == IPv6Address("2001:db8:ffff::21:1")
    ends = {end.peer: (end.kind, end.quality.delay_ns) for end in layout["relay1"].interfaces}
    assert ends == {"mar1": ("relay", 7), "mar3": ("relay", 7), "mr1": ("home", 5)}
    hops = next_hops(layout)
    assert {hops[f"mar{n}", str(relay.pool)] for n in (1, 3)} == {"relay1"}


def test_every_mar_is_the_same_router_to_a_mobile_node_of_an_lma(layout: Plan) -> None:
    """RFC 5213 section 6.8."""
    access = [end for node in layout.values() for end in node.interfaces if end.kind == "access"]
    link_local = {end.link_local for end in access if end.link_local}
    expected = 1 if "lma" in layout else len([n for n in layout.values() if n.role == "mar"])
    assert len(link_local) == expected


def test_every_route_leads_to_its_destination(layout: Plan) -> None:
    hops = next_hops(layout)
    for destination in layout.values():
        for prefix in destination.prefixes():
            for start in layout.values():
                if not start.is_router:
                    continue
                path = [start.name]
                while (path[-1], str(prefix)) in hops and len(path) <= len(layout):
                    path.append(hops[path[-1], str(prefix)])
                assert path[-1] == destination.name
                if start.role == destination.role == "mar":
                    through = {layout[name].role for name in path[1:-1]}
                    assert through <= {"ix", "mar"}, "MARs reach each other by the backhaul only"
                centres = {start.role, destination.role} & set(CENTRES)
                if centres and "mar" in (start.role, destination.role):
                    assert len(path) == 2, "every MAR is the centre's neighbour"
                if not centres:
                    through = {layout[name].role for name in path}
                    assert not through & set(CENTRES), "nobody goes through the centre"


def test_every_wire_between_fixed_nodes_has_permanent_neighbours(layout: Plan) -> None:
    for node, entries in neighbours(layout).items():
        wires = [end for end in layout[node].interfaces if end.kind not in ("access", "wireless")]
        lans = [end for end in wires if end.lan]
        assert len(entries) == (len(wires) + len(lans) if node != "radio" else 0)


def test_a_router_looks_for_nobody_but_the_host_on_a_lan(layout: Plan) -> None:
    """Nor does the host for anybody: its routes are the default one."""
    all_routes, all_neighbours = routes(layout), neighbours(layout)
    for node in layout.values():
        commands, known = all_routes[node.name], " ".join(all_neighbours[node.name])
        for end in (end for end in node.interfaces if end.lan):
            host = layout[end.peer].address
            if node.role in HOSTS:
                assert all(command.startswith("::/0 via") for command in commands)
            else:
                assert f"{host} dev {end.name}" in commands
                assert f"unreachable {end.lan.network}" in commands
                assert f"{host} lladdr {layout[end.peer].interfaces[0].link_layer_address}" in known


@pytest.mark.parametrize("kind", DOMAINS)
def test_each_of_two_domains_has_a_cmd_of_its_own(kind: str) -> None:
    layout = plan(kinds[kind](Parameters(4, second_domain=("mar3", "mar4")), ENDS))
    test_everything_is_unique_that_must_be(layout)
    centres = [
        end.peer for n in range(1, 5) for end in layout[f"mar{n}"].interfaces if end.kind == "cmd"
    ]
    assert centres == ["cmd", "cmd", "cmd2", "cmd2"]
    assert str(layout["cmd2"].address) == "2001:db8:ffff::3:2"


def next_hops(layout: Plan) -> dict[tuple[str, str], str]:
    """By node and prefix, where the node's one route of that prefix leads."""
    owner = {
        str(interface.link_local): node.name
        for node in layout.values()
        for interface in node.interfaces
    }
    hops: dict[tuple[str, str], str] = {}
    for node, commands in routes(layout).items():
        elsewhere = [command for command in commands if " via " in command]
        for prefix, via, gateway, *_ in map(str.split, elsewhere):
            assert via == "via"
            assert (node, prefix) not in hops
            hops[node, prefix] = owner[gateway]
    return hops


def test_numbers_are_written_in_decimal() -> None:
    layout = plan(kinds["line"](Parameters(mars=12), ENDS))
    assert layout["mar12"].pool == IPv6Network("2001:db8:12::/48")
    assert layout["mar12"].address == IPv6Address("2001:db8:ffff::1:12")


def test_eui64() -> None:
    """The example of RFC 4291 appendix A: 34-56-78-9A-BC-DE makes 3656:78ff:fe9a:bcde."""
    assert eui64_link_local("34:56:78:9a:bc:de") == IPv6Address("fe80::3656:78ff:fe9a:bcde")


def test_long_names_are_refused() -> None:
    with pytest.raises(ValueError, match="longer than 9"):
        kinds["line"](Parameters(), {"mobile-node": EndNode("mn")})


@given(
    st.integers(0, 10**9), st.integers(0, 10**9), st.floats(0, 1), st.none() | st.integers(1, 10**9)
)
def test_two_halves_make_a_whole(delay: int, jitter: int, loss: float, rate: int | None) -> None:
    half = Quality(delay, jitter, loss, rate).half()
    assert 2 * half.delay_ns == pytest.approx(delay, abs=1)
    assert 2 * half.jitter_ns == pytest.approx(jitter, abs=1)
    assert 1 - (1 - half.loss) ** 2 == pytest.approx(loss, abs=1e-9)
    assert half.rate_bps == rate


def test_hosts_of_an_internet_reach_each_other_by_one_router() -> None:
    far, lossy = Quality(delay_ns=7), Quality(loss=0.5)
    hosts = {"s1": EndNode("i3-server"), "c1": EndNode("i3-client"), "c2": EndNode("i3-client")}
    between = {("s1", "c1"): far, ("c1", "s1"): lossy}
    layout = plan(kinds["internet"](Parameters(between=between), hosts))
    assert [name for name, node in layout.items() if node.role != "radio"] == ["ix", *hosts]
    addresses = {name: layout[name].address for name in hosts}
    assert len(set(addresses.values())) == 3
    assert layout["s1"].interfaces[0].toward == {addresses["c1"]: far}
    assert layout["c1"].interfaces[0].toward == {addresses["s1"]: lossy}
    assert not any(end.toward for end in layout["ix"].interfaces)
    found = routes(layout)
    assert all(route.startswith("::/0 via") for name in hosts for route in found[name])
