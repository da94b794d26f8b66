"""The addressing plan: every name, number and address of a network, computed from its topology.

===================  ======================================  ==================================
what                 value                                   n, k, i, j
===================  ======================================  ==================================
router's address     ``2001:db8:ffff::<role>:<k>/128``       role: mar 1, mr 2, cmd 3, ix 4, lma 7,
                                                              ha 8, mcc 9 (a centre: `Centre`)
MAR's prefix pool    ``2001:db8:<k>::/48``                   k: the number in the MAR's name
router link-local    ``fe80::<role>:<k>:<i>``                i: the node's i-th interface
MAR access interface ``fe80::5213:<k>``, 00:00:5e:00:52:13   RFC 8885 DLIF; RFC 6543 address;
                                                              with an lma k is 0 (RFC 5213)
home prefix pool      ``2001:db8:a000::/48``                  of the lma or the ha
source, server LAN   ``2001:db8:5e00:<j>::/64``, host ``::2``  j: order in the scenario
host on an island     ``2001:db8:1515:<i>::<j>/64``          i: of the island, j: in the scenario
link-layer address   ``02:<role>:<k>:<k>:<i>:<i>``           mn 0, source or server 5, radio 6
===================  ======================================  ==================================

Numbers k and j are written in decimal, so that mar12 owns 2001:db8:12::/48.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Interface, IPv6Network
from typing import TYPE_CHECKING

from topologies.parameters import ISLAND, ISLAND_LINK, ISLANDER, Centre, Quality

if TYPE_CHECKING:
    from topologies.base import Base

HOSTS = ("source", "server", "i3-server", "i3-client", "member")
"""Roles of hosts that stay where they are, each on a LAN of its own."""
ROLES = {"mn": 0, "mar": 1, "mr": 2, "cmd": 3, "ix": 4, **dict.fromkeys(HOSTS, 5), "radio": 6,
         ISLANDER: 5, ISLAND: 10}  # fmt: skip
"""Those besides what is in the centre, which brings its number with it."""
_NO_ROUTERS = ("mn", "radio", *HOSTS, ISLANDER, ISLAND)
ROUTER_PREFIXES = (IPv6Network("2001:db8:ffff::/48"), IPv6Network("fe80::5213:0/112"))
"""Of the addresses of routers, and of those that MARs have on access links."""
PMIPV6_LINK_LAYER = "00:00:5e:00:52:13"
"""The link-layer address that every MAR has on its access interface (RFC 6543 section 3)."""


@dataclass(frozen=True)
class Interface:
    """One end of a link."""

    name: str
    node: str
    peer: str
    peer_interface: str
    kind: str
    """access, wireless, backhaul, cmd, standby, core, home, spine, lan, isle, or of an extra."""
    quality: Quality
    """What it does to the packets that are sent from here."""
    metric: int
    link_layer_address: str
    link_local: IPv6Address | None
    """None on the switch."""
    lan: IPv6Interface | None = None
    """The global address, on the LAN of a host only."""
    toward: Mapping[IPv6Address, Quality] = field(default_factory=dict)
    """What is sent to these addresses meets this quality in the place of the link's."""


@dataclass(frozen=True)
class Node:
    """A node's place in the plan."""

    name: str
    role: str
    number: int
    interfaces: tuple[Interface, ...]
    is_router: bool
    address: IPv6Address | None
    """Routers: on the loopback. Sources and servers: on their LAN, hosts of an island: there.
    Others have none."""
    pool: IPv6Network | None
    """MARs and anchors: the prefixes that it assigns to mobile nodes are /64s of this."""

    def prefixes(self) -> Iterator[IPv6Network]:
        """What the rest of the network routes to this node."""
        if self.is_router and self.address is not None:
            yield IPv6Network(self.address)
        if self.pool is not None:
            yield self.pool
        for interface in self.interfaces:
            if interface.lan is not None and self.is_router:
                yield interface.lan.network


Plan = dict[str, Node]
"""Nodes by name, in the order in which the topology made them."""


@dataclass(frozen=True)
class _Identity:
    """What addresses are made of."""

    name: str
    role: str
    code: int
    """Of the role."""
    number: int
    """The one in a name that the topology made, or 1; the order of what the scenario added."""
    centre: Centre | None

    @property
    def is_router(self) -> bool:
        return self.role not in _NO_ROUTERS


def plan(topology: Base) -> Plan:
    """Number and address everything in the topology."""
    identities = _identities(topology)
    same_home_link = any(one.centre and one.centre.one_link for one in identities.values())
    lans = _lans(topology)
    ends: dict[str, list[Interface]] = {name: [] for name in topology.g.nodes()}
    for _, _, link in topology.links(withInfo=True):
        toward = {_host(lans[name]): quality for name, quality in link["toward"].items()}
        forward = (link["node1"], link["intfName1"], link["node2"], link["intfName2"])
        backward = (*forward[2:], *forward[:2])
        ways = ((*forward, link["quality"]), (*backward, link["back"]))
        for node, name, peer, peer_interface, quality in ways:
            here, index, kind = identities[node], len(ends[node]) + 1, link["kind"]
            layer2 = _link_layer_address(here, index, kind)
            lan = lans[node] if node in lans else lans.get(peer)
            far = identities[peer]
            interface = Interface(
                name,
                node,
                peer,
                peer_interface,
                kind,
                quality,
                link["metric"],
                layer2,
                _link_local(here, index, kind, layer2, same_home_link=same_home_link),
                _on_island(here, far) if kind == ISLAND_LINK else _on_lan(lan, here, kind),
                toward if node == link["node1"] else {},
            )
            ends[node].append(interface)
    return {name: _node(identities[name], tuple(interfaces)) for name, interfaces in ends.items()}


def _identities(topology: Base) -> dict[str, _Identity]:
    found: dict[str, _Identity] = {}
    named = 0
    for name, attributes in topology.g.nodes(data=True):
        role, centre = attributes["role"], attributes.get("centre")
        if role in ("mn", *HOSTS, ISLANDER, ISLAND):
            named += 1
            number = named
        else:
            number = int(re.sub(r"\D", "", name) or 1)
        code = centre.number if centre else ROLES[role]
        found[name] = _Identity(name, role, code, number, centre)
    return found


def _lans(topology: Base) -> dict[str, IPv6Network]:
    """The LAN prefix of every source and server."""
    hosts = [
        name for name, attributes in topology.g.nodes(data=True) if attributes["role"] in HOSTS
    ]
    return {name: host_lan(index) for index, name in enumerate(hosts, start=1)}


def host_lan(number: int) -> IPv6Network:
    """The LAN prefix of a source, a server or another host, by its number in the scenario."""
    return IPv6Network(f"2001:db8:5e00:{number}::/64")


def host_address(number: int) -> IPv6Address:
    """Its address."""
    return _host(host_lan(number))


def _host(lan: IPv6Network) -> IPv6Address:
    return lan[2]


def _on_lan(lan: IPv6Network | None, who: _Identity, kind: str) -> IPv6Interface | None:
    if lan is None or kind != "lan":
        return None
    return IPv6Interface((lan[1] if who.is_router else _host(lan), 64))


def _on_island(who: _Identity, island: _Identity) -> IPv6Interface | None:
    """The address of a host on an island; the Ethernet itself has none."""
    if who.role == ISLAND:
        return None
    return IPv6Interface((IPv6Network(f"2001:db8:1515:{island.number}::/64")[who.number], 64))


def _link_layer_address(who: _Identity, index: int, kind: str) -> str:
    if who.role == "mar" and kind == "access":
        return PMIPV6_LINK_LAYER
    octets = bytes([2, who.code]) + who.number.to_bytes(2, "big") + index.to_bytes(2, "big")
    return octets.hex(":")


def _link_local(
    who: _Identity, index: int, kind: str, layer2: str, *, same_home_link: bool
) -> IPv6Address | None:
    if who.role in ("radio", ISLAND):
        return None
    if not who.is_router:
        return eui64_link_local(layer2)
    if who.role == "mar" and kind == "access":
        return IPv6Address(f"fe80::5213:{0 if same_home_link else who.number}")
    return IPv6Address(f"fe80::{who.code}:{who.number}:{index}")


def eui64_link_local(link_layer_address: str) -> IPv6Address:
    """The link-local address that a host makes of its link-layer address (RFC 4291 appendix A)."""
    octets = bytes.fromhex(link_layer_address.replace(":", ""))
    identifier = bytes([octets[0] ^ 2]) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return IPv6Address(b"\xfe\x80" + bytes(6) + identifier)


def _node(who: _Identity, interfaces: tuple[Interface, ...]) -> Node:
    address = None
    if who.is_router:
        address = IPv6Address(f"2001:db8:ffff::{who.code}:{who.number}")
    elif who.role in (*HOSTS, ISLANDER) and interfaces[0].lan is not None:
        address = interfaces[0].lan.ip
    return Node(who.name, who.role, who.number, interfaces, who.is_router, address, _pool(who))


def _pool(who: _Identity) -> IPv6Network | None:
    if who.role == "mar":
        return IPv6Network(f"2001:db8:{who.number}::/48")
    return who.centre.pool if who.centre else None
