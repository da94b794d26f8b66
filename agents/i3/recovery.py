"""Lost packets: who misses one asks one sibling, who may have to ask one level up (section 5).

Each receiver is in the anycast group of its parent identifier. A sibling that has the packet sends
it straight to who asked. One that has it not takes it that nobody there has: it asks the group
above, and from there the packet goes to the whole subtree (figure 10).
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field, replace
from hashlib import sha256
from random import Random

from agents.core import Action
from agents.deadlines import Deadlines
from agents.i3.actions import Deliver, SendDatagram
from agents.i3.allowance import Allowance
from agents.i3.config import GroupConfig, Recovery
from agents.i3.identifiers import SUFFIX, recovery_group
from agents.i3.ring import Directory
from agents.wire import i3_group
from agents.wire.i3 import Endpoint, Identifier, Packet, Target, is_endpoint
from agents.wire.i3_group import Data, Repair, RepairRequest

MAXIMUM_SOURCES = 16
"""Of how many sources one member follows the numbers; always of the first, which is 0."""
MAXIMUM_REQUESTS = 8
"""How often a packet is asked for, before it is given up."""
LOSS_STEPS = 256
"""How finely loss rates are told apart: a member's place changes when its step does."""

Name = tuple[int, int]
"""Source and sequence number of a packet."""


@dataclass(slots=True)
class _Stream:
    """The numbers of one source's packets, as far as this member knows."""

    first: int
    latest: int
    by_tree: int = 0
    """How many came without having been asked for."""


@dataclass(slots=True)
class _Wanted:
    """A packet that this member asks for, for itself or for all below its parent."""

    group: Identifier
    reply_to: Target
    since: int
    requests: int = 0


@dataclass(slots=True)
class RecoveryCounters:
    """What was lost, and what recovery took."""

    losses: int = 0
    requests_sent: int = 0
    requests_received: int = 0
    duplicates: int = 0
    waits: list[int] = field(default_factory=list)
    """For each loss that was repaired, ns from its discovery."""
    given_up: int = 0
    refused: int = 0
    """Requests beyond what one endpoint gets within ``allowance.WINDOW``."""

    def snapshot(self) -> RecoveryCounters:
        """The counts as they are now."""
        return replace(self, waits=[*self.waits])

    def since(self, before: RecoveryCounters) -> RecoveryCounters:
        """What has been counted since a snapshot."""
        return RecoveryCounters(
            losses=self.losses - before.losses,
            requests_sent=self.requests_sent - before.requests_sent,
            requests_received=self.requests_received - before.requests_received,
            duplicates=self.duplicates - before.duplicates,
            waits=self.waits[len(before.waits) :],
            given_up=self.given_up - before.given_up,
            refused=self.refused - before.refused,
        )


class Repairs:
    """One member's part in the recovery of lost packets."""

    def __init__(
        self, me: Endpoint, directory: Directory, random: Random, config: GroupConfig
    ) -> None:
        self._me = me
        self._directory = directory
        self._random = random
        self._config = config
        self._parent: Identifier | None = None
        self._grandparent: Identifier | None = None
        self._streams: dict[int, _Stream] = {}
        self._kept: OrderedDict[Name, Data] = OrderedDict()
        self._missing: dict[Name, _Wanted] = {}
        """What this member lacks."""
        self._asked_for: dict[Name, _Wanted] = {}
        """What siblings have asked this member for, and it lacks, too."""
        self.deadlines: Deadlines[tuple[Name, bool]] = Deadlines()
        """When to ask (again) for a packet; True: on the siblings' behalf."""
        self._repairs = Allowance(config.kept_packets)
        self.counters = RecoveryCounters()

    def place(self, parent: Identifier, grandparent: Identifier) -> None:
        """The member's place in the tree: the two identifiers above its own."""
        self._parent, self._grandparent = parent, grandparent

    def moved(self, me: Endpoint) -> None:
        """The member is at another endpoint: what it lacks is to come there."""
        for wanted in self._missing.values():
            wanted.reply_to = me
        self._me = me

    def anycast_identifier(self) -> Identifier:
        """Where this member's trigger in its recovery group is, as its losses are now."""
        assert self._parent is not None
        spread = _spread(self._me)
        if self._config.recovery is Recovery.RANDOM:
            return recovery_group(self._parent, spread)
        share = round(self.loss_rate * LOSS_STEPS)
        return recovery_group(self._parent, share.to_bytes(4, "big") + spread[:4])

    def latest(self, source: int) -> int:
        """The number of a source's last packet, as far as this member knows; 0: of none."""
        stream = self._streams.get(source)
        return stream.latest if stream is not None else 0

    @property
    def missing(self) -> int:
        """How many packets are lacking that are asked for."""
        return len(self._missing)

    @property
    def loss_rate(self) -> float:
        """The share of packets that did not come by the tree."""
        sent = sum(stream.latest - stream.first + 1 for stream in self._streams.values())
        came = sum(stream.by_tree for stream in self._streams.values())
        return 1 - came / sent if sent else 0.0

    def data(self, data: Data, now: int) -> list[Action]:
        """A packet came by the tree."""
        stream = self._streams.get(data.source)
        if stream is None:
            if len(self._streams) >= MAXIMUM_SOURCES and data.source:
                return []
            stream = self._streams[data.source] = _Stream(data.sequence, data.sequence - 1)
        first = max(stream.latest + 1, data.sequence - self._config.kept_packets)
        for sequence in range(first, data.sequence):
            self._lost((data.source, sequence), now)
        stream.latest = max(stream.latest, data.sequence)
        actions = self._take(data, now)
        stream.by_tree += bool(actions)
        return actions

    def repair(self, repair: Repair, now: int) -> list[Action]:
        """A packet came that somebody had asked for."""
        if repair.source not in self._streams:
            return []
        return self._take(Data(*repair), now)

    def request(self, request: RepairRequest, now: int) -> list[Action]:
        """Somebody asks the group, and by that this member, for a packet."""
        self.counters.requests_received += 1
        name = (request.source, request.sequence)
        data = self._kept.get(name)
        if data is not None:
            to = request.reply_to
            if is_endpoint(to) and not self._repairs.grant(Endpoint(to), now):
                self.counters.refused += 1
                return []
            return [self._send(Repair(*data), to)]
        known = request.source in self._streams
        if name in self._asked_for or not known or self._parent is None:
            return []
        if len(self._asked_for) >= self._config.kept_packets:
            return []
        assert self._grandparent is not None
        self._asked_for[name] = _Wanted(self._grandparent, self._parent, now)
        return self._ask(name, now, for_siblings=True)

    def timer(self, now: int) -> list[Action]:
        """Ask for what has not come."""
        due = self.deadlines.due(now)
        return [action for name, siblings in due for action in self._ask(name, now, siblings)]

    def _lost(self, name: Name, now: int) -> None:
        self.counters.losses += 1
        if self._config.recovery is Recovery.OFF or self._parent is None:
            return
        if len(self._missing) < self._config.kept_packets:
            self._missing[name] = _Wanted(self._parent, self._me, now)
            wait = int(self._random.random() * self._config.repair_wait)
            self.deadlines.set((name, False), now + wait)

    def _ask(self, name: Name, now: int, for_siblings: bool) -> list[Action]:
        table = self._asked_for if for_siblings else self._missing
        wanted = table[name]
        if wanted.requests >= MAXIMUM_REQUESTS:
            del table[name]
            self.counters.given_up += not for_siblings
            return []
        wanted.requests += 1
        self.deadlines.set((name, for_siblings), now + self._config.repair_timeout)
        self.counters.requests_sent += 1
        least_loss = self._config.recovery is Recovery.LEAST_LOSS
        suffix = bytes(SUFFIX) if least_loss else _spread(b"%d.%d" % name)
        to = recovery_group(wanted.group, suffix)
        return [self._send(RepairRequest(*name, wanted.reply_to), to)]

    def _take(self, data: Data, now: int) -> list[Action]:
        """Keep a packet and hand it on, unless it is there already."""
        name = (data.source, data.sequence)
        if self._asked_for.pop(name, None):
            self.deadlines.cancel((name, True))
        wanted = self._missing.pop(name, None)
        if wanted is not None:
            self.deadlines.cancel((name, False))
            self.counters.waits.append(now - wanted.since)
        if name in self._kept or data.sequence < self._streams[data.source].first:
            self.counters.duplicates += 1
            return []
        self._kept[name] = data
        if len(self._kept) > self._config.kept_packets:
            self._kept.popitem(last=False)
        return [Deliver(*name, data.payload)]

    def _send(self, message: i3_group.Message, to: Target) -> Action:
        """Send to an identifier, by its server, or straight to an endpoint."""
        if is_endpoint(to):
            assert self._parent is not None
            packet = Packet(self._parent, i3_group.encode(message))
            return SendDatagram(packet, Endpoint(to))
        identifier = Identifier(to)
        packet = Packet(identifier, i3_group.encode(message))
        return SendDatagram(packet, self._directory.server_of(identifier))


def _spread(name: bytes) -> bytes:
    """Octets among which a longest prefix match chooses as good as at random."""
    return sha256(name).digest()[:SUFFIX]
