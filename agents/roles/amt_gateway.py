"""A gateway of AMT as an overlay: what programs here want is asked of a relay by IGMP and MLD.

No I/O either: it joins the tunnel's core to the host parts of IGMP and MLD. Nothing is sent to
groups by a gateway (RFC 7450 section 2): what programs here send stays here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from ipaddress import IPv6Address
from random import Random
from typing import Any

from agents.core import Action
from agents.deadlines import Deadlines
from agents.multicast.config import ProxyConfig
from agents.multicast.filters import NOTHING, Filter, FilterMode
from agents.multicast.host import HostPart
from agents.multicast.igmp import from_igmp, report_to_igmp
from agents.overlay.amt.actions import Queried
from agents.overlay.amt.config import GatewayConfig
from agents.overlay.amt.gateway import Gateway
from agents.overlay.interface import Overlay
from agents.wire import igmp
from agents.wire.i3 import Endpoint
from agents.wire.mld import MulticastListenerQuery
from agents.wire.overlay_items import Interest


class AmtGateway(Overlay):
    """The overlay; without a ``relay`` (its unicast address) one is looked for at ``discovery``."""

    def __init__(
        self,
        config: GatewayConfig,
        relay: Endpoint | None,
        discovery: Endpoint | None,
        random: Random,
    ) -> None:
        self._tunnel = Gateway(config, relay, discovery, random)
        self._reports_due: Deadlines[HostPart] = Deadlines()
        self._hosts = {
            of_mld: HostPart(ProxyConfig(), random, self._reports_due) for of_mld in (False, True)
        }
        self._groups: set[IPv6Address] = set()

    def want(self, group: IPv6Address, interest: Interest | None, now: int) -> list[Action]:
        """Somebody here wants this of a group, and no more; None: nothing any more."""
        self._groups = self._groups - {group} if interest is None else self._groups | {group}
        actions = self._tunnel.want(group, interest, now)
        self._host(group).subscribe(group, _filter(interest), now)
        return [*actions, *self._report(now)]

    def send(
        self, packet: bytes, source: IPv6Address, group: IPv6Address, now: int
    ) -> list[Action]:
        """Goes nowhere."""
        self._tunnel.dropped["sent here"] += 1
        return []

    def receive(self, datagram: bytes, sender: Endpoint, now: int, ecn: int = 0) -> list[Action]:
        """A UDP datagram came, from anybody, with this ECN field."""
        return self._pass_on(self._tunnel.receive(datagram, sender, now, ecn), now)

    def set_endpoints(self, endpoints: tuple[Endpoint, ...], now: int) -> list[Action]:
        """This host has other addresses than before."""
        return self._tunnel.moved(now)

    def leave(self, now: int) -> list[Action]:
        """The relay need not send any more: it is told in both ways, since either may be lost."""
        ended = self._tunnel.close()
        actions: list[Action] = []
        for group in sorted(self._groups):
            actions += self.want(group, None, now)
        return [*actions, *ended]

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        return [*self._pass_on(self._tunnel.timer(now), now), *self._report(now)]

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        times = (self._tunnel.next_deadline(), self._reports_due.next())
        return min((time for time in times if time is not None), default=None)

    def status(self, now: int) -> dict[str, Any]:
        """The relay, how it sees us, groups and counters."""
        return self._tunnel.status()

    def _host(self, group: IPv6Address) -> HostPart:
        return self._hosts[group.ipv4_mapped is None]

    def _pass_on(self, actions: Iterable[Action], now: int) -> list[Action]:
        """What the relay asks is answered at once (RFC 7450 section 5.2.1 allows it)."""
        passed: list[Action] = []
        for action in actions:
            if isinstance(action, Queried):
                passed += self._answer(action, now)
            else:
                passed.append(action)
        return passed

    def _answer(self, action: Queried, now: int) -> list[Action]:
        query = action.query
        asked = from_igmp(query) if isinstance(query, igmp.MembershipQuery) else query
        assert isinstance(asked, MulticastListenerQuery)
        host = self._hosts[asked is query]
        host.robustness = asked.robustness or ProxyConfig.robustness
        host.query(replace(asked, maximum_response_delay_ms=0), now)
        return self._report(now)

    def _report(self, now: int) -> list[Action]:
        actions: list[Action] = []
        for host in self._reports_due.due(now):
            for report in host.timer(now):
                of_mld = host is self._hosts[True]
                actions += self._tunnel.report(report if of_mld else report_to_igmp(report))
        return actions


def _filter(interest: Interest | None) -> Filter:
    if interest is None:
        return NOTHING
    mode = FilterMode.EXCLUDE if interest.excluding else FilterMode.INCLUDE
    return Filter(mode, interest.sources)
