"""The interface is all that an overlay has to be: docs/overlay.md's example of another one."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

from agents.core import Action
from agents.overlay.actions import Deliver, SendDatagram
from agents.overlay.interface import Overlay
from agents.overlay.member import Member
from agents.wire.addresses import shared_address
from agents.wire.i3 import Endpoint, endpoint
from agents.wire.overlay import Interest

GROUP, OTHER = IPv6Address("ff0e::1"), IPv6Address("ff0e::2")
SOURCE = IPv6Address("2001:db8::5")


class Star:
    """Everybody sends to all others, who are known from the beginning, and drop what they must.

    A datagram is source, group, packet.
    """

    def __init__(self, others: tuple[Endpoint, ...]) -> None:
        self._others = others
        self._interests: dict[IPv6Address, Interest] = {}

    def want(self, group: IPv6Address, interest: Interest | None, now: int) -> list[Action]:
        self._interests.pop(group, None)
        if interest is not None:
            self._interests[group] = interest
        return []

    def send(
        self, packet: bytes, source: IPv6Address, group: IPv6Address, now: int
    ) -> list[Action]:
        return [SendDatagram(source.packed + group.packed + packet, self._others)]

    def receive(self, datagram: bytes, sender: Endpoint, now: int, ecn: int = 0) -> list[Action]:
        if sender not in self._others or len(datagram) < 32:
            return []
        source, group = shared_address(datagram[:16]), shared_address(datagram[16:32])
        interest = self._interests.get(group)
        wanted = interest is not None and interest.accepts(source)
        return [Deliver(datagram[32:])] if wanted else []

    def leave(self, now: int) -> list[Action]:
        return []

    def timer(self, now: int) -> list[Action]:
        return []

    def next_deadline(self) -> int | None:
        return None

    def status(self, now: int) -> dict[str, Any]:
        return {"groups": [str(group) for group in sorted(self._interests)]}


def test_another_overlay_carries_packets_to_whom_wants_them():
    ends = [endpoint(IPv6Address(f"2001:db8::{n}"), 4754) for n in (1, 2, 3)]
    stars = {end: Star(tuple(e for e in ends if e != end)) for end in ends}
    overlays: dict[Endpoint, Overlay] = dict(stars)
    overlays[ends[1]].want(GROUP, Interest(GROUP, True), 0)
    overlays[ends[2]].want(OTHER, Interest(OTHER, True), 0)
    delivered = {end: [] for end in ends}
    for action in overlays[ends[0]].send(b"hello", SOURCE, GROUP, 0):
        for destination in action.destinations:
            delivered[destination] += overlays[destination].receive(action.datagram, ends[0], 0)
    assert delivered == {ends[0]: [], ends[1]: [Deliver(b"hello")], ends[2]: []}


def test_the_protocol_of_our_own_is_one_of_them():
    calls = [name for name in vars(Overlay) if not name.startswith("_")]
    assert len(calls) == 7
    assert all(callable(getattr(Member, name)) for name in calls)
