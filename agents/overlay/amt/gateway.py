"""A gateway's part of AMT (RFC 7450 section 5.2): finds a relay, asks it in turn, says what it is
told to, and takes what comes.

IGMP and MLD each have a membership update cycle of their own; it goes on as long as groups of that
protocol are wanted. Whatever is not answered is repeated, with a random exponential back-off.
"""

from __future__ import annotations

from collections import Counter
from ipaddress import IPv6Address
from random import Random
from typing import Any

from agents.core import SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.overlay import marking
from agents.overlay.actions import Deliver, SendDatagram
from agents.overlay.amt import packets
from agents.overlay.amt.actions import Queried
from agents.overlay.amt.config import GatewayConfig
from agents.overlay.amt.cycle import Cycle, Leave, timeout
from agents.overlay.amt.teardowns import Teardowns, teardown
from agents.wire import amt, igmp, mld
from agents.wire.addresses import mapped, unmapped
from agents.wire.errors import MalformedPacket
from agents.wire.i3 import Endpoint, address_and_port, endpoint, endpoint_text
from agents.wire.overlay_items import Interest


class Gateway:
    """The core. ``discovery`` is where to ask for a relay, if ``relay`` is None.

    ``dropped`` counts by reason what was not acted upon.
    """

    def __init__(
        self,
        config: GatewayConfig,
        relay: Endpoint | None,
        discovery: Endpoint | None,
        random: Random,
    ) -> None:
        self._config, self._random = config, random
        self.relay, self._discovery = relay, discovery
        self._discovering: int | None = None
        """The nonce of the discovery that goes on."""
        self._discovery_retries = 0
        self._cycles = {of_mld: Cycle(of_mld=of_mld) for of_mld in (False, True)}
        self._interests: dict[IPv6Address, Interest] = {}
        self._teardowns = Teardowns(config, random)
        self._due: Deadlines[str | tuple[str, bool]] = Deadlines()
        self.dropped: Counter[str] = Counter()

    def want(self, group: IPv6Address, interest: Interest | None, now: int) -> list[Action]:
        """What of a group is wanted: nothing else is taken."""
        self._interests.pop(group, None)
        if interest is None:
            return []
        self._interests[group] = interest
        cycle = self._cycles[group.ipv4_mapped is None]
        return [] if cycle.runs else self._start(cycle, now)

    def report(self, message: igmp.MembershipReport | mld.MulticastListenerReport) -> list[Action]:
        """Tell the relay, if it has asked; else it is told when it asks (section 5.2.3.6.1)."""
        cycle = self._cycles[isinstance(message, mld.MulticastListenerReport)]
        leave = cycle.leave
        if leave is None:
            return []
        cycle.used = leave
        update = amt.MembershipUpdate(leave.mac, leave.nonce, packets.report(message))
        return [_to(leave.relay, update)]

    def receive(self, datagram: bytes, sender: Endpoint, now: int, ecn: int = 0) -> list[Action]:
        """A datagram came, from anybody, with this ECN field."""
        try:
            message = amt.decode(datagram)
            match message:
                case amt.MulticastData():
                    return self._take(message, sender, ecn)
                case amt.MembershipQuery():
                    return self._queried(message, sender, now)
                case amt.RelayAdvertisement():
                    return self._advertised(message, sender, now)
        except MalformedPacket:
            return self._drop("malformed")
        return self._drop("for relays")

    def moved(self, now: int) -> list[Action]:
        """This host has other addresses: ask at once, to see whether the relay's are others."""
        running = [cycle for cycle in self._cycles.values() if cycle.runs]
        return [action for cycle in running for action in self._request(cycle, now)]

    def close(self) -> list[Action]:
        """Nothing more shall come; empty: the relay cannot be told so (section 5.2.3.8)."""
        used = [cycle.used for cycle in self._cycles.values() if cycle.used is not None]
        return [teardown(leave, leave.gateway) for leave in used if leave.gateway is not None]

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = [*self._teardowns.timer(now)]
        for key in self._due.due(now):
            match key:
                case ("request", of_mld):
                    actions += self._no_answer(self._cycles[bool(of_mld)], now)
                case ("refresh", of_mld):
                    actions += self._refresh(self._cycles[bool(of_mld)], now)
                case _:
                    actions += self._discover(now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        times = (self._due.next(), self._teardowns.deadline)
        return min((time for time in times if time is not None), default=None)

    def status(self) -> dict[str, Any]:
        """The relay, and how it sees us."""
        seen = {c.leave.gateway for c in self._cycles.values() if c.leave is not None}
        return {
            "relay": None if self.relay is None else endpoint_text(self.relay),
            "seen_as": sorted(endpoint_text(amt.gateway_endpoint(g)) for g in seen if g),
            "groups": [str(unmapped(group)) for group in sorted(self._interests)],
            "dropped": dict(self.dropped),
        }

    # Finding a relay.

    def _start(self, cycle: Cycle, now: int) -> list[Action]:
        cycle.runs = True
        if self._discovering is not None:
            return []  # it goes on once there is a relay
        if self.relay is None:
            return self._seek(now)
        return self._request(cycle, now)

    def _seek(self, now: int) -> list[Action]:
        """Look for a relay, with a new nonce (section 5.2.3.4.5)."""
        self._discovering = self._nonce()
        return self._discover(now)

    def _discover(self, now: int) -> list[Action]:
        assert self._discovery is not None
        assert self._discovering is not None
        if not self._interests:
            self._discovering = None
            for cycle in self._cycles.values():
                cycle.end()
            return []
        self._due.set("discovery", now + self._timeout(self._discovery_retries))
        self._discovery_retries += 1
        return [_to(self._discovery, amt.RelayDiscovery(self._discovering))]

    def _advertised(
        self, message: amt.RelayAdvertisement, sender: Endpoint, now: int
    ) -> list[Action]:
        if message.nonce != self._discovering or sender != self._discovery:
            return self._drop("not asked for")
        address = message.relay
        if address.is_multicast or address.is_unspecified:
            return self._drop("malformed")
        self._discovering = None
        self._due.cancel("discovery")
        _, port = address_and_port(sender)
        relay = endpoint(mapped(address) if address.version == 4 else address, port)
        actions: list[Action] = [Log("amt_relay", {"relay": endpoint_text(relay)})]
        if relay != self.relay:
            for cycle in self._cycles.values():
                actions += self._tear_down(cycle, now)
        self.relay = relay
        return [*actions, *self.moved(now)]

    # Asking the relay.

    def _request(self, cycle: Cycle, now: int) -> list[Action]:
        """Ask the relay to ask, with a new nonce (section 5.2.3.5.6)."""
        if self.relay is None:
            return []
        nonce, actions = self._nonce(), list[Action]()
        for each in self._cycles.values() if self._config.linux else (cycle,):
            if each.runs:
                each.nonce, each.retries = nonce, 0
                self._due.cancel(("refresh", each.of_mld))
                actions += self._ask(each, now)
        return actions

    def _ask(self, cycle: Cycle, now: int) -> list[Action]:
        assert self.relay is not None
        assert cycle.nonce is not None
        self._due.set(("request", cycle.of_mld), now + self._timeout(cycle.retries))
        request = amt.Request(cycle.nonce, cycle.of_mld)
        octets = amt.linux_request(request) if self._config.linux else amt.encode(request)
        return [SendDatagram(octets, (self.relay,))]

    def _no_answer(self, cycle: Cycle, now: int) -> list[Action]:
        cycle.retries += 1
        if not self._is_wanted(cycle):
            cycle.end()
            return []
        if cycle.retries <= self._config.maximum_retries or self._discovery is None:
            return self._ask(cycle, now)
        cycle.nonce = None
        return [] if self._discovering is not None else self._seek(now)

    def _queried(self, message: amt.MembershipQuery, sender: Endpoint, now: int) -> list[Action]:
        """What has to hold of a Membership Query is in section 5.2.3.5.4."""
        cycle = self._cycles[packets.is_v6(message.packet)]
        if message.nonce != cycle.nonce or sender != self.relay:
            return self._drop("not asked for")
        query = packets.read_query(message.packet, of_mld=cycle.of_mld)
        cycle.nonce = None
        self._due.cancel(("request", cycle.of_mld))
        if message.limited and cycle.used is None and self._discovery is not None:
            return self._refused(now)
        self._discovery_retries = 0
        interval = query.query_interval_s * SECOND or self._config.longest_interval
        interval = min(interval, self._config.longest_interval)
        self._due.set(("refresh", cycle.of_mld), now + interval)
        actions: list[Action] = []
        before = None if cycle.used is None else cycle.used.gateway
        if before is not None and message.gateway not in (None, before):
            actions += self._changed_address(cycle, before, now)
        cycle.leave = Leave(
            sender, message.mac, message.nonce, message.gateway, max(query.robustness, 1)
        )
        return [*actions, Queried(query)]

    def _refused(self, now: int) -> list[Action]:
        """The relay takes nobody new (the L flag): look for another one, after a while."""
        if self._discovering is None:
            self._discovering = self._nonce()
            self._due.set("discovery", now + self._timeout(self._discovery_retries))
        return self._drop("relay is full")

    def _changed_address(self, cycle: Cycle, before: amt.GatewayAddress, now: int) -> list[Action]:
        """The relay sees us elsewhere: the tunnel to where we were has to end, for both."""
        actions = self._tear_down(cycle, now)
        other = self._cycles[not cycle.of_mld]
        if other.used is not None and other.used.gateway == before and other.nonce is None:
            actions += self._request(other, now)
        return [*actions, Log("amt_address", {})]

    def _refresh(self, cycle: Cycle, now: int) -> list[Action]:
        if self._is_wanted(cycle):
            return self._request(cycle, now)
        cycle.end()
        return []

    def _is_wanted(self, cycle: Cycle) -> bool:
        """Whether any group of its protocol is."""
        return any((group.ipv4_mapped is None) is cycle.of_mld for group in self._interests)

    def _tear_down(self, cycle: Cycle, now: int) -> list[Action]:
        used, cycle.used, cycle.leave = cycle.used, None, None
        return [*self._teardowns.begin(used, now)]

    # What comes by the tunnel.

    def _take(self, message: amt.MulticastData, sender: Endpoint, ecn: int) -> list[Action]:
        if sender != self.relay:
            return self._drop("not from the relay")
        packet, source, group = packets.read_data(message.packet)
        interest = self._interests.get(group)
        if interest is None or not interest.accepts(source):
            return self._drop("not wanted")
        taken = marking.received(packet, ecn)
        return self._drop("congested") if taken is None else [Deliver(taken)]

    def _nonce(self) -> int:
        return self._random.randint(1, (1 << 32) - 1)

    def _timeout(self, retries: int) -> int:
        return timeout(self._config, self._random, retries)

    def _drop(self, why: str) -> list[Action]:
        self.dropped[why] += 1
        return []


def _to(relay: Endpoint, message: amt.Message) -> SendDatagram:
    return SendDatagram(amt.encode(message), (relay,))
