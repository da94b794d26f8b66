"""One end host in a multicast group: it finds its place in the tree, and looks after it.

The tree is one of triggers, and all of them are the end hosts' (figure 7): a member at place
(id, own) has the triggers (id, own) and (own, itself); others join at ``own``. It says in one of
two sets of its parent identifier whether that is possible (section 3.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import Enum
from itertools import pairwise
from random import Random

from agents.core import Action
from agents.deadlines import Agenda, Deadlines
from agents.i3.actions import SendDatagram
from agents.i3.allowance import Allowance
from agents.i3.config import GroupConfig
from agents.i3.identifiers import SUFFIX, above_root, chained
from agents.i3.joining import Place
from agents.i3.keeping import Keeper
from agents.i3.moving_up import INSERTION_TIME, Climber, Twins
from agents.i3.recovery import Repairs
from agents.i3.recovery_group import RecoveryGroup
from agents.i3.ring import HostDirectory
from agents.i3.roots import Roots
from agents.i3.seeking import Seeker
from agents.i3.sets import Sets
from agents.i3.sources import FOUNDER, SourceDistance, Sources
from agents.wire import i3_group
from agents.wire.errors import MalformedPacket
from agents.wire.i3 import (
    Accepted,
    Challenge,
    Endpoint,
    Identifier,
    Message,
    Packet,
    Reason,
    Refused,
)
from agents.wire.i3_group import (
    Data,
    Distance,
    Joined,
    QueryDistance,
    RefreshAck,
    Repair,
    RepairRequest,
)

MAXIMUM_ANSWERS = 64
"""To questions of one endpoint within ``allowance.WINDOW``: who finds no place asks again and
again, five times a second at most."""
_INSERTED = 0


class Phase(Enum):
    """Where a member stands."""

    OUT = "out"
    SEARCHING = "searching"
    INSERTING = "inserting"
    IN_TREE = "in tree"


class Member:
    """The protocol machine of one member.

    ``near`` gives, each time it is called, the first 64 bits of an identifier that a server close
    to this host has. Times are those of this host's clock; no other has to agree with it.
    """

    def __init__(
        self,
        me: Endpoint,
        root: Identifier,
        directory: HostDirectory,
        near: Callable[[], bytes],
        random: Random,
        config: GroupConfig,
    ) -> None:
        self._me = me
        self._root = root
        self._top = above_root(root)
        self._directory = directory
        self._near = near
        self._random = random
        self._config = config
        self._keeper = Keeper(directory, random, config)
        self._roots = Roots(root, config)
        self._seeker = Seeker(
            me, root, directory, self._keeper, self._roots, random, config, self._insert
        )
        self._sets = Sets(me, self._keeper, random, config)
        self._climber = Climber(self._keeper, directory, random, config)
        self.repairs = Repairs(me, directory, random, config)
        self._recovery_group = RecoveryGroup(me, self.repairs, self._keeper, config)
        self._answers = Allowance(MAXIMUM_ANSWERS)
        self._deadlines: Deadlines[int] = Deadlines()
        self._agenda = Agenda(
            self._deadlines,
            self._seeker.deadlines,
            self._sets.deadlines,
            self._keeper.deadlines,
            self._climber.deadlines,
            self._recovery_group.deadlines,
            self.repairs.deadlines,
        )
        self.phase = Phase.OUT
        self.root_number: int | None = None
        """Which of several roots it is to be, if there is room for it below the founder."""
        self.path: tuple[Identifier, ...] = ()
        """The identifiers from the root's to this member's parent."""
        self.identifier: Identifier | None = None
        """The member's own, at which others join."""
        self.in_tree_since: int | None = None
        """When it got the place that it has, or had last; ns of its clock."""
        self._owner = me
        """Of the parent identifier."""
        self._twins = Twins(directory, random)
        self._sources = Sources(random)
        self._distance = SourceDistance(config.metric)
        self.counters = self._seeker.counters
        self.refused: Counter[str] = Counter()

    @property
    def chain(self) -> tuple[Identifier, ...]:
        """The identifiers from the root's to this member's own; only one in the tree has one."""
        assert self.identifier is not None
        return (*self.path, self.identifier)

    @property
    def _above(self) -> tuple[Identifier, ...]:
        """The identifiers from what is above the root's to this member's parent."""
        return (self._top, *self.path)

    @property
    def joinable(self) -> bool:
        """Whether there is room at the member's own identifier, as far as it knows."""
        return self._sets.joinable

    @property
    def source_distance(self) -> int:
        """ns, of this host's clock less the source's; by another metric, what the way costs."""
        return self._distance.value

    @property
    def is_owner(self) -> bool:
        """Whether the root identifier is the member's own, and source 0 is it."""
        return not self.path

    @property
    def sent(self) -> int:
        """The number of the last packet that was sent from here, as the source that it is now."""
        return self._sources.last(self.is_owner)

    def found(self, now: int) -> list[Action]:
        """Begin a group: this host is the source, and the root identifier is its own."""
        self.identifier = self._root
        return self._settle(now)

    def join(self, now: int) -> list[Action]:
        """Look for a place in the tree, and take it."""
        self.phase = Phase.SEARCHING
        self._seeker.asks_founder = self.root_number is not None
        return self._seeker.begin(now)

    def leave(self) -> list[Action]:
        """Give up the place. Triggers that others below need stay as long as they refresh them."""
        self.phase = Phase.OUT
        return self._seeker.stop() + self._give_up()

    def moved(self, me: Endpoint, now: int) -> list[Action]:
        """This host is at another endpoint. Its identifiers and its place in the tree stay."""
        # Answers to its questions go to where the host was.
        stay = self._seeker.moved(me) + self._climber.stop()
        before, self._me = self._me, me
        for part in (self.repairs, self._recovery_group, self._sets):
            part.moved(me)
        actions = stay + self._keeper.moved(before, me, now)
        # Those to a search do, too.
        return actions + (self.join(now) if self.phase is Phase.SEARCHING else [])

    def send(self, payload: bytes, now: int) -> list[Action]:
        """Send the group's next packet, of a source of this member's own."""
        if self.is_owner:
            self._distance.begin(0)
        data = self._sources.next(payload, self.is_owner, now)
        self.repairs.data(data, now)
        packet = Packet(self._root, i3_group.encode(data))
        return [SendDatagram(packet, self._directory.server_of(self._root))]

    def receive(self, message: Message, source: Endpoint, now: int) -> list[Action]:
        """A datagram came from an endpoint."""
        if isinstance(message, Packet):
            return self._packet(message, source, now)
        if isinstance(message, Accepted):
            return self._accepted(message, source, now)
        if isinstance(message, Refused):
            return self._refused(message, source, now)
        if isinstance(message, Challenge):
            return self._keeper.challenged(message, source)
        self.refused["not for a member"] += 1
        return []

    def located(self, after: int, up_to: int, now: int) -> list[Action]:
        """The server of the positions in (after, up_to] is another one, or has been found out."""
        return self._keeper.located(after, up_to, now)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for _ in self._deadlines.due(now):
            actions += self._elsewhere(now)
        actions += self._seeker.timer(now)
        for _ in self._sets.deadlines.due(now):
            actions += self._look(now)
        return [
            *actions,
            *self._recovery_group.timer(now),
            *self._climber.timer(now),
            *self._keeper.timer(now),
            *self.repairs.timer(now),
        ]

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._agenda.next()

    # Taking a place

    def _insert(self, place: Place, now: int) -> list[Action]:
        """Try to join at a place."""
        self.phase = Phase.INSERTING
        self._owner = place.owner
        self.path = place.path
        self._distance.begin(place.distance)
        parent = place.path[-1]
        self.identifier = chained(parent, self._near(), self._random.randbytes(SUFFIX))
        self._deadlines.set(_INSERTED, now + INSERTION_TIME)
        return self._keeper.keep((parent, self.identifier), now, below=0)

    def _elsewhere(self, now: int) -> list[Action]:
        """The place found, or had, is none: take another one."""
        gone = self._give_up()
        self.phase = Phase.SEARCHING
        return gone + self._tell_owner() + self._seeker.next(now)

    def _give_up(self) -> list[Action]:
        """Have no place any more."""
        self._twins.looks_for_them = False
        self._deadlines.cancel(_INSERTED)
        self._sets.stop()
        self._recovery_group.stop()
        return self._climber.stop() + self._keeper.drop_all()

    def _tell_owner(self) -> list[Action]:
        """Have the parent identifier's owner see whether it is full; the root has no parent."""
        if not self.path:
            return []
        joined = i3_group.encode(Joined(self.path[-1]))
        return [SendDatagram(Packet(self.path[-1], joined), self._owner)]

    # In the tree

    def _settle(self, now: int) -> list[Action]:
        """The place is taken: let others know, and see to the triggers above."""
        self.phase = Phase.IN_TREE
        self.in_tree_since = now
        self._deadlines.cancel(_INSERTED)
        for below, key in enumerate(reversed([*pairwise(self.chain)][:-1]), start=1):
            self._keeper.expect(key, below, now)
        self.repairs.place(self._above[-1], self._above[-2] if self.path else self._above[-1])
        actions = self._keeper.keep((self.chain[-1], self._me), now)
        actions += self._sets.enter(self._above[-1], self.chain[-1], now)
        actions += self._recovery_group.join(now)
        for number in self._root_numbers:
            actions += self._keeper.keep((self._roots.of(number), self._me), now)
        self._sets.look_by(now + int(self._config.probe_period * self._random.random()))
        return actions

    @property
    def _root_numbers(self) -> list[int]:
        """Which of several roots the member is where it is now."""
        if not self._roots.are_several or len(self.path) > 1:
            return []
        numbers = [] if self.root_number is None else [self.root_number]
        return [0, *numbers] if self.is_owner else numbers

    def _look(self, now: int) -> list[Action]:
        """See how full the member's own identifier is, and whether it is its own."""
        return self._sets.look(now) + self._twins.ask(self._above[-1], self._me)

    # Moving up to the parent's level

    def _tried(self, identifier: Identifier, now: int) -> list[Action]:
        """Somebody would join, here or below an identifier where nobody was found."""
        if identifier == self.identifier:
            self._sets.look_by(now + self._config.probe_delay)
        elif identifier in self._above[:-1]:
            return self._climber.begin((self._above[0], *self.chain), self._me, now)
        return []

    def _move_up(self, now: int) -> list[Action]:
        """The parent's identifier is this member's; the triggers at its own are others' now."""
        *_, parent, own = self.chain
        gone = self._sets.leave() + self._keeper.drop((own, self._me))
        gone += self._keeper.drop((parent, own))
        self._climber.arrived()
        self._twins.looks_for_them = True
        self.path, self.identifier = self.path[:-1], parent
        if self.path:
            self._keeper.expect((self.path[-1], parent), 0, now)
        else:
            self._sources.take_over(self.repairs.latest(FOUNDER))
        return gone + self._settle(now)

    # What servers say

    def _accepted(self, message: Accepted, source: Endpoint, now: int) -> list[Action]:
        key = (message.identifier, message.target)
        if not self._directory.is_of(message.identifier, source):
            self.refused["not from the server"] += 1
            return []
        if self._sets.is_dummy(key):
            return self._sets.seen(True, now)
        if self._climber.is_place(key):
            return self._move_up(now) if self._keeper.accepted(key, now) else []
        if not self._keeper.accepted(key, now):
            return []
        if self.phase is Phase.INSERTING:
            self._seeker.found()
            return self._tell_owner() + self._settle(now)
        return self._sets.accepted(key)

    def _refused(self, message: Refused, source: Endpoint, now: int) -> list[Action]:
        key = (message.identifier, message.target)
        if not self._directory.is_of(message.identifier, source):
            self.refused["not from the server"] += 1
            return []
        if self._sets.is_dummy(key) and message.reason is Reason.IDENTIFIER_FULL:
            return self._sets.seen(False, now)
        if self._climber.is_place(key) and message.reason is Reason.IDENTIFIER_FULL:
            return self._climber.stop()
        if self._keeper.is_shared(key):
            return self._elsewhere(now)
        return []

    # What comes through triggers

    def _packet(self, packet: Packet, source: Endpoint, now: int) -> list[Action]:
        try:
            message = i3_group.decode(packet.data)
        except MalformedPacket:
            self.refused["malformed"] += 1
            return []
        if isinstance(message, Distance):
            return self._answer(message, packet.identifier, source, now)
        if self._seeker.is_measuring and isinstance(message, Data):
            if message.source == FOUNDER:
                self._seeker.measure(packet.identifier, message, now)
            return []
        if self.phase is not Phase.IN_TREE:
            return []
        if isinstance(message, QueryDistance):
            return self._query_distance(message, packet.identifier, now)
        if isinstance(message, RefreshAck):
            self._keeper.refreshed(message.identifier, now)
            return []
        if isinstance(message, Joined):
            return self._tried(message.identifier, now)
        if isinstance(message, RepairRequest):
            return self.repairs.request(message, now)
        if isinstance(message, Repair):
            return self.repairs.repair(message, now)
        return self._data(message, now)

    def _data(self, data: Data, now: int) -> list[Action]:
        if self._sources.is_back(data, self.is_owner):
            return []
        if data.source == FOUNDER:
            self._distance.hear(data, now)
        return self.repairs.data(data, now)

    def _answer(self, reply: Distance, of: Identifier, source: Endpoint, now: int) -> list[Action]:
        actions = self._seeker.hear(reply, of, source, now)
        if actions is not None:
            return actions
        if self._twins.is_answer(reply):
            twin = reply.identifier == self.identifier and source != self._me
            return self._elsewhere(now) if twin else []
        if not self._climber.hear(reply, of):
            self.refused["not asked for"] += 1
        return []

    def _query_distance(self, query: QueryDistance, of: Identifier, now: int) -> list[Action]:
        if of not in self._sets.both and not (self._root_numbers and self._roots.is_asked_at(of)):
            return []
        if not self._answers.grant(query.requester, now):
            self.refused["too many questions"] += 1
            return []
        assert self.identifier is not None
        self.counters["queries"] += 1
        reply = Distance(query.nonce, self.identifier, now, self.source_distance)
        # Asked as a root, or by the set that it is about to leave, it says by a set what it is.
        answer = Packet(self._sets.current, i3_group.encode(reply))
        return [SendDatagram(answer, query.requester)]
