"""The virtual link of an overlay's member: the host's programs here, the daemon there.

The daemon is the multicast router there. What a program sends to a group leaves by ``send``; what
the overlay brings comes in as it left its host, one hop further.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address

from agents.core import SECOND, Action
from agents.kernel.island_interface import IslandInterface
from agents.kernel.virtual_interface import VirtualInterface
from agents.multicast.actions import SendMld
from agents.multicast.config import ProxyConfig
from agents.multicast.igmp import from_igmp, to_igmp
from agents.multicast.link_router import LinkRouter, routers_of
from agents.roles.daemon import Daemon
from agents.roles.overlay_lanes import Lanes
from agents.roles.overlay_side import Side
from agents.wire import igmp, ipv4, ipv6, mld
from agents.wire.addresses import is_link_scope, mapped, shared_address
from agents.wire.errors import MalformedPacket, UnknownMessage

_NOT_CARRIED = {mapped(IPv4Address(f"224.0.0.{n}")) for n in (1, 2, 22)} | {
    IPv6Address(f"ff02::{n}") for n in (1, 2, 16)
}
"""Groups of a link's own machinery: nobody means another link by them."""
_SOLICITED_NODE = IPv6Address("ff02::1:ff00:0").packed[:13]
_RESPONSE_INTERVAL = 10 * SECOND
_IGMP_CONTROL = 0xC0  # internetwork control (RFC 2474 section 4.2.2)
_V4, _V6 = 4, 6
_TYPES = {_V4: b"\x08\x00", _V6: b"\x86\xdd"}
_MAPPED = bytes(10) + b"\xff\xff"

Send = Callable[[bytes, IPv6Address, IPv6Address, int], None]
"""Packet, source, group, now."""
SendRun = Callable[[list[memoryview], IPv6Address, IPv6Address, int], None]
"""Packets behind room for headers, source, group, now."""


class OverlayLink:
    """Joins the routers of IPv4 and IPv6 to the interface. ``counters`` are of what went where."""

    def __init__(
        self,
        daemon: Daemon,
        interface: VirtualInterface | IslandInterface,
        side: Side,
        send: Send,
        send_run: SendRun,
        *,
        link_scope: bool,
        threshold: int,
        query_interval: int,
        oldest: Mapping[int, int],
    ) -> None:
        """``oldest``: by IP version, that of IGMP or MLD which all routers on the link speak."""
        self._daemon, self._interface, self._side = daemon, interface, side
        self._send, self._send_run = send, send_run
        self._link_scope, self._threshold = link_scope, threshold
        self._igmp = oldest[_V4]
        self.counters: Counter[str] = Counter()
        now = time.monotonic_ns()
        config = ProxyConfig(
            query_interval=query_interval,
            query_response_interval=min(_RESPONSE_INTERVAL, query_interval * 2 // 5),
            maximum_listeners=1024,
        )
        self.routers: dict[int, LinkRouter] = {}
        own = {_V4: None if side.v4 is None else mapped(side.v4), _V6: side.v6}
        for version, address in own.items():
            if address is not None:
                self.routers[version] = LinkRouter(
                    config,
                    f"{version}",
                    address,
                    now,
                    elects=side.elects,
                    link_scope=link_scope,
                    version=oldest[version] - (version == _V4),  # in MLD's count
                    keeps_alive=side.island is not None,
                )
        lanes = Lanes(
            interface,
            tap=side.mac is not None,
            threshold=threshold,
            carried=self.is_carried,
            carry=self._carry_run,
            other=self._other,
        )
        daemon.on(SendMld, self._ask)
        daemon.watch(interface.fileno(), lanes.read)

    def start(self) -> None:
        """Ask for the first time."""
        for router in self.routers.values():
            self._daemon.carry_out(router, router.timer(time.monotonic_ns()))

    def give_way(self) -> None:
        """Nothing can be carried now: let another gateway of the island do it."""
        for router in self.routers.values():
            router.give_way(time.monotonic_ns())
            self._daemon.carry_out(router, ())

    def deliver(self, packet: bytes) -> None:
        """A packet of the overlay comes in."""
        destination = _destination(packet)
        if destination is None or not self.is_carried(destination):
            self.counters["malformed"] += 1
        elif not self._enters(packet):
            self.counters["not for here"] += 1
        elif self._write(packet, destination):
            self.counters["delivered"] += 1

    def groups(self) -> list[IPv6Address]:
        """What anybody on the link wants something of that may come from elsewhere."""
        wanted = (group for router in self.routers.values() for group in router.groups())
        return [group for group in wanted if self.is_carried(group)]

    def is_carried(self, group: IPv6Address) -> bool:
        """Whether packets of a group leave the link."""
        if not is_link_scope(group):
            return True
        packed = group.packed
        own = group in _NOT_CARRIED or packed[:13] == _SOLICITED_NODE or packed[:2] == b"\xff\x01"
        return self._link_scope and not own

    def deliver_run(self, packets: Sequence[memoryview]) -> None:
        """Packets of the overlay come in, most of them to one group."""
        if self._side.island is not None:
            for packet in packets:
                self.deliver(bytes(packet))
            return
        first, place, group, before = -1, slice(0), b"", b""
        written = malformed = 0
        for packet in packets:
            if packet[0] != first or packet[place] != group:
                destination = _destination(bytes(packet))
                if destination is None or not self.is_carried(destination):
                    malformed += 1
                    continue
                first = packet[0]
                place = slice(16, 20) if first >> 4 == _V4 else slice(24, 40)
                group = bytes(packet[place])
                before = _ethernet(first >> 4, destination, self._side.mac)
            written += self._interface.write(before + packet if before else packet)
        self.counters["delivered"] += written
        self.counters["malformed"] += malformed
        self.counters["not taken"] += len(packets) - written - malformed

    def _other(self, packet: bytes) -> None:
        """A packet that is not plain data of a group that is carried."""
        try:
            self._take(packet, time.monotonic_ns())
        except UnknownMessage:  # Neighbor Discovery, and whatever else is a link's own
            self.counters["ignored"] += 1
        except MalformedPacket:
            self._daemon.count_malformed()

    def _leaves(self, source: IPv6Address) -> bool:
        """Whether what was sent on this link goes to the overlay."""
        island = self._side.island
        return island is None or island.leaves(source, is_querier=self._asks(source))

    def _enters(self, packet: bytes) -> bool:
        """Whether what came by the overlay is for this link."""
        island, source = self._side.island, _source(packet)
        return island is None or island.enters(source, is_querier=self._asks(source))

    def _asks(self, source: IPv6Address) -> bool:
        """Whether we are the querier for the protocol of an address."""
        router = self.routers.get(_V6 if source.ipv4_mapped is None else _V4)
        return router is not None and router.is_querier

    def _carry_run(self, framed: list[memoryview], source: IPv6Address, group: IPv6Address) -> None:
        if not self._leaves(source):
            self.counters["not from here"] += len(framed)
            return
        self.counters["sent"] += len(framed)
        self._send_run(framed, source, group, time.monotonic_ns())

    def _take(self, packet: bytes, now: int) -> None:
        """A packet of the host, or of another one on a TAP."""
        group = _destination(packet)
        if group is None:
            return  # unicast: there is nobody
        version = packet[0] >> 4
        if version == _V4 and packet[9] == ipv4.IGMP:
            self._take_igmp(packet, now)
        elif version == _V6 and _is_mld(packet):
            self._take_mld(packet, now)
        elif not self.is_carried(group):
            self.counters["link scope"] += 1
        else:
            self._carry(packet, version, group, now)

    def _carry(self, packet: bytes, version: int, group: IPv6Address, now: int) -> None:
        hops = packet[8] if version == _V4 else packet[ipv6.HOP_LIMIT]
        source = _source(packet)
        if not self._leaves(source):
            self.counters["not from here"] += 1
            return
        onward: bytes | None = packet
        if not is_link_scope(group):
            onward = (ipv4 if version == _V4 else ipv6).forwarded(packet)
            if hops <= self._threshold:
                onward = None
        if onward is None:
            self.counters["hop limit"] += 1
            return
        self.counters["sent"] += 1
        self._send(onward, source, group, now)

    def _take_igmp(self, packet: bytes, now: int) -> None:
        router = self.routers.get(_V4)
        content = ipv4.parse(packet)
        message = igmp.decode(content.payload)
        if router is None or content.ttl != 1:
            self.counters["ignored"] += 1
            return
        source = mapped(content.source)
        told = from_igmp(message)
        if isinstance(told, mld.MulticastListenerQuery):
            to_routers = mapped(content.destination) == routers_of(source)
            actions = router.query(told, source, now, to_routers=to_routers)
        else:
            oldest = isinstance(message, igmp.OlderReport) and message.version == 1
            actions = router.report(told, source, now, never_leaves=oldest)
        self._daemon.carry_out(router, actions)

    def _take_mld(self, packet: bytes, now: int) -> None:
        router = self.routers.get(_V6)
        content = ipv6.parse(packet)
        message = mld.decode(content.payload, content.source, content.destination)
        good = content.hop_limit == 1 and content.router_alert and content.source.is_link_local
        if router is None or not good:
            self.counters["ignored"] += 1
            return
        actions: list[Action]
        if isinstance(message, mld.MulticastListenerQuery):
            to_routers = content.destination == routers_of(content.source)
            actions = router.query(message, content.source, now, to_routers=to_routers)
        else:
            actions = router.report(message, content.source, now)
        self._daemon.carry_out(router, actions)

    def _ask(self, action: SendMld) -> None:
        """A query of ours, in the words of the protocol that it is of."""
        query, destination = action.message, action.destination
        assert isinstance(query, mld.MulticastListenerQuery)
        if destination.ipv4_mapped is not None:
            assert self._side.v4 is not None
            octets = igmp.encode(to_igmp(query, self._igmp))
            ends = (self._side.v4, destination.ipv4_mapped)
            content = ipv4.IPv4Packet(*ends, ipv4.IGMP, 1, octets, _IGMP_CONTROL, True)
            self._write(ipv4.packet(content), destination)
            return
        assert self._side.v6 is not None
        octets = mld.encode(query, self._side.v6, destination)
        packet = ipv6.packet(
            self._side.v6, destination, ipv6.ICMPV6, octets, hop_limit=1, router_alert=True
        )
        self._write(packet, destination)

    def _write(self, packet: bytes, destination: IPv6Address) -> bool:
        before = _ethernet(packet[0] >> 4, destination, self._side.mac)
        written = self._interface.write(before + packet)
        if not written:
            self.counters["not taken"] += 1
        return written


def _destination(packet: bytes) -> IPv6Address | None:
    """The group that a packet goes to; None: it goes to none."""
    if len(packet) >= ipv4.HEADER_LENGTH and packet[0] >> 4 == _V4:
        return shared_address(_MAPPED + packet[16:20]) if packet[16] >> 4 == 0xE else None
    if len(packet) >= ipv6.HEADER_LENGTH and packet[0] >> 4 == _V6:
        return shared_address(packet[24:40]) if packet[24] == 0xFF else None
    return None


def _is_mld(packet: bytes) -> bool:
    """Whether a packet is one of MLD, or of Neighbor Discovery, which is a link's own, too."""
    if packet[6] == ipv6.ICMPV6:
        return True
    return packet[6] == ipv6.HOP_BY_HOP and packet[40] == ipv6.ICMPV6


def _source(packet: bytes) -> IPv6Address:
    return shared_address(_MAPPED + packet[12:16] if packet[0] >> 4 == _V4 else packet[8:24])


def _ethernet(version: int, destination: IPv6Address, mac: bytes | None) -> bytes:
    """What is before a packet in Ethernet (RFC 1112 section 6.4, RFC 2464 section 7), if it is."""
    if mac is None:
        return b""
    low = destination.packed[12:]
    group = (
        b"\x01\x00\x5e" + bytes((low[1] & 0x7F,)) + low[2:] if version == _V4 else b"\x33\x33" + low
    )
    return group + mac + _TYPES[version]
