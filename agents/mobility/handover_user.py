"""The mobile node's side of a prepared handover (IEEE 802.21-2008, paper figure 9).

It tells the point of service what happens to its link, and says where it wants to go.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import Action
from agents.mobility.config import Counters
from agents.mobility.mih_transactions import Transactions
from agents.wire import mih_links as links
from agents.wire import mih_values as values
from agents.wire.mih import Kind, MihMessage, Opcode
from agents.wire.mih_layouts import WLAN


@dataclass(frozen=True)
class AccessPoint:
    """A MAR as a mobile node sees it: its point of attachment, and its point of service."""

    point: bytes
    address: IPv6Address


class HandoverUser:
    """The MIH function and user of one mobile node; it knows the MARs by name."""

    def __init__(self, name: str, link: bytes, access_points: Mapping[str, AccessPoint]) -> None:
        self.counters = Counters()
        self._link = link
        self._access_points = access_points
        self._transactions = Transactions(name)
        self._here: str | None = None
        self._target = b""
        self._name = name

    def link_up(self, mar: str, now: int) -> list[Action]:
        """The link is up at a MAR."""
        new = (links.NewAccessRouter(self._access_points[mar].point),)
        old = (links.OldAccessRouter(self._access_points[self._here].point),) if self._here else ()
        self._here = mar
        return self._indicate(Kind.LINK_UP, (*old, *new), now)

    def going_down(self, to: str, now: int) -> list[Action]:
        """The link is about to go down, and that to another MAR is better."""
        self._target = self._access_points[to].point
        said = (
            values.TimeInterval(0),
            values.LinkGoingDownReason(values.LINK_PARAMETERS_DEGRADING),
        )
        return self._indicate(Kind.LINK_GOING_DOWN, said, now)

    def receive(self, message: MihMessage, source: IPv6Address, now: int) -> list[Action]:
        """An MIH message came in."""
        here = self._access_points.get(self._here or "")
        if here is None or source != here.address or message.destination != self._name:
            self.counters.unauthentic += 1
            return []
        about, actions = self._transactions.take(message, source, now)
        if about is None:
            return actions
        if (message.kind, message.opcode) == (Kind.NET_HO_CANDIDATE_QUERY, Opcode.REQUEST):
            said = self._prefer(message)
        elif (message.kind, message.opcode) == (Kind.NET_HO_COMMIT, Opcode.REQUEST):
            said = (
                values.Status(values.SUCCESS),
                values.LinkType(WLAN),
                links.LinkActionResults(self._link, values.SUCCESS),
            )
        else:
            self.counters.ignored += 1
            return actions
        return actions + self._transactions.answer(message, source, said, now)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        return self._transactions.timer(now)

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._transactions.next_deadline()

    def _indicate(self, kind: Kind, said: tuple[values.Value, ...], now: int) -> list[Action]:
        if self._here is None:
            return []
        peer = (self._access_points[self._here].address, self._here)
        said = (links.LinkIdentifier(self._link), *said)
        return self._transactions.start(kind, Opcode.INDICATION, peer, said, self._name, now)

    def _prefer(self, message: MihMessage) -> tuple[values.Value, ...]:
        """Where it is going, if that is among the candidates."""
        candidates = message.value(links.CandidateLinks)
        wanted = candidates is not None and self._target in candidates.points
        return (
            values.Status(values.SUCCESS),
            links.LinkIdentifier(self._link),
            values.HandoverStatus(values.PERMITTED if wanted else values.DECLINED),
            links.PreferredLinks(self._link, (self._target,) if wanted else ()),
        )
