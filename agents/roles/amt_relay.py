"""A relay of AMT as an overlay: what comes to groups here goes to the gateways that want it.

No I/O either: it joins the tunnels' core to the listeners of IGMP and MLD, and says by
``SetWanted`` what all of them together want.
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from random import Random
from typing import Any

from agents.core import SECOND, Action, refused
from agents.deadlines import Deadlines
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import merge
from agents.multicast.igmp import from_igmp
from agents.multicast.link_router import SetWanted
from agents.multicast.listeners import Listeners
from agents.multicast.records import (
    ANY_SOURCE,
    Report,
    records_of_interest,
    wants_any_source_wrongly,
)
from agents.overlay import marking
from agents.overlay.actions import SendDatagram
from agents.overlay.amt.actions import PacketTooBig, Reported, TornDown
from agents.overlay.amt.config import RelayConfig
from agents.overlay.amt.relay import Relay
from agents.overlay.interface import Overlay
from agents.overlay.rates import Rates
from agents.wire import amt, ipv4, mld
from agents.wire.addresses import unmapped
from agents.wire.i3 import Endpoint, address_and_port, endpoint_text
from agents.wire.overlay_items import Interest

_DATA = amt.encode(amt.MulticastData(b""))
_CHANNELS = 8192
"""Whose destinations are remembered."""
_ERRORS = 10
"""About packets that are too long, a second."""

Destinations = tuple[tuple[int, tuple[Endpoint, ...]], ...]
"""How long packets may be in some tunnels, and which these are."""


class AmtRelay(Overlay):
    """The overlay; ``addresses`` are its unicast ones."""

    def __init__(
        self,
        config: RelayConfig,
        addresses: Iterable[IPv4Address | IPv6Address],
        random: Random,
        now: int,
    ) -> None:
        self._relay = Relay(config, addresses, random, now)
        self._config = ProxyConfig(
            query_interval=config.query_interval,
            robustness=config.robustness,
            maximum_listeners=config.maximum_memberships,
        )
        self._changed: set[IPv6Address] = set()
        self._expiries: Deadlines[Listeners] = Deadlines()
        self._listeners = Listeners(
            self._config,
            self._changed,
            self._expiries,
            maximum_groups=config.maximum_groups,
            maximum_sources=config.maximum_sources,
        )
        self._mtus = {v6: config.tunnel_mtu(over_v6=v6) for v6 in (False, True)}
        self._errors = Rates(_ERRORS)
        self._destinations: dict[tuple[IPv6Address, IPv6Address], Destinations] = {}
        """The forwarding table, as far as it was needed (RFC 7450 section 5.3.3.4)."""
        self._told: int | None = None

    def want(self, group: IPv6Address, interest: Interest | None, now: int) -> list[Action]:
        """Programs here have multicast without us."""
        return []

    def send(
        self, packet: bytes, source: IPv6Address, group: IPv6Address, now: int
    ) -> list[Action]:
        """A packet came to a group: all gateways that want it get it."""
        channel = source, group
        destinations = self._destinations.get(channel)
        if destinations is None:
            destinations = self._find(source, group)
            if len(self._destinations) >= _CHANNELS:
                self._destinations.clear()
            self._destinations[channel] = destinations
        mark = marking.traffic_class(packet)
        actions: list[Action] = []
        left_out = None
        for mtu, gateways in destinations:
            pieces = [packet] if len(packet) <= mtu else _pieces(packet, mtu)
            actions += [SendDatagram(_DATA + piece, gateways, mark) for piece in pieces]
            left_out = left_out if pieces else mtu
        if left_out is not None:
            actions += self._too_long(packet, left_out, now)
        return actions

    def receive(self, datagram: bytes, sender: Endpoint, now: int, ecn: int = 0) -> list[Action]:
        """A UDP datagram came, from anybody."""
        return self._follow(self._relay.receive(datagram, sender, now), now)

    def unreachable(self, gateway: Endpoint, now: int) -> list[Action]:
        """ICMP says that a datagram did not reach this endpoint."""
        return self._follow(self._relay.unreachable(gateway), now)

    def _follow(self, told: Iterable[Action], now: int) -> list[Action]:
        """What gateways want, or what has become of them."""
        actions: list[Action] = []
        for action in told:
            match action:
                case Reported(host, message):
                    of_mld = isinstance(message, _OF_MLD)
                    said = message if isinstance(message, _OF_MLD) else from_igmp(message)
                    assert not isinstance(said, mld.MulticastListenerQuery)
                    actions += self._report(host, said, now, of_mld=of_mld)
                    self._close(host)
                case TornDown(host):
                    self._listeners.remove(host)
                    self._close(host)
                case _:
                    actions.append(action)
        return [*actions, *self._tell()]

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        for listeners in self._expiries.due(now):
            listeners.expire(now)
        for host in self._relay.tunnels.endpoints.keys() - set(self._listeners.hosts()):
            self._close(host)
        return self._tell()

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._expiries.next()

    def status(self, now: int) -> dict[str, Any]:
        """Tunnels with their groups, and counters."""
        tunnels = self._relay.tunnels
        return {
            "tunnels": [
                {
                    "gateway": endpoint_text(gateway),
                    "groups": [str(unmapped(group)) for group, _ in self._listeners.of(host)],
                }
                for gateway, host in sorted(tunnels.hosts.items())
            ],
            "groups": [str(unmapped(group)) for group in sorted(self._listeners.groups())],
            "dropped": dict(self._relay.dropped),
        }

    def _report(
        self, host: IPv6Address, message: Report, now: int, *, of_mld: bool
    ) -> list[Action]:
        """What is given up ends at once: a tunnel has no other host (section 5.3.1)."""
        actions: list[Action] = []
        for record in records_of_interest(message):
            addresses = (record.group, *record.sources)
            if any((address.ipv4_mapped is None) is not of_mld for address in addresses):
                self._relay.dropped["malformed"] += 1  # MLD that speaks of IPv4
                continue
            if wants_any_source_wrongly(record):
                actions += self._refuse(host, record.group, (ANY_SOURCE,), now)
                continue
            expiry = now + self._config.listener_interval
            outcome = self._listeners.report(record, host, now, expiry, ask=False)
            if outcome.refusal:
                actions += self._refuse(host, record.group, outcome.refusal, now)
        return actions

    def _refuse(
        self, host: IPv6Address, group: IPv6Address, why: tuple[Any, ...], now: int
    ) -> list[Action]:
        """Counted, and told of one a second: gateways may be anybody."""
        self._relay.dropped["refused"] += 1
        if self._told is not None and now - self._told < SECOND:
            return []
        self._told = now
        return [refused(endpoint_text(self._relay.tunnels.endpoints[host]), unmapped(group), *why)]

    def _close(self, host: IPv6Address) -> None:
        """A tunnel without groups is none."""
        if not self._listeners.of(host):
            self._relay.tunnels.close(host)

    def _tell(self) -> list[Action]:
        """What all gateways want of the groups that changed."""
        actions: list[Action] = []
        for group in sorted(self._changed):
            wanted = merge(wish for _, wish in self._listeners.wishes(group))
            actions.append(SetWanted(group, wanted))
        if actions:
            self._changed.clear()
            self._destinations.clear()
        return actions

    def _find(self, source: IPv6Address, group: IPv6Address) -> Destinations:
        """Who wants it, those over IPv4 first: what does not fit there does not over IPv6."""
        endpoints = self._relay.tunnels.endpoints
        wishes = self._listeners.wishes(group)
        hosts = {to.host: None for to, wish in wishes if wish.accepts(source)}
        gateways = [endpoints[host] for host in hosts if host in endpoints]
        parted = (
            (self._mtus[over_v6], tuple(each for each in gateways if _is_v6(each) is over_v6))
            for over_v6 in (False, True)
        )
        return tuple((mtu, some) for mtu, some in parted if some)

    def _too_long(self, packet: bytes, mtu: int, now: int) -> list[Action]:
        """Its source is told: one of SSM has to be, and to others it would be a black hole."""
        self._relay.dropped["too long"] += 1
        return [PacketTooBig(packet, mtu)] if self._errors.allows(b"", now) else []


def _pieces(packet: bytes, mtu: int) -> list[bytes]:
    """None: it must not be fragmented here (section 5.3.3.6.2)."""
    return ipv4.fragments(packet, mtu) if packet[0] >> 4 == 4 else []


def _is_v6(gateway: Endpoint) -> bool:
    return address_and_port(gateway)[0].ipv4_mapped is None


_OF_MLD = (mld.MulticastListenerReport, mld.ListenerReportV1, mld.ListenerDoneV1)
