"""One end host in a multicast group: it finds its place in the tree, and looks after it.

The tree is one of triggers, and all of them are the end hosts' (figure 7): a member at place
(id, own) has the triggers (id, own) and (own, itself); others join at ``own``. It says in one of
two sets of its parent identifier whether that is possible (section 3.2).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import Enum, IntEnum
from itertools import pairwise
from random import Random
from typing import Any

from agents.core import MILLISECOND, Action
from agents.deadlines import Deadlines, earliest
from agents.i3.actions import SendDatagram
from agents.i3.allowance import Allowance
from agents.i3.config import GroupConfig, Metric, Recovery
from agents.i3.identifiers import PREFIX, SUFFIX, above_root, chained, f_hash, j_hash
from agents.i3.joining import Place, Search
from agents.i3.keeping import Keeper
from agents.i3.measuring import ENOUGH, MEASURING_TIME, Reception, Trials
from agents.i3.moving_up import INSERTION_TIME, Climber, reach, sets_of
from agents.i3.recovery import Repairs
from agents.i3.ring import HostDirectory
from agents.wire import i3_group
from agents.wire.errors import MalformedPacket
from agents.wire.i3 import (
    Accepted,
    Challenge,
    Endpoint,
    Identifier,
    Insert,
    Message,
    Packet,
    Reason,
    Refused,
    Remove,
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

AGAIN = 400 * MILLISECOND
"""After a random time of half to all of this a receiver for which there was no place searches anew:
those who refused it may have seen by then that they are full; ns."""
MAXIMUM_ANSWERS = 64
"""To questions of one endpoint within ``allowance.WINDOW``: who finds no place asks again and
again, five times a second at most."""
_OWN_GROUP = 0


class Phase(Enum):
    """Where a member stands."""

    OUT = "out"
    SEARCHING = "searching"
    INSERTING = "inserting"
    IN_TREE = "in tree"


class _Timer(IntEnum):
    SEARCH = 1
    PROBE = 2
    ANYCAST = 3


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
        self._climber = Climber(self._keeper, directory, random, config)
        self.repairs = Repairs(me, directory, random, config)
        self._answers = Allowance(MAXIMUM_ANSWERS)
        self._deadlines: Deadlines[_Timer] = Deadlines()
        self._all_deadlines: tuple[Deadlines[Any], ...] = (
            self._deadlines,
            self._keeper.deadlines,
            self._climber.deadlines,
            self.repairs.deadlines,
        )
        self.phase = Phase.OUT
        self.path: tuple[Identifier, ...] = ()
        """The identifiers from the root's to this member's parent."""
        self.identifier: Identifier | None = None
        """The member's own, at which others join."""
        self.joinable = True
        self.in_tree_since: int | None = None
        """When it got the place that it has, or had last; ns of its clock."""
        self.source_distance = 0
        """ns, of this host's clock less the source's; by another metric, what the way costs."""
        self._owner = me
        """Of the parent identifier."""
        self._search: Search | None = None
        self._trials: Trials | None = None
        self._reception = Reception()
        self._by_delay = config.metric is Metric.DELAY
        self._nonce = 0
        self._places: list[Place] = []
        """Where to join, the best first, as the last search found."""
        self._failed = 0
        """Searches that found no place since this member had one."""
        self._moved_up = False
        self._dummy: Identifier | None = None
        self._source: int | None = None
        """The number under which this member sends that is not the root's owner, once it has."""
        self._sent: Counter[int] = Counter()
        """The last packet of each source that this member has been."""
        self._anycast: list[tuple[Identifier, Endpoint]] = []
        """This member's trigger in its recovery group, and the one before."""
        self.counters: Counter[str] = Counter()
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
    def sent(self) -> int:
        """The number of the last packet that was sent from here, as the source that it is now."""
        return self._sent[self._source_number()]

    def found(self, now: int) -> list[Action]:
        """Begin a group: this host is the source, and the root identifier is its own."""
        self.identifier = self._root
        return self._settle(now)

    def join(self, now: int) -> list[Action]:
        """Look for a place in the tree, and take it."""
        self.phase = Phase.SEARCHING
        self._search = Search(self._root, self._config.degree, self._by_delay)
        return self._end_trials() + self._query(now)

    def leave(self) -> list[Action]:
        """Give up the place. Triggers that others below need stay as long as they refresh them."""
        self.phase = Phase.OUT
        self._search = None
        self._moved_up = False
        for timer in _Timer:
            self._deadlines.cancel(timer)
        return self._end_trials() + self._climber.stop() + self._keeper.drop_all()

    def moved(self, me: Endpoint, now: int) -> list[Action]:
        """This host is at another endpoint. Its identifiers and its place in the tree stay."""
        # Answers to its questions, and what it measures, go to where the host was.
        stay = self._end_trials() + self._climber.stop()
        before, self._me = self._me, me
        self.repairs.moved(me)
        self._anycast = [(identifier, me) for identifier, _ in self._anycast]
        actions = stay + self._keeper.moved(before, me, now)
        # Those to a search do, too.
        return actions + (self.join(now) if self.phase is Phase.SEARCHING else [])

    def send(self, payload: bytes, now: int) -> list[Action]:
        """Send the group's next packet, of a source of this member's own.

        Those of the root's owner are source 0, and what distances are measured by. Others may send,
        too: who is far from the root's server has so much more delay (section 3.2.2).
        """
        source = self._source_number()
        self._sent[source] += 1
        if source == _OWN_GROUP:
            self.source_distance = 0
        data = Data(source, self._sent[source], now, payload)
        self.repairs.data(data, now)
        return [self._to(self._root, data)]

    def _source_number(self) -> int:
        if not self.path:
            return _OWN_GROUP
        if self._source is None:
            self._source = self._random.getrandbits(32) or 1
        return self._source

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
        for timer in self._deadlines.due(now):
            if timer is _Timer.PROBE:
                actions += self._probe(now)
            elif timer is _Timer.ANYCAST:
                actions += self._join_recovery_group(now)
            elif self._trials is not None:
                actions += self._measured(self._trials, now)
            elif self.phase is Phase.SEARCHING:
                actions += self._next_level(now) if self._search else self.join(now)
            else:
                actions += self._elsewhere(now)
        return (
            actions + self._climber.timer(now) + self._keeper.timer(now) + self.repairs.timer(now)
        )

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return earliest(self._all_deadlines)

    # Looking for a place

    def _query(self, now: int) -> list[Action]:
        assert self._search is not None
        self._nonce = self._random.getrandbits(32)
        self._deadlines.set(_Timer.SEARCH, now + self._config.reply_time)
        question = QueryDistance(self._nonce, self._me)
        return [self._to(identifier, question) for identifier in self._search.queries]

    def _next_level(self, now: int) -> list[Action]:
        """All who will answer have: go on, or join at the best place there was."""
        assert self._search is not None
        if self._search.step():
            return self._query(now)
        self._places = self._search.places
        if self._places and not self._by_delay:
            return self._measure(now)
        return self._cry() + self._insert(now)

    def _measure(self, now: int) -> list[Action]:
        """See what comes by the places that look best, before one is taken (section 3.2.2)."""
        self._search = None
        self._trials = Trials(self._places, self._me, self._keeper)
        self._deadlines.set(_Timer.SEARCH, now + MEASURING_TIME)
        return self._trials.begin(now)

    def _measured(self, trials: Trials, now: int) -> list[Action]:
        self._places = trials.found(self._config.metric, now)
        return self._end_trials() + self._insert(now)

    def _end_trials(self) -> list[Action]:
        trials, self._trials = self._trials, None
        return trials.end() if trials is not None else []

    def _cry(self) -> list[Action]:
        """Tell those below where the search has ended if nobody there has a place."""
        assert self._search is not None
        if self._places:
            return []
        self._failed += 1
        above, to = (self._top, *self._search.path)[-1], self._root
        if self._search.path:
            to = above
        elif self._failed == 1:
            return []  # A founder that has just become full is in neither set for a moment.
        cry = Packet(to, i3_group.encode(Joined(above)), reach(self._failed - 1))
        return [SendDatagram(cry, self._directory.server_of(to))]

    def _insert(self, now: int) -> list[Action]:
        """Try the best of the places that have not been tried."""
        if not self._places:
            return self._search_later(now)
        place = self._places.pop(0)
        self.counters["tries"] += 1
        self.phase = Phase.INSERTING
        self._search = None
        self._owner = place.owner
        self.path = place.path
        self.source_distance = place.distance
        self._reception = Reception()
        parent = place.path[-1]
        self.identifier = chained(parent, self._near(), self._random.randbytes(SUFFIX))
        self._deadlines.set(_Timer.SEARCH, now + INSERTION_TIME)
        return self._keeper.keep((parent, self.identifier), now, below=0)

    def _search_later(self, now: int) -> list[Action]:
        """Nowhere was a place: search anew, but not at the pace at which the answers come."""
        self.phase = Phase.SEARCHING
        self._search = None
        wait = int(AGAIN * (1 + self._random.random()) / 2)
        self._deadlines.set(_Timer.SEARCH, now + wait)
        return []

    def _elsewhere(self, now: int) -> list[Action]:
        """The place found, or had, is none: take another one."""
        gone = self._climber.stop() + self._keeper.drop_all()
        self._moved_up = False
        return gone + self._tell_owner() + self._insert(now)

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
        self.joinable = True
        self._failed = 0
        self._deadlines.cancel(_Timer.SEARCH)
        for below, key in enumerate(reversed([*pairwise(self.chain)][:-1]), start=1):
            self._keeper.expect(key, below, now)
        self.repairs.place(self._above[-1], self._above[-2] if self.path else self._above[-1])
        actions = self._keeper.keep((self.chain[-1], self._me), now)
        actions += self._keeper.keep((self._set_identifier(), self._me), now)
        actions += self._join_recovery_group(now)
        self._probe_by(now + int(self._config.probe_period * self._random.random()))
        return actions

    def _set_identifier(self) -> Identifier:
        return j_hash(self._above[-1]) if self.joinable else f_hash(self._above[-1])

    def _join_recovery_group(self, now: int) -> list[Action]:
        """Be where requests for repairs go; with the losses, that place changes."""
        if self._config.recovery is Recovery.OFF:
            return []
        self._deadlines.set(_Timer.ANYCAST, now + self._config.refresh_period)
        identifier = self.repairs.anycast_identifier()
        if self._anycast and self._anycast[-1][0] == identifier:
            return []
        # Both are there for a while: the group always has this member.
        left = self._keeper.drop(self._anycast.pop(0)) if len(self._anycast) > 1 else []
        self._anycast.append((identifier, self._me))
        return left + self._keeper.keep(self._anycast[-1], now)

    # Whether others can join here

    def _probe_by(self, when: int) -> None:
        self._deadlines.set(_Timer.PROBE, min(when, self._deadlines.get(_Timer.PROBE, when)))

    def _probe(self, now: int) -> list[Action]:
        """Try to insert a dummy trigger at one's own identifier (section 3.2.2)."""
        assert self.identifier is not None
        if self._dummy is None:
            randbytes = self._random.randbytes
            self._dummy = chained(self.identifier, randbytes(PREFIX), randbytes(SUFFIX))
        self._probe_by(now + self._config.probe_period)
        return [
            self._keeper.request(Insert, (self.identifier, self._dummy)),
            *self._ask_for_twins(),
        ]

    def _probed(self, joinable: bool, now: int) -> list[Action]:
        assert self.identifier is not None
        assert self._dummy is not None
        dummy, self._dummy = (self.identifier, self._dummy), None
        actions = [self._keeper.request(Remove, dummy)] if joinable else []
        if joinable == self.joinable:
            return actions
        actions += self._keeper.drop((self._set_identifier(), self._me))
        self.joinable = joinable
        actions += self._keeper.keep((self._set_identifier(), self._me), now)
        return actions

    # Moving up to the parent's level

    def _tried(self, identifier: Identifier, now: int) -> list[Action]:
        """Somebody would join, here or below an identifier where nobody was found."""
        if identifier == self.identifier:
            self._probe_by(now + self._config.probe_delay)
        elif identifier in self._above[:-1]:
            return self._climber.begin((self._above[0], *self.chain), self._me, now)
        return []

    def _move_up(self, now: int) -> list[Action]:
        """The parent's identifier is this member's; the triggers at its own are others' now."""
        *_, parent, own = self.chain
        gone = self._keeper.drop((self._set_identifier(), self._me))
        gone += self._keeper.drop((own, self._me)) + self._keeper.drop((parent, own))
        self._climber.arrived()
        self._dummy, self._moved_up = None, True
        self.path, self.identifier = self.path[:-1], parent
        if self.path:
            self._keeper.expect((self.path[-1], parent), 0, now)
        else:
            self._sent[_OWN_GROUP] = self.repairs.latest(_OWN_GROUP)
        return gone + self._settle(now)

    def _ask_for_twins(self) -> list[Action]:
        """Who has moved up sees whether it has been wrong, and another one has the identifier."""
        if not self._moved_up:
            return []
        self._nonce = self._random.getrandbits(32)
        question = QueryDistance(self._nonce, self._me)
        return [self._to(identifier, question) for identifier in sets_of(self._above[-1])]

    # What servers say

    def _accepted(self, message: Accepted, source: Endpoint, now: int) -> list[Action]:
        key = (message.identifier, message.target)
        if not self._directory.is_of(message.identifier, source):
            self.refused["not from the server"] += 1
            return []
        if key == (self.identifier, self._dummy):
            return self._probed(True, now)
        if self._climber.is_place(key):
            return self._move_up(now) if self._keeper.accepted(key, now) else []
        if self._keeper.accepted(key, now) and self.phase is Phase.INSERTING:
            self._places.clear()
            return self._tell_owner() + self._settle(now)
        return []

    def _refused(self, message: Refused, source: Endpoint, now: int) -> list[Action]:
        key = (message.identifier, message.target)
        if not self._directory.is_of(message.identifier, source):
            self.refused["not from the server"] += 1
            return []
        if key == (self.identifier, self._dummy) and message.reason is Reason.IDENTIFIER_FULL:
            return self._probed(False, now)
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
            return self._distance(message, packet.identifier, source, now)
        if self._trials is not None and isinstance(message, Data):
            if message.source == _OWN_GROUP:
                self._trials.hear(packet.identifier, message, now)
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
        own = self._source if self.path else _OWN_GROUP
        if data.source == own and data.sequence <= self.sent:
            return []  # back from the tree
        if data.source == _OWN_GROUP and self._by_delay:
            self.source_distance = now - data.time_stamp
        elif data.source == _OWN_GROUP:
            self._reception.hear(data, now)
            if self._reception.packets >= ENOUGH:
                self.source_distance = self._reception.cost(self._config.metric, now)
        return self.repairs.data(data, now)

    def _distance(
        self, reply: Distance, of: Identifier, source: Endpoint, now: int
    ) -> list[Action]:
        if self._climber.hear(reply, of):
            return []
        if self._moved_up and reply.nonce == self._nonce:
            twin = reply.identifier == self.identifier and source != self._me
            return self._elsewhere(now) if twin else []
        if self._search is None or reply.nonce != self._nonce:
            self.refused["not asked for"] += 1
            return []
        self.counters["replies"] += 1
        return self._next_level(now) if self._search.hear(reply, of, source, now) else []

    def _query_distance(self, query: QueryDistance, of: Identifier, now: int) -> list[Action]:
        if of != self._set_identifier():
            return []
        if not self._answers.grant(query.requester, now):
            self.refused["too many questions"] += 1
            return []
        assert self.identifier is not None
        self.counters["queries"] += 1
        reply = Distance(query.nonce, self.identifier, now, self.source_distance)
        return [SendDatagram(Packet(of, i3_group.encode(reply)), query.requester)]

    def _to(self, identifier: Identifier, message: i3_group.Message) -> Action:
        packet = Packet(identifier, i3_group.encode(message))
        return SendDatagram(packet, self._directory.server_of(identifier))
