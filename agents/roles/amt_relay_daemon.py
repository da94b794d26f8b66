"""A relay of AMT on a host with native multicast: joins what gateways want, and sends it on."""

from __future__ import annotations

import os
import socket
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv4Address, IPv6Address
from random import SystemRandom
from typing import Any

from agents.core import Action
from agents.kernel.group_memberships import GroupMemberships
from agents.kernel.group_socket import GroupSocket
from agents.kernel.overlay_socket import OverlaySocket
from agents.kernel.too_big import TooBig
from agents.kernel.unreachable import Unreachables
from agents.multicast.filters import Filter, FilterMode
from agents.multicast.link_router import SetWanted
from agents.overlay.actions import SendDatagram
from agents.overlay.amt.actions import PacketTooBig
from agents.overlay.amt.config import RelayConfig
from agents.overlay.amt.packets import read_data
from agents.roles.amt_relay import AmtRelay
from agents.roles.daemon import BUDGET, Daemon
from agents.wire import ipv4, ipv6
from agents.wire.addresses import is_link_scope, mapped
from agents.wire.amt import RelayDiscovery
from agents.wire.errors import MalformedPacket
from agents.wire.i3 import address_and_port

_DISCOVERY = bytes((RelayDiscovery.TYPE,))


@dataclass(frozen=True)
class RelayOptions:
    """What the operator says."""

    name: str
    interface: str
    """Where native multicast is."""
    addresses: tuple[IPv4Address | IPv6Address, ...]
    """Where gateways reach it: at most one of each IP version."""
    discovery: tuple[IPv4Address | IPv6Address, ...]
    """Anycast addresses where gateways look for a relay."""
    port: int
    config: RelayConfig
    query: str
    """Path of the socket that tells the status."""
    log: str | int
    """Path of the event log, or a descriptor."""


class AmtRelayDaemon:
    """Joins the relay to its UDP sockets and to the interface with native multicast."""

    def __init__(self, options: RelayOptions) -> None:
        self._options = options
        daemon = self._daemon = Daemon(options.name, options.log)
        self._groups = GroupSocket(options.interface)
        self._memberships = GroupMemberships(options.interface)
        self._errors = TooBig()
        self._unreachables = Unreachables(options.port)
        self._sockets: dict[bool, OverlaySocket] = {}
        """Those of the unicast addresses, by whether it is one of IPv6."""
        self._core = AmtRelay(
            options.config, options.addresses, SystemRandom(), time.monotonic_ns()
        )
        self._answering: OverlaySocket | None = None
        """From where an answer goes: from where the question came to."""
        self.counters: Counter[str] = Counter()
        for address in (*options.addresses, *options.discovery):
            self._open(address, unicast=address in options.addresses)
        daemon.on(SendDatagram, self._send)
        daemon.on(SetWanted, self._want)
        daemon.on(PacketTooBig, self._tell)
        daemon.watch(self._groups.fileno(), self._read)
        for source in self._unreachables.sockets:
            daemon.watch(source.fileno(), partial(self._hear, source))
        daemon.answer(options.query, self._state)

    def run(self) -> None:
        """Serve until told to stop."""
        try:
            self._daemon.run(self._leave)
        finally:
            os.unlink(self._options.query)

    def _leave(self) -> None:
        """The kernel takes its memberships back with the process, and tells so."""
        self._daemon.log.write("state", overlay=self._state())
        self._memberships.close()

    def _open(self, address: IPv4Address | IPv6Address, *, unicast: bool) -> None:
        bound = mapped(address) if isinstance(address, IPv4Address) else address
        opened = OverlaySocket(self._options.port, address=bound, whole=True)
        if unicast:
            self._sockets[isinstance(address, IPv6Address)] = opened
        self._daemon.watch(opened.fileno(), partial(self._receive, opened, unicast))

    def _receive(self, opened: OverlaySocket, unicast: bool) -> None:
        """Control messages of gateways; to an anycast address there is one only."""
        for _ in range(BUDGET):
            received = opened.receive()
            if received is None:
                return
            datagrams, sender, ecn = received
            if not unicast:
                datagrams = [each for each in datagrams if each[:1] == _DISCOVERY]
            self._answering = opened
            self._carry_out(self._core.receive_run(datagrams, sender, time.monotonic_ns(), ecn))
            self._answering = None

    def _hear(self, source: socket.socket) -> None:
        """ICMP about what went to gateways."""
        for _ in range(BUDGET):
            came, gateway = self._unreachables.receive(source)
            if not came:
                return
            if gateway is not None:
                self._carry_out(self._core.unreachable(gateway, time.monotonic_ns()))

    def _read(self) -> None:
        """Packets to groups."""
        for _ in range(BUDGET):
            packet = self._groups.read()
            if packet is None:
                return
            try:
                self._take(packet)
            except MalformedPacket:
                self._daemon.count_malformed()

    def _take(self, packet: bytes) -> None:
        """A packet goes one hop further by the tunnels (RFC 7450 section 5.3.3.6)."""
        whole, source, group = read_data(packet)
        if is_link_scope(group):
            return
        onward = (ipv4 if whole[0] >> 4 == 4 else ipv6).forwarded(whole)
        if onward is None:
            self.counters["hop limit"] += 1
            return
        self._carry_out(self._core.send(onward, source, group, time.monotonic_ns()))

    def _carry_out(self, actions: list[Action]) -> None:
        self._daemon.carry_out(self._core, actions)

    def _send(self, action: SendDatagram) -> None:
        """By the socket that was asked, or the one of the gateways' IP version."""
        first = action.destinations[0]
        is_v6 = address_and_port(first)[0].ipv4_mapped is None
        by = self._answering or self._sockets[is_v6]
        unsent = by.send(action.datagram, action.destinations, action.traffic_class)
        self.counters["sent"] += len(action.destinations) - unsent
        self.counters["unsendable"] += unsent

    def _want(self, action: SetWanted) -> None:
        """Join natively what the gateways want of a group; the relay filters the rest."""
        if not action.wanted:
            self._memberships.leave(action.group)
        elif not self._memberships.want(action.group, _sources(action.wanted)):
            self.counters["not joined"] += 1

    def _tell(self, action: PacketTooBig) -> None:
        self._errors.tell(action.packet, action.mtu)

    def _state(self) -> dict[str, Any]:
        status = self._core.status(time.monotonic_ns())
        link = {"interface": self._options.interface, "groups": status["groups"], **self.counters}
        return {"name": self._options.name, "protocol": "amt-relay", **status, "link": link}


def _sources(wanted: Filter) -> frozenset[IPv6Address] | None:
    return wanted.sources if wanted.mode is FilterMode.INCLUDE else None
