"""Packets that lack are asked for again, of neighbours: NEMO's negative acknowledgements.

A gap in a publisher's numbers shows what lacks. Each packet says which of the 64 before it its
sender has, so it is asked for there first, else of any neighbour. Who lacks it, too, sends it on as
soon as it has it.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from agents.deadlines import Deadlines
from agents.overlay.marking import traffic_class
from agents.overlay.nemo.context import Context
from agents.overlay.rates import Rates
from agents.overlay.window import Window
from agents.wire.nemo import MAXIMUM_MISSING, NOBODY, Data, Nack, Way
from agents.wire.overlay import MemberId

_HOLDERS = 16
_ASKERS = 16
_HAD = 64
Key = tuple[MemberId, int]
"""Publisher and sequence number."""


@dataclass
class _Publisher:
    highest: int
    holders: OrderedDict[MemberId, tuple[int, int]] = field(default_factory=OrderedDict)
    """What each of those that sent to us last had: the packet it sent, and which before it."""


class Recovery:
    """What one group's packets lack here, and which are kept for others."""

    def __init__(
        self, group: IPv6Address, context: Context, neighbours: Callable[[], list[MemberId]]
    ) -> None:
        self._group, self._context, self._neighbours = group, context, neighbours
        self._config = context.config
        self._publishers: OrderedDict[MemberId, _Publisher] = OrderedDict()
        self._kept: OrderedDict[Key, Data] = OrderedDict()
        self._octets = 0
        self._tries: dict[Key, int] = {}
        self._due: Deadlines[Key] = Deadlines()
        self._owed: OrderedDict[Key, set[MemberId]] = OrderedDict()
        self._rates = Rates(context.config.again_rate)
        self.asked = self.sent_again = self.given_up = 0

    def had(self, window: Window, sequence: int) -> int:
        """What we say of the packets before one."""
        return window.before(sequence, _HAD) if self._config.retransmissions else 0

    def came(self, data: Data, sender: MemberId, now: int) -> None:
        """A packet came, for the first time."""
        if not self._config.retransmissions:
            return
        publisher = self._publishers.get(data.publisher)
        if publisher is None:
            publisher = self._publishers[data.publisher] = _Publisher(data.sequence)
            if len(self._publishers) > self._config.maximum_publishers:
                self._publishers.popitem(last=False)
        self._publishers.move_to_end(data.publisher)
        key = data.publisher, data.sequence
        self._due.cancel(key)
        self._tries.pop(key, None)
        kept = self._config.kept_packets
        if abs(data.sequence - publisher.highest) > kept:  # what lacks is not kept any more
            publisher.highest = data.sequence
        first = publisher.highest + 1
        for sequence in range(first, data.sequence):
            self._lacks((data.publisher, sequence), now + self._config.nack_after)
        publisher.highest = max(publisher.highest, data.sequence)
        if sender != self._context.me and data.way is not Way.AGAIN:
            publisher.holders[sender] = data.sequence, data.had
            publisher.holders.move_to_end(sender)
            if len(publisher.holders) > _HOLDERS:
                publisher.holders.popitem(last=False)
        self._keep(key, data)
        askers = self._owed.pop(key, set())
        self._again(key, *sorted(askers), now=now)

    def asked_for(self, nack: Nack, sender: MemberId, now: int) -> None:
        """A member lacks packets."""
        for sequence in nack.missing:
            key = nack.publisher, sequence
            if key in self._kept:
                self._again(key, sender, now=now)
            elif key in self._tries:
                askers = self._owed.setdefault(key, set())
                if len(askers) < _ASKERS:
                    askers.add(sender)
                if len(self._owed) > self._config.kept_packets:
                    self._owed.popitem(last=False)

    def timer(self, now: int) -> None:
        """Ask for what still lacks."""
        wanted: dict[tuple[MemberId, MemberId], list[int]] = defaultdict(list)
        for key in list(self._due.due(now)):
            publisher, sequence = key
            holder = self._holder(publisher, sequence)
            self._tries[key] += 1
            if holder is None or self._tries[key] > self._config.nack_tries:
                self.given_up += 1
                del self._tries[key]
                self._owed.pop(key, None)
                continue
            self._due.set(key, now + self._config.nack_retry)
            wanted[holder, publisher].append(sequence)
        for (holder, publisher), missing in wanted.items():
            for start in range(0, len(missing), MAXIMUM_MISSING):
                part = tuple(missing[start : start + MAXIMUM_MISSING])
                self.asked += len(part)
                self._context.post.send(Nack(self._group, publisher, part), holder)

    def next_deadline(self) -> int | None:
        """When ``timer`` is due."""
        return self._due.next()

    def _lacks(self, key: Key, due: int) -> None:
        if len(self._tries) < self._config.kept_packets:
            self._tries[key] = 0
            self._due.set(key, due)

    def _holder(self, publisher: MemberId, sequence: int) -> MemberId | None:
        """Who is to be asked: by lot one that has it, else any neighbour."""
        known = self._publishers.get(publisher)
        holders = [
            member
            for member, (sent, had) in (known.holders.items() if known else ())
            if sent == sequence or (sent > sequence and had >> (sent - 1 - sequence) & 1)
        ]
        choices = holders or self._neighbours()
        return self._context.random.choice(choices) if choices else None

    def _keep(self, key: Key, data: Data) -> None:
        self._kept[key] = data
        self._octets += len(data.packet)
        while len(self._kept) > self._config.kept_packets or (
            self._octets > self._config.kept_octets
        ):
            _, old = self._kept.popitem(last=False)
            self._octets -= len(old.packet)

    def _again(self, key: Key, *members: MemberId, now: int) -> None:
        data = self._kept.get(key)
        allowed = [member for member in members if self._rates.allows(member, now)]
        if data is None or not allowed:
            return
        self.sent_again += len(allowed)
        again = Data(
            self._group, *key, Way.AGAIN, 0, NOBODY, 0, source=data.source, packet=data.packet
        )
        self._context.post.send(again, *allowed, traffic_class=traffic_class(data.packet))
