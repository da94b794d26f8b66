"""The multicast half of a router: the MLD proxy core on the kernel's multicast forwarding."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from dataclasses import asdict
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from agents.core import Action, Log
from agents.kernel.mroute import MulticastRouting, Upcall
from agents.kernel.netlink import Netlink
from agents.kernel.sockets import Frame
from agents.multicast.actions import RemoveForwarding, SendMld, SetForwarding
from agents.multicast.config import ProxyConfig
from agents.multicast.membership import MembershipRecord
from agents.multicast.proxy import MldProxy
from agents.multicast.selection import MldDmm, UpstreamSelection
from agents.roles.daemon import Daemon
from agents.roles.link_port import LinkPort
from agents.wire import ipv6, mld
from agents.wire.channel import ChannelScope
from agents.wire.errors import MalformedPacket

EntryAction = SetForwarding | RemoveForwarding
"""What the core says of a channel's entry in the kernel."""

SETTLED_S = 0.3
"""A membership that has not changed for so long is worth a line in the log."""

_CHANGES = {"join", "leave", "upstream", "forwarding"}
"""The log lines that go with a change of membership."""


class MulticastPart:
    """Joins an ``MldProxy`` to link sockets (MLD) and to a multicast routing socket (data).

    ``selection`` makes the upstream selection of a window for ongoing sessions (ns); what is not of
    ``pool``, if there is one, may only send as a guest, whose data takes MLD-DMM's ``detours`` if
    it has to.
    """

    def __init__(
        self,
        daemon: Daemon,
        config: dict[str, Any],
        seed: int,
        *,
        selection: Callable[[int], UpstreamSelection] = MldDmm,
        pool: IPv6Network | None = None,
        detours: bool = False,
    ) -> None:
        proxy = ProxyConfig(**config)
        select = selection(proxy.ongoing_session_window)
        self.proxy = MldProxy(proxy, random.Random(seed), select, pool, detours=detours)
        self._daemon = daemon
        self._tunnels: set[str] = set()
        self._logged: list[MembershipRecord] | None = None
        self._snapshot: asyncio.TimerHandle | None = None
        self.routing = MulticastRouting()
        self.takes_upcall: Callable[[Upcall], bool] = lambda upcall: False
        """Whether somebody else acts on an upcall: then the core does not hear it."""
        self.takes_entry: Callable[[EntryAction], bool] = lambda action: False
        """Whether somebody else carries out what the core says of an entry."""
        self._ports: dict[str, LinkPort] = {}
        self._addresses: dict[str, IPv6Address] = {}
        daemon.on(SendMld, self._send)
        daemon.on(SetForwarding, self._entry)
        daemon.on(RemoveForwarding, self._entry)
        daemon.watch(self.routing.fileno(), self._upcalls)

    def add_link(
        self, name: str, *, upstream: bool, downstream: bool, hosts: IPv6Network | None = None
    ) -> None:
        """Run MLD on a link, with a port of its own, which other routers may share."""
        with Netlink() as netlink:
            link_local = next(a.ip for a in netlink.addresses(name) if a.ip.is_link_local)
        port = self._port(name)
        self.add_port(
            port, link_local, upstream=upstream, downstream=downstream, shared=True, hosts=hosts
        )

    def add_tunnel(
        self,
        name: str,
        link_local: IPv6Address,
        *,
        upstream: bool,
        downstream: bool,
        anchors: IPv6Network | None = None,
    ) -> None:
        """Run MLD on a tunnel, which leads up, down, or both ways: to who ``anchors`` prefixes."""
        self._tunnels.add(name)
        port = self._port(name)
        self.add_port(port, link_local, upstream=upstream, downstream=downstream, anchors=anchors)

    def add_port(
        self,
        port: LinkPort,
        link_local: IPv6Address,
        *,
        upstream: bool,
        downstream: bool,
        shared: bool = False,
        anchors: IPv6Network | None = None,
        hosts: IPv6Network | None = None,
        visited: bool = False,
        announced: bool = False,
    ) -> None:
        """Run MLD on a link whose port hands us its MLD, and forward multicast from and to it.

        Unless it is ``shared``, there are hosts on it and no other router. ``hosts``: their prefix,
        of which there are none elsewhere. ``visited``: ``visitor`` tells of their prefixes.
        ``announced``: triggers tell of each.
        """
        self._ports[port.name] = port
        self._addresses[port.name] = link_local
        self.routing.add_interface(port.name)
        self._carry_out(
            self.proxy.add_link(
                port.name,
                link_local,
                time.monotonic_ns(),
                upstream=upstream,
                downstream=downstream,
                on_demand=port.name in self._tunnels,
                shared=shared,
                anchors=anchors,
                hosts=hosts,
                visited=visited,
                announced=announced,
            )
        )

    def remove_link(self, name: str) -> None:
        """A link of ours goes away: its memberships end and the kernel forgets it."""
        self._carry_out(self.proxy.remove_link(name, time.monotonic_ns()))
        self._tunnels.discard(name)
        self.routing.remove_interface(name)
        self._ports.pop(name).close()
        del self._addresses[name]

    def receive(self, frame: Frame, packet: ipv6.IPv6Packet, link: str) -> None:
        """An ICMPv6 packet came in on ``link``: hand it to the core when it is valid MLD.

        RFC 3810 sections 5.1.14 and 5.2.13: MLD comes with hop limit 1 and a Router Alert.
        """
        if packet.hop_limit != 1 or not packet.router_alert:
            raise MalformedPacket("MLD without hop limit 1 and Router Alert")
        message = mld.decode(packet.payload, packet.source, packet.destination)
        self._carry_out(
            self.proxy.receive(
                message, packet.source, link, time.monotonic_ns(), frame.link_layer_source
            )
        )

    def hear(self, upcall: Upcall) -> None:
        """The kernel has no entry for a packet, or one for another link."""
        self._carry_out(
            self.proxy.upcall(upcall.source, upcall.group, upcall.interface, time.monotonic_ns())
        )

    def tell_kernel(self, action: EntryAction) -> None:
        """Set or delete an entry of the kernel's."""
        if isinstance(action, SetForwarding):
            self.routing.set_entry(action.source, action.group, action.incoming, action.outgoing)
        else:
            self.routing.delete_entry(action.source, action.group)

    def send(self, link: str, packet: bytes) -> None:
        """Send a multicast packet on a link, as it is."""
        self._ports[link].send(packet)

    def attached(self, mn_link_layer: bytes, link: str) -> None:
        """A mobile node came up on ``link``; its binding is pending."""
        host = ipv6.link_local(mn_link_layer)
        self._carry_out(self.proxy.attached(host, link, time.monotonic_ns(), mn_link_layer))

    def bound(
        self,
        mn_link_layer: bytes,
        link: str,
        previous_link: str | None,
        anchor_links: tuple[str, ...] = (),
    ) -> None:
        """It is bound here; ``previous_link`` leads to the MAR where it was just before.

        ``anchor_links`` lead to all that anchor prefixes of it, the latest first.
        """
        host, now = ipv6.link_local(mn_link_layer), time.monotonic_ns()
        self._carry_out(self.proxy.bound(host, link, previous_link, now, anchor_links))

    def detached(self, mn_link_layer: bytes, link: str) -> None:
        """A mobile node has left ``link``."""
        self._carry_out(
            self.proxy.detached(ipv6.link_local(mn_link_layer), link, time.monotonic_ns())
        )

    def follow(self, host: IPv6Address, link: str, previous_link: str | None) -> None:
        """A host is at the other end of a tunnel, and was at that of another one, or of none."""
        self._carry_out(self.proxy.follow(host, link, previous_link, time.monotonic_ns()))

    def listening(self, mn_link_layer: bytes, link: str) -> tuple[mld.AddressRecord, ...]:
        """What a mobile node on ``link`` listens to."""
        return self.proxy.subscription(ipv6.link_local(mn_link_layer), link)

    def context(
        self, mn_link_layer: bytes, link: str, records: tuple[mld.AddressRecord, ...]
    ) -> None:
        """What a mobile node that is bound here listened to where it was before."""
        host = ipv6.link_local(mn_link_layer)
        self._carry_out(self.proxy.context(host, link, records, time.monotonic_ns()))

    def expected(
        self,
        mn_link_layer: bytes,
        link: str,
        previous_link: str,
        records: tuple[mld.AddressRecord, ...],
        lifetime: int,
    ) -> None:
        """A mobile node will come within ``lifetime`` (ns); serve it on ``link`` meanwhile."""
        host, now = ipv6.link_local(mn_link_layer), time.monotonic_ns()
        self._carry_out(
            self.proxy.anticipation.expected(
                host, link, mn_link_layer, previous_link, records, now + lifetime, now
            )
        )

    def arrived(
        self,
        mn_link_layer: bytes,
        expected_on: str,
        link: str,
        previous_link: str,
        records: tuple[mld.AddressRecord, ...],
    ) -> None:
        """A mobile node that was expected is on ``link``."""
        host = ipv6.link_local(mn_link_layer)
        now = time.monotonic_ns()
        self._carry_out(
            self.proxy.anticipation.arrived(host, expected_on, link, previous_link, records, now)
        )

    def not_expected(self, mn_link_layer: bytes, link: str) -> None:
        """It does not come."""
        host = ipv6.link_local(mn_link_layer)
        self._carry_out(self.proxy.anticipation.not_expected(host, link, time.monotonic_ns()))

    def leaving(self, mn_link_layer: bytes, link: str, tunnel: str) -> None:
        """A mobile node will go to the MAR at the other end of ``tunnel``, which takes it over."""
        self.proxy.anticipation.leaving(ipv6.link_local(mn_link_layer), link, tunnel)

    def staying(self, mn_link_layer: bytes, link: str) -> None:
        """It does not go."""
        host = ipv6.link_local(mn_link_layer)
        self._carry_out(self.proxy.anticipation.staying(host, link, time.monotonic_ns()))

    def guest(self, prefix: IPv6Network, link: str | None) -> None:
        """Sources of a prefix are here that the other end of ``link`` anchors; None: no longer."""
        self._carry_out(self.proxy.guest(prefix, link, time.monotonic_ns()))

    def away(self, prefix: IPv6Network, link: str | None) -> None:
        """Sources of a prefix of ours are at the other end of ``link``; None: no longer."""
        self._carry_out(self.proxy.away(prefix, link, time.monotonic_ns()))

    def visitor(self, prefix: IPv6Network, link: str | None) -> None:
        """Sources of a prefix visit ``link``; None: no longer."""
        self._carry_out(self.proxy.visitor(prefix, link, time.monotonic_ns()))

    def decided(
        self, group: IPv6Address, source: IPv6Address | None, decision: ChannelScope
    ) -> None:
        """Channel control decided about a channel."""
        self._carry_out(self.proxy.decided(group, source, decision, time.monotonic_ns()))

    def tunnelled_channels(self) -> int:
        """How many channels come by tunnels: by links that are upstream and downstream at once."""
        return sum(record.upstream in self._tunnels for record in self.proxy.membership())

    def counters(self) -> dict[str, int]:
        """What was dropped: MLD that came from, or said, what none may, and data of no node."""
        return asdict(self.proxy.counters)

    def tables(self) -> dict[str, Any]:
        """Its memberships, whom they are of, and what the kernel makes of them."""
        return {
            "membership": self.proxy.membership(),
            "listeners": self.proxy.listener_records(),
            "kernel": self.routing.entries(),
        }

    def write_membership(self) -> None:
        """Log the membership records, the paper's tuples (section III.A), if they are new."""
        records = self.proxy.membership()
        if records != self._logged:
            self._logged = records
            self._daemon.log.write("membership", records=records, kernel=self.routing.entries())

    def _port(self, name: str) -> LinkPort:
        return LinkPort(self._daemon, name, dict.fromkeys(mld.TYPES, self.receive))

    def _carry_out(self, actions: list[Action]) -> None:
        self._daemon.carry_out(self.proxy, actions)
        if any(isinstance(action, Log) and action.kind in _CHANGES for action in actions):
            self._snapshot_later()

    def _snapshot_later(self) -> None:
        """The membership is changing: log it when it has not changed for a while."""
        if self._snapshot:
            self._snapshot.cancel()
        self._snapshot = self._daemon.after(SETTLED_S, self.write_membership)

    def _upcalls(self) -> None:
        for upcall in self.routing.read_upcalls():
            if not self.takes_upcall(upcall):
                self.hear(upcall)

    def _send(self, action: SendMld) -> None:
        source = self._addresses[action.link]
        payload = mld.encode(action.message, source, action.destination)
        packet = ipv6.packet(
            source, action.destination, ipv6.ICMPV6, payload, hop_limit=1, router_alert=True
        )
        self._ports[action.link].send(packet, action.link_layer)

    def _entry(self, action: EntryAction) -> None:
        if not self.takes_entry(action):
            self.tell_kernel(action)
