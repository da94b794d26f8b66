"""The access side of a router that serves mobile nodes: L2 triggers and Router Advertisements."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address, IPv6Network
from pathlib import Path
from typing import Any, Protocol

from agents.core import Action, Core
from agents.kernel.netlink import set_sysctl
from agents.kernel.sockets import Frame
from agents.mobility import actions
from agents.roles.daemon import Daemon
from agents.roles.guard_part import GuardPart, guard
from agents.roles.hook import Hook
from agents.roles.link_port import Handler, LinkPort
from agents.wire import ipv6, ndp
from agents.wire.errors import MalformedPacket

ALL_NODES = IPv6Address("ff02::1")
TRIGGERS = 1024
"""How many mobile nodes may come or go at once; of itself the kernel keeps 10 datagrams."""
_STRANGERS = 16
"""Of how many hosts that nobody knows it is said that they are here."""
_TRIGGER_DELAY_S = 1.0
"""How late a Link_Up trigger may be."""


class AccessCore(Core, Protocol):
    """A core that is told of the mobile nodes on an access link."""

    def attach(self, mobile_node: actions.MobileNode, now: int) -> list[Action]:
        """A mobile node came up on the access link (a Link_Up trigger)."""

    def going_down(self, identifier: str, to: IPv6Address, now: int) -> list[Action]:
        """A mobile node is about to be handed over (a Link_Going_Down trigger)."""
        return []

    def detach(self, identifier: str, now: int) -> list[Action]:
        """A mobile node went off the access link (a Link_Down trigger)."""

    def solicit(self, identifier: str, now: int) -> list[Action]:
        """A mobile node sent a Router Solicitation."""
        return []


Attach = Callable[["actions.MobileNode", "IPv6Address | None", int], list[Action]]


class AccessPart:
    """Joins a core to Router Advertisements, Router Solicitations and L2 triggers.

    ``peers`` are the names of the domain's access routers by their addresses.
    """

    def __init__(
        self,
        daemon: Daemon,
        core: AccessCore,
        link_layer_address: bytes,
        peers: Mapping[IPv6Address, str],
        guard: GuardPart | None = None,
    ) -> None:
        self.attach: Attach
        self.on_link_up: Hook[actions.MobileNode] = Hook()
        self.on_link_down: Hook[bytes] = Hook()
        """Of the link-layer address."""
        self.on_advertising: Hook[actions.Advertise] = Hook()
        """Before the mobile node is told."""
        self.attach = lambda mobile_node, previous, now: core.attach(mobile_node, now)
        """What the core makes of a Link_Up trigger, which may say where the node was before."""
        self._daemon = daemon
        self._core = core
        self._link_layer_address = link_layer_address
        self._addresses = {name: address for address, name in peers.items()}
        self.guard = guard
        self.port: LinkPort
        self._identifiers: dict[bytes, str] = {}
        self._link_layer_addresses: dict[str, bytes] = {}
        self._names: dict[bytes, str] = {}
        """Identifiers by interface identifiers."""
        self._strangers: set[bytes] = set()
        daemon.on(actions.Advertise, self._advertise)
        if guard is not None:
            self.on_advertising.add(guard.advertises)
            self.on_link_down.add(guard.left)

    def listen_for_triggers(self, path: str) -> None:
        """Take the access point's Link_Up, Link_Going_Down and Link_Down from a datagram socket."""
        set_sysctl("net/unix/max_dgram_qlen", TRIGGERS)
        self._triggers = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        Path(path).unlink(missing_ok=True)  # of an agent that was killed
        self._triggers.bind(path)
        self._daemon.watch(self._triggers.fileno(), self._trigger)

    def solicited(self, frame: Frame, packet: ipv6.IPv6Packet, link: str) -> None:
        """A Router Solicitation came in on the access link (RFC 4861 section 6.1.1)."""
        if packet.hop_limit != ndp.HOP_LIMIT:
            raise MalformedPacket(f"Router Solicitation with hop limit {packet.hop_limit}")
        ndp.decode(packet.payload, packet.source, packet.destination)
        identifier = self._identifiers.get(frame.link_layer_source)
        if identifier:
            self._carry_out(self._core.solicit(identifier, time.monotonic_ns()))
        else:
            self._unknown(frame.link_layer_source, link)

    def _unknown(self, link_layer_address: bytes, link: str) -> None:
        """A host is here of which no Link_Up trigger has told, unless that is on its way.

        It is said once of each, and of some only: anybody can send from many addresses.
        """
        if link_layer_address in self._strangers or len(self._strangers) >= _STRANGERS:
            return
        self._strangers.add(link_layer_address)
        self._daemon.after(_TRIGGER_DELAY_S, lambda: self._say_unknown(link_layer_address, link))

    def _say_unknown(self, link_layer_address: bytes, link: str) -> None:
        if link_layer_address in self._identifiers:
            self._strangers.discard(link_layer_address)
            return
        address = link_layer_address.hex(":")
        self._daemon.log.write("unknown_host", link_layer_address=address, link=link)

    def name_of(self, host: IPv6Address) -> str | None:
        """The identifier of the mobile node whose address this is; None: of none known.

        Whatever the prefix, they have the interface identifier of their link-layer address.
        """
        return self._names.get(host.packed[8:])

    def link_layer_address_of(self, identifier: str) -> bytes:
        """Where on L2 a mobile node is that has been here."""
        return self._link_layer_addresses[identifier]

    def _carry_out(self, answer: list[Action]) -> None:
        self._daemon.carry_out(self._core, answer)

    def _trigger(self) -> None:
        trigger = json.loads(self._triggers.recv(4096))
        now = time.monotonic_ns()
        if trigger["trigger"] == "link_up":
            link_layer_address = bytes.fromhex(trigger["link_layer_address"].replace(":", ""))
            self._identifiers[link_layer_address] = trigger["mn"]
            self._link_layer_addresses[trigger["mn"]] = link_layer_address
            self._names[ipv6.link_local(link_layer_address).packed[8:]] = trigger["mn"]
            mobile_node = actions.MobileNode(trigger["mn"], link_layer_address)
            previous = self._addresses.get(trigger.get("previous"))
            self._carry_out(self.attach(mobile_node, previous, now))
            self.on_link_up(mobile_node)
        elif trigger["trigger"] == "link_going_down":
            to = self._addresses.get(trigger["to"])
            if to is not None:  # with another domain nothing can be prepared
                self._carry_out(self._core.going_down(trigger["mn"], to, now))
        else:
            self._carry_out(self._core.detach(trigger["mn"], now))
            if trigger["mn"] in self._link_layer_addresses:
                self.on_link_down(self._link_layer_addresses[trigger["mn"]])

    def _advertise(self, action: actions.Advertise) -> None:
        """Send a Router Advertisement to one mobile node alone.

        It goes to all nodes in a frame for that one (RFC 6085): its link-local address may still
        be tentative.
        """
        self.on_advertising(action)
        prefixes = [
            ndp.PrefixInformation(p.prefix, p.valid_lifetime, p.preferred_lifetime)
            for p in action.prefixes
        ]
        if action.home_agent is not None:
            prefixes.append(_router_address(action.home_agent, action.router_lifetime))
        message = ndp.RouterAdvertisement(
            hop_limit=64,
            router_lifetime=action.router_lifetime,
            prefixes=tuple(prefixes),
            source_link_layer_address=self._link_layer_address,
            home_agent=action.home_agent is not None,
            maps=action.maps,
        )
        payload = ndp.encode(message, action.router, ALL_NODES)
        packet = ipv6.packet(
            action.router, ALL_NODES, ipv6.ICMPV6, payload, hop_limit=ndp.HOP_LIMIT
        )
        self.port.send(packet, action.mobile_node.link_layer_address)
        self._daemon.log.write(
            "advertised",
            mn=action.mobile_node.identifier,
            router=action.router,
            prefixes=[p.prefix for p in action.prefixes],
        )


def _router_address(address: IPv6Address, lifetime: int) -> ndp.PrefixInformation:
    """Says nothing about a prefix, but the router's address in it (RFC 6275 section 7.2)."""
    prefix = IPv6Network((address, 64), strict=False)
    return ndp.PrefixInformation(
        prefix, lifetime, lifetime, on_link=False, autonomous=False, router=address
    )


def access_link(
    daemon: Daemon, core: AccessCore, config: Mapping[str, Any], mobility: Handler | None = None
) -> AccessPart:
    """The access link of a router, as a scheme's `Agents` tells of it, joined to a core.

    ``mobility`` gets the Mobility Header packets that pass there.
    """
    peers = {IPv6Address(address): name for address, name in config["peers"].items()}
    link_layer_address = bytes.fromhex(config["link_layer_address"].replace(":", ""))
    guarding = guard(daemon, config["access"], wanted=config["source_guard"])
    part = AccessPart(daemon, core, link_layer_address, peers, guarding)
    handlers: dict[int, Handler] = {ndp.ROUTER_SOLICITATION: part.solicited}
    part.port = LinkPort(daemon, config["access"], handlers, mobility)
    part.listen_for_triggers(config["trigger"])
    return part
