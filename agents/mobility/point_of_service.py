"""The point of service of a MAR, which prepares handovers with others (paper figure 9).

It is the MIH function and its user on the network's side, in one (IEEE 802.21-2008). Where a mobile
node says that its link is going down, it is asked where it wants to go, the router there is asked
for resources and told who comes, with the MARs that anchor its prefixes, and the mobile node is
told to go. Tunnels between the two are made meanwhile. So the router where the mobile node comes up
need not ask the group of all MARs for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import SECOND, Action, Log
from agents.deadlines import Deadlines
from agents.mobility.actions import MobileNode
from agents.mobility.anchors import Anchor, anchor_options, read_anchors
from agents.mobility.config import Counters
from agents.mobility.mar import MarCore
from agents.mobility.mih_transactions import Transactions
from agents.wire import mih_links as links
from agents.wire import mih_values as values
from agents.wire.ipv6 import link_local
from agents.wire.mih import Kind, MihMessage, Opcode
from agents.wire.mih_layouts import WLAN

PREPARED = 10 * SECOND
"""For how long a handover stays prepared that does not take place, ns."""

Peer = tuple[IPv6Address, str]
"""The address and the identifier of another MIH function."""
_Step = Callable[[MihMessage, Peer, str, int], list[Action]]


@dataclass(frozen=True)
class PointOfServiceConfig:
    """A point of service, and the others of its domain."""

    name: str
    """Its identifier (MIHF ID)."""
    address: IPv6Address
    """Of the MAR."""
    point: bytes
    """The link-layer address of its point of attachment."""
    others: Mapping[bytes, Peer]
    """The other MARs' points of service by the addresses of their points of attachment."""


@dataclass
class _Departure:
    mobile_node: MobileNode
    anchors: tuple[Anchor, ...]
    target: bytes = b""


class PointOfService:
    """Prepares the handovers from and to one MAR."""

    def __init__(self, config: PointOfServiceConfig, mar: MarCore) -> None:
        self.counters = Counters()
        self._config = config
        self._mar = mar
        self._routers = frozenset(config.others.values())
        self._transactions = Transactions(config.name)
        self._departures: dict[str, _Departure] = {}
        self._expected: dict[str, tuple[Anchor, ...]] = {}
        self._held: dict[str, tuple[IPv6Address, ...]] = {}
        self._deadlines: Deadlines[str] = Deadlines()
        self._steps: dict[tuple[Kind, Opcode], _Step] = {
            (Kind.LINK_GOING_DOWN, Opcode.INDICATION): self._ask_mobile_node,
            (Kind.NET_HO_CANDIDATE_QUERY, Opcode.RESPONSE): self._ask_target,
            (Kind.N2N_HO_QUERY_RESOURCES, Opcode.REQUEST): self._tell_resources,
            (Kind.N2N_HO_QUERY_RESOURCES, Opcode.RESPONSE): self._commit_target,
            (Kind.N2N_HO_COMMIT, Opcode.REQUEST): self._expect,
            (Kind.N2N_HO_COMMIT, Opcode.RESPONSE): self._commit_mobile_node,
            (Kind.NET_HO_COMMIT, Opcode.RESPONSE): self._committed,
            (Kind.LINK_UP, Opcode.INDICATION): self._completed,
        }

    def receive(self, message: MihMessage, source: IPv6Address, now: int) -> list[Action]:
        """An MIH message came in."""
        peer = (source, message.source)
        if message.destination != self._config.name or not self._is_authentic(peer):
            self.counters.unauthentic += 1
            return []
        step = self._steps.get((message.kind, message.opcode))
        if step is None:
            self.counters.ignored += 1
            return []
        about, actions = self._transactions.take(message, source, now)
        if about is not None:
            actions += step(message, peer, about, now)
        return actions

    def expected(self, identifier: str) -> tuple[Anchor, ...]:
        """Who anchors the prefixes of a mobile node whose arrival is prepared; else nobody."""
        return self._expected.get(identifier, ())

    def arrived(self, identifier: str, now: int) -> list[Action]:
        """The mobile node is here, and holds for itself what was made for it."""
        return self._end(identifier, now)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions = self._transactions.timer(now)
        for identifier in self._deadlines.due(now):
            actions += self._end(identifier, now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        dues = (self._transactions.next_deadline(), self._deadlines.next())
        return min((due for due in dues if due is not None), default=None)

    def _is_authentic(self, peer: Peer) -> bool:
        """Routers have their addresses; mobile nodes here have those of their links."""
        attached = self._mar.attached(peer[1])
        if attached is None:
            return peer in self._routers
        return peer[0] == link_local(attached[0].link_layer_address) or peer in self._routers

    # Where the mobile node is

    def _ask_mobile_node(
        self, message: MihMessage, peer: Peer, about: str, now: int
    ) -> list[Action]:
        attached = self._mar.attached(about)
        if attached is None or message.value(links.LinkIdentifier) is None:
            self.counters.malformed += 1
            return []
        self._departures[about] = _Departure(*attached)
        self._deadlines.set(about, now + PREPARED)
        link = attached[0].link_layer_address
        query = (
            links.CandidateLinks(link, tuple(self._config.others)),
            values.QueryResourceReportFlag(1),
        )
        return self._ask(Kind.NET_HO_CANDIDATE_QUERY, peer, query, about, now)

    def _ask_target(self, message: MihMessage, peer: Peer, about: str, now: int) -> list[Action]:
        departure = self._departures.get(about)
        preferred = message.value(links.PreferredLinks)
        points = [p for p in preferred.points if p in self._config.others] if preferred else []
        if departure is None or not _succeeded(message) or not points:
            return self._abandon(about, "the mobile node wants none", now)
        departure.target = points[0]
        router = self._config.others[points[0]]
        link = departure.mobile_node.link_layer_address
        query = (values.ResourceQuery(), links.CandidateLinks(link, (points[0],)))
        return [
            *self._hold(about, [router[0]], now),
            *self._ask(Kind.N2N_HO_QUERY_RESOURCES, router, query, about, now),
        ]

    def _commit_target(self, message: MihMessage, peer: Peer, about: str, now: int) -> list[Action]:
        departure = self._departures.get(about)
        status = message.value(values.ResourceStatus)
        available = status is not None and status.number == values.AVAILABLE
        if departure is None or not _succeeded(message) or not available:
            return self._abandon(about, "no resources", now)
        commit = (
            values.MobileNodeMihf(about),
            links.MobileNodeLink(departure.mobile_node.link_layer_address),
            links.PointOfAttachment(departure.target),
            values.RequestedResources(),
            values.PreviousRouters(tuple(anchor_options(departure.anchors))),
        )
        return self._ask(Kind.N2N_HO_COMMIT, peer, commit, about, now)

    def _commit_mobile_node(
        self, message: MihMessage, peer: Peer, about: str, now: int
    ) -> list[Action]:
        departure = self._departures.get(about)
        if departure is None or not _succeeded(message):
            return self._abandon(about, "not committed", now)
        link = departure.mobile_node.link_layer_address
        commit = (
            values.LinkType(WLAN),
            links.TargetNetworks(departure.target),
            values.AssignedResources(),
            links.LinkActions(link, 0),
        )
        return self._ask(Kind.NET_HO_COMMIT, (link_local(link), about), commit, about, now)

    def _committed(self, message: MihMessage, peer: Peer, about: str, now: int) -> list[Action]:
        return [Log("handover_committed", {"mn": about})]

    def _abandon(self, about: str, reason: str, now: int) -> list[Action]:
        """The mobile node goes unprepared, if it goes."""
        return [Log("handover_abandoned", {"mn": about, "reason": reason}), *self._end(about, now)]

    # Where it is going to be

    def _tell_resources(
        self, message: MihMessage, peer: Peer, about: str, now: int
    ) -> list[Action]:
        candidates = message.value(links.CandidateLinks)
        own = self._config.point
        here = candidates is not None and own in candidates.points
        found: tuple[values.Value, ...] = (
            values.Status(values.SUCCESS),
            values.ResourceStatus(values.AVAILABLE if here else 0),
        )
        if here and candidates is not None:
            found = (*found, links.PreferredLinks(candidates.link, (own,)))
        return self._transactions.answer(message, peer[0], found, now)

    def _expect(self, message: MihMessage, peer: Peer, about: str, now: int) -> list[Action]:
        mobile_node = message.value(values.MobileNodeMihf)
        previous = message.value(values.PreviousRouters)
        anchors = read_anchors(previous.options) if previous else None
        known = {address for address, _ in self._routers} | {self._config.address}
        if mobile_node is None or not anchors or not {a.address for a in anchors} <= known:
            self.counters.malformed += 1
            refusal = (values.Status(values.FAILURE),)
            return self._transactions.answer(message, peer[0], refusal, now)
        identifier = mobile_node.text
        self._expected[identifier] = anchors
        self._deadlines.set(identifier, now + PREPARED)
        others = [a.address for a in anchors if a.address != self._config.address]
        accepted = (
            values.Status(values.SUCCESS),
            mobile_node,
            links.PointOfAttachment(self._config.point),
            values.AssignedResources(),
        )
        return [
            Log("handover_expected", {"mn": identifier}),
            *self._transactions.answer(message, peer[0], accepted, now),
            *self._hold(identifier, others, now),
        ]

    def _completed(self, message: MihMessage, peer: Peer, about: str, now: int) -> list[Action]:
        return []  # the point of attachment has told already that the link is up

    # As either

    def _ask(
        self, kind: Kind, peer: Peer, said: tuple[values.Value, ...], about: str, now: int
    ) -> list[Action]:
        return self._transactions.start(kind, Opcode.REQUEST, peer, said, about, now)

    def _hold(self, identifier: str, peers: list[IPv6Address], now: int) -> list[Action]:
        """Make tunnels before they are needed, in place of those made for it before."""
        earlier = self._held.pop(identifier, ())
        self._held[identifier] = tuple(peers)
        actions: list[Action] = []
        for peer in peers:
            actions += self._mar.hold_tunnel(peer, _holder(identifier), now)
        for peer in set(earlier) - set(peers):
            actions += self._mar.release_tunnel(peer, _holder(identifier), now)
        return actions

    def _end(self, identifier: str, now: int) -> list[Action]:
        self._departures.pop(identifier, None)
        self._expected.pop(identifier, None)
        self._deadlines.cancel(identifier)
        actions: list[Action] = []
        for peer in self._held.pop(identifier, ()):
            actions += self._mar.release_tunnel(peer, _holder(identifier), now)
        return actions


def _succeeded(message: MihMessage) -> bool:
    status = message.value(values.Status)
    return status is not None and status.number == values.SUCCESS


def _holder(identifier: str) -> str:
    return f"prepared:{identifier}"
