"""A member of an overlay on a host: IP multicast for its programs, over unicast UDP only."""

from __future__ import annotations

import errno
import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address
from random import SystemRandom
from typing import TYPE_CHECKING, Any

from agents.kernel.address_changes import AddressChanges
from agents.kernel.island_interface import IslandInterface
from agents.kernel.overlay_socket import OverlaySocket
from agents.kernel.virtual_interface import Address, VirtualInterface, local_addresses
from agents.multicast.filters import FilterMode
from agents.multicast.island import Network
from agents.multicast.link_router import SetWanted
from agents.overlay.actions import Deliver, DeliverPackets, SendDatagram, SendDatagrams
from agents.overlay.data_path import Capacity
from agents.overlay.interface import Overlay, Place
from agents.roles.daemon import BUDGET, Daemon
from agents.roles.overlay_link import OverlayLink
from agents.roles.overlay_side import Side, of_island, virtual
from agents.wire.addresses import mapped, unmapped
from agents.wire.i3 import Endpoint, endpoint
from agents.wire.overlay_items import Interest

if TYPE_CHECKING:
    from agents.kernel.replication import Replication

_REFRESH_S = 1.0


@dataclass(frozen=True)
class Keys:
    """The shared secrets by number, and which of them seals; none: nothing is encrypted."""

    secrets: Mapping[int, bytes]
    current: int


@dataclass(frozen=True)
class OverlayOptions:
    """What the operator says."""

    name: str
    protocol: str
    make: Callable[[Place], Overlay]
    """Makes a member that speaks the protocol."""
    interface: str
    tap: bool
    addresses: tuple[Address, ...]
    """Of the virtual interface."""
    networks: tuple[Network, ...] | None
    """None: the interface is a virtual one. Else it is there already, and leads to an island: of
    what networks its hosts are, besides those of the interface's addresses."""
    mtu: int
    default: bool
    port: int
    underlay_mtu: int | None
    """At which IPv6 datagrams are fragmented; None: at what routers tell."""
    known_as: tuple[IPv6Address, ...]
    """Our addresses as others see them, mapped; empty: those of this host."""
    reachable: bool | None
    seeds: tuple[Endpoint, ...]
    keys: Keys
    link_scope: bool
    in_kernel: Capacity | None
    """What a data path in the kernel is to be ready for; None: this program carries the data."""
    threshold: int
    """Packets with no more hops left than this are not carried."""
    query_interval: int
    """Between general queries on the virtual interface, ns."""
    query: str
    """Path of the socket that tells the status."""
    log: str | int
    """Path of the event log, or a descriptor."""
    igmp: int = 3
    mld: int = 2
    """The oldest version that another router on the link speaks."""


class OverlayDaemon:
    """Joins a member's core to the virtual link and to a UDP port."""

    def __init__(self, options: OverlayOptions, new_keys: Callable[[], Keys | None]) -> None:
        self._options, self._new_keys = options, new_keys
        daemon = self._daemon = Daemon(options.name, options.log)
        together = options.in_kernel is None
        self._socket = OverlaySocket(options.port, options.underlay_mtu, together=together)
        self._interface, side = _link_of(options)
        self._path = _data_path(options)
        self._changes = AddressChanges()
        self._endpoints = self._local()
        self._core = options.make(
            Place(
                options.name,
                self._endpoints,
                options.seeds,
                options.keys.secrets,
                options.keys.current,
                SystemRandom(),
                time.monotonic_ns(),
                options.reachable,
                self._path,
            )
        )
        daemon.log.write(
            "overlay_started", member=self._core.status(time.monotonic_ns()).get("member")
        )
        self._link = OverlayLink(
            daemon,
            self._interface,
            side,
            self._send,
            self._send_run,
            link_scope=options.link_scope,
            threshold=options.threshold,
            query_interval=options.query_interval,
            oldest={4: options.igmp, 6: options.mld},
        )
        self._unsendable = 0
        daemon.on(SendDatagram, self._send_datagram)
        daemon.on(SendDatagrams, self._send_datagrams)
        daemon.on(Deliver, self._deliver)
        daemon.on(DeliverPackets, self._deliver_packets)
        daemon.on(SetWanted, self._want)
        daemon.watch(self._socket.fileno(), self._receive)
        daemon.watch(self._changes.fileno(), self._look)
        daemon.on_signal(signal.SIGHUP, self._reload)
        daemon.answer(options.query, self._state)
        daemon.soon(self._start)

    def run(self) -> None:
        """Serve until told to stop."""
        try:
            self._daemon.run(self._leave)
        finally:
            if self._path is not None:
                self._path.close()
            self._interface.close()
            self._changes.close()
            self._socket.close()
            os.unlink(self._options.query)

    def _start(self) -> None:
        self._link.start()
        self._refresh()
        self._stand()
        self._daemon.carry_out(self._core, self._core.timer(time.monotonic_ns()))

    def _leave(self) -> None:
        self._daemon.log.write("state", overlay=self._state())
        self._daemon.carry_out(self._core, self._core.leave(time.monotonic_ns()))

    def _send(self, packet: bytes, source: IPv6Address, group: IPv6Address, now: int) -> None:
        self._daemon.carry_out(self._core, self._core.send(packet, source, group, now))

    def _send_run(
        self, framed: list[memoryview], source: IPv6Address, group: IPv6Address, now: int
    ) -> None:
        self._daemon.carry_out(self._core, self._core.send_run(framed, source, group, now))

    def _receive(self) -> None:
        for _ in range(BUDGET):
            received = self._socket.receive()
            if received is None:
                return
            datagrams, sender, ecn = received
            actions = self._core.receive_run(datagrams, sender, time.monotonic_ns(), ecn)
            self._daemon.carry_out(self._core, actions)

    def _send_datagram(self, action: SendDatagram) -> None:
        self._unsendable += self._socket.send(
            action.datagram, action.destinations, action.traffic_class
        )

    def _send_datagrams(self, action: SendDatagrams) -> None:
        self._unsendable += self._socket.send_run(
            action.datagrams, action.destinations, action.traffic_class
        )

    def _deliver_packets(self, action: DeliverPackets) -> None:
        self._link.deliver_run(action.packets)

    def _deliver(self, action: Deliver) -> None:
        self._link.deliver(action.packet)

    def _want(self, action: SetWanted) -> None:
        if not self._link.is_carried(action.group):
            return
        wanted = action.wanted
        excluding = wanted.mode is FilterMode.EXCLUDE
        interest = Interest(action.group, excluding, wanted.sources) if wanted else None
        now = time.monotonic_ns()
        self._daemon.carry_out(self._core, self._core.want(action.group, interest, now))

    def _local(self) -> tuple[Endpoint, ...]:
        """Where we are reached."""
        options = self._options
        addresses = options.known_as or tuple(
            address if isinstance(address, IPv6Address) else mapped(address)
            for address in local_addresses(options.interface) or local_addresses("")
        )
        return tuple(endpoint(address, options.port) for address in addresses)

    def _look(self) -> None:
        """The host may have other addresses by now."""
        self._changes.clear()
        if self._path is not None:
            self._path.look()
        endpoints = self._local()
        if endpoints != self._endpoints:
            self._endpoints = endpoints
            now = time.monotonic_ns()
            self._daemon.carry_out(self._core, self._core.set_endpoints(endpoints, now))

    def _refresh(self) -> None:
        """Ways to others change without a word."""
        if self._path is not None:
            self._path.refresh()
            self._daemon.after(_REFRESH_S, self._refresh)

    def _stand(self) -> None:
        """A gateway that has lost the overlay is no way to it."""
        if self._options.networks is not None:
            if self._core.is_alone():
                self._link.give_way()
            self._daemon.after(_REFRESH_S, self._stand)

    def _reload(self) -> None:
        """The keys may be others by now; a file that is wrong changes nothing."""
        keys = self._new_keys()
        if keys is not None:
            self._core.set_keys(keys.secrets, keys.current)
        self._daemon.log.write("keys", taken=keys is not None)

    def _state(self) -> dict[str, Any]:
        status = self._core.status(time.monotonic_ns())
        link = {
            "interface": self._options.interface,
            "groups": [str(unmapped(group)) for group in self._link.groups()],
            "querier": {v: router.is_querier for v, router in self._link.routers.items()},
            **self._link.counters,
        }
        known = {"name": self._options.name, "protocol": self._options.protocol, **status}
        path = {} if self._path is None else {"kernel": self._path.status()}
        return {**known, "link": link, "unsendable": self._unsendable, **path}


def _data_path(options: OverlayOptions) -> Replication | None:
    """The programs in the kernel, if there are to be any; OSError says why they cannot be."""
    wanted = options.in_kernel
    if wanted is None:
        return None
    try:
        from agents.kernel.replication import Replication  # needs pyroute2, as nothing else here

        return Replication(
            options.interface,
            options.port,
            tap=options.tap,
            degree=wanted.degree,
            trees=wanted.trees,
            threshold=options.threshold,
        )
    except ImportError as error:
        text = f"data_path bpf needs the package {error.name}; install it, or write python"
        raise OSError(errno.EOPNOTSUPP, text) from None
    except OSError as error:
        why = str(error.strerror).partition("\n")[0].lower()
        text = f"this kernel does not take the programs of data_path bpf ({why}); write python"
        raise OSError(errno.EOPNOTSUPP, text) from None


def _link_of(options: OverlayOptions) -> tuple[VirtualInterface | IslandInterface, Side]:
    """The interface, and how the router is known there."""
    if options.networks is not None:
        there = IslandInterface(options.interface)
        return there, of_island(there, options.networks)
    made = VirtualInterface(
        options.interface,
        options.addresses,
        options.mtu,
        tap=options.tap,
        default=options.default,
    )
    return made, virtual(options.addresses, tap=options.tap)
