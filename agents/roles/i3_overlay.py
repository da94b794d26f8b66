"""Trees on i3 as an overlay: each group has one, whose root identifier all members know.

One member, the founder, has the root of each tree; the others tell it which groups they want, at an
identifier of its own. Whoever sends, sends to the root's identifier, and the servers' triggers
bring it to all in the tree. What is in an i3 packet is sealed; the servers cannot read it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from ipaddress import IPv6Address
from typing import Any

from agents.core import SECOND, Action, refused
from agents.deadlines import Deadlines
from agents.i3 import actions as i3_actions
from agents.i3.config import GroupConfig
from agents.i3.directory import Entries
from agents.i3.member import Member, Phase
from agents.i3.positions import near
from agents.overlay.actions import Deliver, SendDatagram
from agents.overlay.interface import Overlay, Place
from agents.overlay.marking import received, traffic_class
from agents.overlay.sealing import Sealer
from agents.wire import i3, i3_group
from agents.wire.addresses import shared_address, unmapped
from agents.wire.errors import MalformedPacket
from agents.wire.i3 import (
    ENDPOINT_LENGTH,
    Endpoint,
    Identifier,
    Message,
    Packet,
    Reason,
    Refused,
    Responsible,
    address_and_port,
)
from agents.wire.overlay import MEMBER_ID_LENGTH, MemberId
from agents.wire.overlay_items import Interest

MAXIMUM_GROUPS = 256
"""Trees that one member is in, or that one founder has."""
GROUP_LENGTH = 16
_HEAD = 2 * GROUP_LENGTH
"""Source and group before a packet."""
_NUMBER = 1
"""Of all sources: sealing tells one from the other."""
_NOWHERE = Endpoint(bytes(ENDPOINT_LENGTH))
_TELL_AGAIN = 5 * SECOND
_UNUSED = 60 * SECOND
"""A founder gives up a tree for which nobody has asked for so long."""
_FOUNDER = b"founder"


@dataclass(frozen=True)
class TreeOptions:
    """What the operator says."""

    servers: tuple[Endpoint, ...]
    """i3 servers by which to begin, the nearest first."""
    tree: bytes
    """What all identifiers are derived from; whoever knows it can join the trees."""
    founder: bool = False
    degree: int = 8


@dataclass
class _Tree:
    member: Member
    asked: int = 0
    """When somebody last asked the founder for it, ns."""


class I3Overlay(Overlay):
    """The core of a member."""

    def __init__(self, place: Place, options: TreeOptions) -> None:
        self._name, self._options, self._random = place.name, options, place.random
        self._servers = options.servers
        self._me = self._reached_at(place.endpoints, _NOWHERE)
        self._entries = Entries(options.servers, place.random)
        me = MemberId(place.random.randbytes(MEMBER_ID_LENGTH))
        self._sealer = Sealer(me, place.secrets, place.current)
        self._interests: dict[IPv6Address, Interest] = {}
        self._trees: dict[IPv6Address, _Tree] = {}
        self._sent = 0
        self._due: Deadlines[IPv6Address] = Deadlines()
        self.counters: Counter[str] = Counter()
        self._heard = self._machine(self._identifier(_FOUNDER)) if options.founder else None
        self._start: list[Action] = self._heard.found(place.now) if self._heard else []

    def want(self, group: IPv6Address, interest: Interest | None, now: int) -> list[Action]:
        """Somebody here wants this of a group; None: nothing any more."""
        if interest is None:
            self._interests.pop(group, None)
            return self._let_go(group)
        if group not in self._interests and len(self._interests) >= MAXIMUM_GROUPS:
            why = f"more than {MAXIMUM_GROUPS} groups of one member"
            return [refused(self._name, group, why)]
        self._interests[group] = interest
        if self._heard is not None:
            return self._out(self._found(group, now))
        if group in self._trees:
            return []
        tree = self._trees[group] = self._tree(group)
        self._due.set(group, now)
        return self._out(tree.member.join(now))

    def send(
        self, packet: bytes, source: IPv6Address, group: IPv6Address, now: int
    ) -> list[Action]:
        """Somebody here sent a packet to a group."""
        body = self._sealer.seal(source.packed + group.packed + packet)
        root = self._identifier(group.packed)
        return [self._packet(root, body, now, traffic_class(packet))]

    def receive(self, datagram: bytes, sender: Endpoint, now: int, ecn: int = 0) -> list[Action]:
        """A datagram came, from anybody, with this ECN field."""
        try:
            message = i3.decode(datagram)
            group_message = i3_group.decode(message.data) if isinstance(message, Packet) else None
        except MalformedPacket:
            self.counters["malformed"] += 1
            return []
        if isinstance(message, Responsible):
            return self._located(message, sender, now)
        if isinstance(message, Refused) and message.reason is Reason.ELSEWHERE:
            self._entries.elsewhere(message.identifier, sender)
            return []
        if isinstance(message, Packet) and isinstance(group_message, i3_group.Data):
            return self._data(message, group_message, now, ecn)
        return self._all(message, sender, now)

    def leave(self, now: int) -> list[Action]:
        """This member is about to end."""
        actions = [action for member in self._machines() for action in member.leave()]
        return self._out(actions)

    def set_endpoints(self, endpoints: tuple[Endpoint, ...], now: int) -> list[Action]:
        """This host has other addresses; its triggers point to one of them."""
        me = self._reached_at(endpoints, self._me)
        if me == self._me:
            return []
        self._me = me
        moves = [action for m in self._machines() for action in m.moved(self._me, now)]
        return self._out(moves)

    def set_keys(self, keys: Mapping[int, bytes], current: int) -> None:
        """Other shared secrets from now on."""
        self._sealer.set_keys(keys, current)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions, self._start = self._start, []
        for group in list(self._due.due(now)):
            actions += self._upkeep(group, now)
        for member in self._machines():
            actions += member.timer(now)
        return self._out(actions + self._entries.timer(now))

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        times = [member.next_deadline() for member in self._machines()]
        times += [self._entries.next_deadline(), self._due.next()]
        return min((when for when in times if when is not None), default=None)

    def status(self, now: int) -> dict[str, Any]:
        """The groups' trees, and counters."""
        return {
            "groups": {
                str(unmapped(group)): {
                    "phase": tree.member.phase.value,
                    "level": len(tree.member.path),
                }
                for group, tree in self._trees.items()
            },
            "dropped": dict(self.counters),
        }

    def in_tree(self, group: IPv6Address) -> bool:
        """Whether this member has its place in a group's tree."""
        tree = self._trees.get(group)
        return tree is not None and tree.member.phase is Phase.IN_TREE

    # What is due.

    def _upkeep(self, group: IPv6Address, now: int) -> list[Action]:
        """The founder gives up what nobody asks for; the others ask for what they want."""
        self._due.set(group, now + _TELL_AGAIN)
        tree = self._trees[group]
        if self._heard is None:
            at = self._identifier(_FOUNDER)
            return [self._packet(at, self._sealer.seal(group.packed), now)]
        if group not in self._interests and now - tree.asked > _UNUSED:
            self._due.cancel(group)
            return self._trees.pop(group).member.leave()
        return []

    def _found(self, group: IPv6Address, now: int) -> list[Action]:
        """Somebody asks the founder for a tree."""
        tree = self._trees.get(group)
        if tree is None and len(self._trees) >= MAXIMUM_GROUPS:
            self.counters["too many groups"] += 1
            return []
        actions = []
        if tree is None:
            tree = self._trees[group] = self._tree(group)
            self._due.set(group, now + _TELL_AGAIN)
            actions = tree.member.found(now)
        tree.asked = now
        return actions

    def _let_go(self, group: IPv6Address) -> list[Action]:
        if self._heard is not None or group not in self._trees:
            return []  # a founder's tree is that of the others, too
        self._due.cancel(group)
        return self._out(self._trees.pop(group).member.leave())

    # What comes.

    def _located(self, message: Responsible, sender: Endpoint, now: int) -> list[Action]:
        if not self._entries.answered(message, sender, now):
            return []
        found = [m.located(message.after, message.up_to, now) for m in self._machines()]
        return self._out([action for actions in found for action in actions])

    def _data(self, packet: Packet, data: i3_group.Data, now: int, ecn: int) -> list[Action]:
        """What comes at the identifier of one of our trees, or at the founder's."""
        for member in self._machines():
            if member.identifier == packet.identifier and member.phase is Phase.IN_TREE:
                break
        else:
            self.counters["not wanted"] += 1
            return []
        try:
            _, body = self._sealer.open(data.payload)
        except MalformedPacket:  # our own, too, which the tree brings back
            self.counters["unauthentic"] += 1
            return []
        if member is self._heard and len(body) == GROUP_LENGTH:
            return self._out(self._found(shared_address(body), now))
        if member is not self._heard and len(body) >= _HEAD:
            return self._deliver(body, ecn)
        self.counters["malformed"] += 1
        return []

    def _deliver(self, body: bytes, ecn: int) -> list[Action]:
        source, group = map(shared_address, (body[:GROUP_LENGTH], body[GROUP_LENGTH:_HEAD]))
        interest = self._interests.get(group)
        if interest is None or not interest.accepts(source):
            return []
        packet = received(body[_HEAD:], ecn)
        return [] if packet is None else [Deliver(packet)]

    def _all(self, message: Message, sender: Endpoint, now: int) -> list[Action]:
        """What is about a trigger or a search, which each machine knows by its own."""
        heard = [member.receive(message, sender, now) for member in self._machines()]
        return self._out([action for actions in heard for action in actions])

    # Helpers.

    def _reached_at(self, endpoints: tuple[Endpoint, ...], otherwise: Endpoint) -> Endpoint:
        """The first of our endpoints that is of the servers' kind; else the first of all."""

        def is_ipv4(at: Endpoint) -> bool:
            return address_and_port(at)[0].ipv4_mapped is not None

        same = [each for each in endpoints if is_ipv4(each) == is_ipv4(self._servers[0])]
        return (*same, *endpoints, otherwise)[0]

    def _machines(self) -> list[Member]:
        first = [self._heard] if self._heard is not None else []
        return [*first, *(tree.member for tree in self._trees.values())]

    def _identifier(self, of: bytes) -> Identifier:
        return Identifier(sha256(b"emu overlay i3" + self._options.tree + of).digest())

    def _tree(self, group: IPv6Address) -> _Tree:
        return _Tree(self._machine(self._identifier(group.packed)))

    def _machine(self, root: Identifier) -> Member:
        close = partial(near, self._servers[0], self._random)
        config = GroupConfig(degree=self._options.degree)
        return Member(self._me, root, self._entries, close, self._random, config)

    def _packet(self, at: Identifier, body: bytes, now: int, marks: int = 0) -> SendDatagram:
        self._sent += 1
        data = i3_group.Data(_NUMBER, self._sent, now, body)
        packet = i3.encode(Packet(at, i3_group.encode(data)))
        return SendDatagram(packet, (self._entries.server_of(at),), marks)

    def _out(self, actions: Iterable[Action]) -> list[Action]:
        """i3 datagrams as the daemon sends them."""
        return [
            SendDatagram(i3.encode(action.message), (action.destination,))
            if isinstance(action, i3_actions.SendDatagram)
            else action
            for action in actions
        ]
