"""Which tunnels of a home agent have MLD: those with a home address behind them, if they fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network
from typing import Any

import pytest

from agents.kernel.mroute import MAXIMUM_INTERFACES
from agents.roles.home_multicast import HomeMulticast
from emu.scenario import ScenarioError, parse
from tests.unit.scenarios import spoiled

HOME1, HOME2 = IPv6Address("2001:db8:a000::a1"), IPv6Address("2001:db8:a000::a2")
MN1 = IPv6Address("fe80::a1")


@dataclass(eq=False)
class Device:
    name: str
    remote: IPv6Address = HOME1
    link_local: IPv6Address = MN1


@dataclass
class Multicast:
    """Notes what it is told."""

    links: list[str] = field(default_factory=list)
    moves: list[Any] = field(default_factory=list)
    places: dict[IPv6Network, str | None] = field(default_factory=dict)
    """By which tunnel what home addresses send is believed."""

    def add_tunnel(self, name: str, link_local: IPv6Address, **ways: bool) -> None:
        assert name not in self.links
        self.links.append(name)

    def remove_link(self, name: str) -> None:
        self.links.remove(name)

    def follow(self, host: IPv6Address, link: str, previous_link: str | None) -> None:
        assert {link, previous_link or link} <= set(self.links)
        self.moves.append((host, link, previous_link))

    def away(self, prefix: IPv6Network, link: str | None) -> None:
        assert link is None or link in self.links
        self.places[prefix] = link


@dataclass
class Daemon:
    lines: list[str] = field(default_factory=list)

    @property
    def log(self) -> Daemon:
        return self

    def on(self, action: type, handler: Any) -> None: ...

    def write(self, kind: str, **fields: Any) -> None:
        self.lines.append(kind)


def part() -> tuple[Any, Multicast, Daemon]:
    daemon, multicast = Daemon(), Multicast()
    return HomeMulticast(daemon, multicast), multicast, daemon  # type: ignore[arg-type]


def test_a_listener_is_followed_from_tunnel_to_tunnel():
    home, multicast, _ = part()
    first, second = Device("tun-1"), Device("tun-2")
    home.moved(HOME1, None, first)
    home.moved(HOME1, first, second)
    assert multicast.moves == [(MN1, "tun-1", None), (MN1, "tun-2", "tun-1")]
    assert multicast.links == ["tun-2"]
    assert multicast.places == {IPv6Network(HOME1): "tun-2"}
    home.moved(HOME1, second, second)  # a refresh
    home.moved(HOME1, second, None)
    assert multicast.links == []


def test_a_tunnel_that_two_share_stays_for_the_one_that_stays():
    home, multicast, _ = part()
    shared = Device("tun-1")
    home.moved(HOME1, None, shared)
    home.moved(HOME2, None, shared)
    home.moved(HOME1, shared, None)
    assert multicast.links == ["tun-1"]
    home.moved(HOME2, shared, None)
    assert multicast.links == []


def test_more_than_the_kernel_has_room_for_are_refused():
    home, multicast, daemon = part()
    devices = [Device(f"tun-{number}") for number in range(MAXIMUM_INTERFACES)]
    for number, device in enumerate(devices):
        home.moved(HOME1 + number, None, device)
    assert len(multicast.links) == MAXIMUM_INTERFACES - 1  # one is the upstream
    assert daemon.lines == ["refused"]
    home.moved(HOME1 + len(devices) - 1, devices[-1], None)
    home.moved(HOME1, devices[0], None)
    home.moved(HOME2, None, devices[-1])
    assert "tun-31" in multicast.links


def test_a_scenario_with_more_mobile_nodes_than_tunnels_is_refused():
    more = "".join(f"  mn{number}: {{role: mn, attach: mar1}}\n" for number in range(3, 32))
    text = spoiled("  src:", more + "  src:")
    text = text.replace("variant: proxy", "scheme: mipv6").replace(
        "mld-dmm", "bidirectional-tunnel"
    )
    with pytest.raises(ScenarioError) as refusal:
        parse(text.encode(), "many.yaml")
    assert "nodes: gives ha 33 multicast interfaces" in str(refusal.value)
    assert "write at most 30 mobile nodes" in str(refusal.value)
    parse(text.replace("  mn31: {role: mn, attach: mar1}\n", "").encode(), "many.yaml")
