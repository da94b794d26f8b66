"""A relay's part of the handshake (RFC 7450 section 5.3): no state for who proves nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address
from random import Random

from agents.core import Action, Log
from agents.overlay.actions import SendDatagram
from agents.overlay.amt.actions import Reported, TornDown
from agents.overlay.amt.config import RelayConfig
from agents.overlay.amt.packets import general_query, read_report
from agents.overlay.amt.secret import Secret
from agents.overlay.amt.tunnels import Tunnels
from agents.overlay.rates import Rates
from agents.wire import amt
from agents.wire.errors import MalformedPacket
from agents.wire.i3 import Endpoint, address_and_port, endpoint_text

_V4, _V6 = 4, 6
_LONGEST = 1500
"""Octets of a message: a report fits into a packet, and takes time for each record."""


class Relay:
    """Answers gateways, and tells what those say who are whom they seem to be.

    ``addresses`` are its unicast ones, at most one of each IP version. ``dropped`` counts by
    reason what was not acted upon.
    """

    def __init__(
        self,
        config: RelayConfig,
        addresses: Iterable[IPv4Address | IPv6Address],
        random: Random,
        now: int,
    ) -> None:
        self._linux, self._unreachable = config.linux, config.unreachable
        self._addresses: dict[int, IPv4Address | IPv6Address] = {
            address.version: address for address in addresses
        }
        self._secret = Secret(config, random, now)
        self._rates = Rates(config.control_rate)
        self._queries = {of_mld: general_query(config, of_mld=of_mld) for of_mld in (False, True)}
        self.tunnels = Tunnels(config)
        self.dropped: Counter[str] = Counter()

    def receive(self, datagram: bytes, sender: Endpoint, now: int) -> list[Action]:
        """A datagram came to one of the relay's addresses, or to its discovery address."""
        if not self._rates.allows(sender[:16], now):
            return self._drop("too many")
        if len(datagram) > _LONGEST:
            return self._drop("too long")
        try:
            message = amt.decode(datagram)
            match message:
                case amt.RelayDiscovery():
                    return self._advertise(message, sender)
                case amt.Request():
                    of_mld = message.mld or (self._linux and amt.is_linux_mld(datagram))
                    return self._ask(message.nonce, sender, now, of_mld=of_mld)
                case amt.MembershipUpdate():
                    return self._update(message, sender, now)
                case amt.Teardown():
                    return self._tear_down(message, now)
        except MalformedPacket:
            return self._drop("malformed")
        return self._drop("for gateways")

    def _advertise(self, message: amt.RelayDiscovery, sender: Endpoint) -> list[Action]:
        version = _V6 if address_and_port(sender)[0].ipv4_mapped is None else _V4
        address = self._addresses.get(version)
        if address is None:
            return self._drop("no address")
        return [_to(sender, amt.RelayAdvertisement(message.nonce, address))]

    def _ask(self, nonce: int, sender: Endpoint, now: int, *, of_mld: bool) -> list[Action]:
        gateway = amt.gateway_address(sender)
        mac = self._secret.mac(gateway, nonce, now)
        limited = self.tunnels.are_full and not self._linux
        told = None if self._linux else gateway
        answer = amt.MembershipQuery(mac, nonce, self._queries[of_mld], told, limited)
        return [_to(sender, answer)]

    def _update(self, message: amt.MembershipUpdate, sender: Endpoint, now: int) -> list[Action]:
        gateway = amt.gateway_address(sender)
        if not self._secret.verifies(message.mac, gateway, message.nonce, now):
            return self._drop("unauthentic")
        report = read_report(message.packet)
        host = self.tunnels.open(sender)
        if host is None:
            return self._drop("no tunnel left")
        del self.tunnels.failures[host]
        return [Reported(host, report)]

    def unreachable(self, gateway: Endpoint) -> list[Action]:
        """ICMP says that a datagram did not reach a gateway: not of one alone is it gone."""
        host = self.tunnels.hosts.get(gateway)
        if host is None:
            return []
        self.tunnels.failures[host] += 1
        if self.tunnels.failures[host] <= self._unreachable:
            return []
        return [Log("amt_gateway_gone", {"gateway": endpoint_text(gateway)}), TornDown(host)]

    def _tear_down(self, message: amt.Teardown, now: int) -> list[Action]:
        """The address in it counts, not where it comes from (section 5.3.3.5)."""
        if not self._secret.verifies(message.mac, message.gateway, message.nonce, now):
            return self._drop("unauthentic")
        host = self.tunnels.hosts.get(amt.gateway_endpoint(message.gateway))
        return [] if host is None else [TornDown(host)]

    def _drop(self, why: str) -> list[Action]:
        self.dropped[why] += 1
        return []


def _to(gateway: Endpoint, message: amt.Message) -> SendDatagram:
    return SendDatagram(amt.encode(message), (gateway,))
