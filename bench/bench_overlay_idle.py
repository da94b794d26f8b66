"""What a member of a large overlay costs while nobody sends: the core, in virtual time.

It wants 1,000 groups, and knows 1,000 members that all live, gossip and are pinged. One member is
real; the others are played by what they all know. The figure is processor time of its core for a
second of virtual time; with each datagram a daemon spends some 50 µs more. Aim: under 2 %.
"""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address
from itertools import count
from random import Random

from agents.core import MILLISECOND, SECOND, Action
from agents.overlay.actions import SendDatagram
from agents.overlay.config import OverlayConfig
from agents.overlay.gossip import Gossip, packed
from agents.overlay.member import Member, Self
from agents.overlay.sealing import Sealer
from agents.wire.i3 import Endpoint, endpoint
from agents.wire.overlay import (
    Digest,
    Item,
    MemberId,
    Message,
    News,
    Origin,
    Ping,
    Pong,
    decode,
    encode,
)
from agents.wire.overlay_items import (
    FIRST_INTEREST_SLOT,
    LIFE_SLOT,
    PROFILE_SLOT,
    Interest,
    Profile,
    encode_interest,
    encode_profile,
)

MEMBERS, GROUPS = 1_000, 1_000
SETTLED_S, MEASURED_S = 60, 60
KEYS = {1: b"a secret for this bench"}
_DELAY = 10 * MILLISECOND
_NEWS_SPACE, _DIGEST_ENTRIES = 1100, 90
_CONFIG = OverlayConfig()


class Others:
    """All other members: what one of them knows all know, and each answers as a member does."""

    def __init__(self, random: Random, where: Callable[[int], Endpoint]) -> None:
        """``where``: at which endpoint a member is; number 0 is the one that is measured."""
        self._random, self._where = random, where
        self._gossip = Gossip(MemberId(b"nobody__"), _CONFIG, 0)
        self._sealers: dict[Endpoint, Sealer] = {}
        self._members: dict[Endpoint, MemberId] = {}
        self._versions: Counter[MemberId] = Counter()
        for number in range(1, MEMBERS):
            self._add(number)

    def _add(self, number: int) -> None:
        member, here = MemberId(number.to_bytes(8, "big")), self._where(number)
        self._sealers[here], self._members[here] = Sealer(member, KEYS, 1), member
        place = (self._random.uniform(0, 30), self._random.uniform(0, 30), 1.0, 0.2)
        profile = Profile(f"n{number}", 4, (here,), coordinates=place)
        group = Interest(group_of(number), True)
        self._say(member, PROFILE_SLOT, encode_profile(profile), 0)
        self._say(member, FIRST_INTEREST_SLOT, encode_interest(group), 0)

    def _say(self, member: MemberId, slot: int, content: bytes, now: int) -> None:
        base = self._versions[member]
        self._versions[member] += 1
        self._gossip.apply([Origin(member, base, (Item(slot, base + 1, content),))], now)

    def live(self, second: int, now: int) -> list[tuple[bytes, Endpoint]]:
        """A second goes by: each fifth says that it lives, one asks us what we know."""
        for number, member in enumerate(self._members.values()):
            if number % 5 == second % 5:
                self._say(member, LIFE_SLOT, b"", now)
        asker = self._random.choice(list(self._members))
        return self._sealed(asker, [Ping(self._random.getrandbits(64)), *self._digests()])

    def answer(self, message: Message, at: Endpoint, now: int) -> list[tuple[bytes, Endpoint]]:
        """What the one at this endpoint answers."""
        match message:
            case Ping():
                return self._sealed(at, [Pong(message.nonce, self._where(0))])
            case News():
                self._gossip.apply(message.origins, now)
            case Digest():
                news, asked = self._gossip.compare(message.versions)
                answers: list[News | Digest] = [News(p) for p in packed(news, _NEWS_SPACE)]
                if asked:
                    answers.append(Digest(tuple(asked[:_DIGEST_ENTRIES])))
                return self._sealed(at, answers)
        return []

    def _digests(self) -> list[Digest]:
        versions = self._gossip.versions()
        starts = range(0, len(versions), _DIGEST_ENTRIES)
        return [Digest(tuple(versions[start : start + _DIGEST_ENTRIES])) for start in starts]

    def _sealed(self, at: Endpoint, messages: Sequence[Message]) -> list[tuple[bytes, Endpoint]]:
        return [(self._sealers[at].seal(encode(message)), at) for message in messages]


class Idle:
    """The member, and the network between it and the others."""

    def __init__(self) -> None:
        random = Random(1)
        member = MemberId(bytes(8))
        me = Self(member, "n0", (_endpoint(0),), True)
        sealer = Sealer(member, KEYS, 1)
        self._core = Member(me, (_endpoint(1),), sealer, _CONFIG, random, 0)
        self._others = Others(random, _endpoint)
        self._opener = Sealer(MemberId(b"listener"), KEYS, 1)
        self._queue: list[tuple[int, int, bytes, Endpoint]] = []
        self._order = count()
        self.spent = self.datagrams = 0
        for number in range(GROUPS):
            self._take(self._core.want(group_of(number), Interest(group_of(number), True), 0), 0)

    def run(self, first: int, last: int) -> None:
        """From one second to another."""
        for second in range(first, last):
            now = second * SECOND
            self._put(self._others.live(second, now), now)
            while True:
                due = self._core.next_deadline()
                arrival = self._queue[0][0] if self._queue else None
                at = min(t for t in (due, arrival, now + SECOND) if t is not None)
                if at >= (second + 1) * SECOND:
                    break
                now = max(now, at)
                began = time.process_time_ns()
                if arrival is not None and arrival <= now:
                    _, _, datagram, sender = heapq.heappop(self._queue)
                    actions = self._core.receive(datagram, sender, now)
                    self.datagrams += 1
                else:
                    actions = self._core.timer(now)
                self.spent += time.process_time_ns() - began
                self._take(actions, now)

    def knows(self) -> tuple[int, int]:
        """How many members, and how many groups of its own."""
        status = self._core.status(0)
        return len(status["members"]), len(status["groups"])

    def _take(self, actions: list[Action], now: int) -> None:
        for action in actions:
            if isinstance(action, SendDatagram):
                self.datagrams += len(action.destinations)
                _, body = self._opener.open(action.datagram)
                message = decode(body)
                for destination in action.destinations:
                    self._put(self._others.answer(message, destination, now), now)

    def _put(self, sent: list[tuple[bytes, Endpoint]], now: int) -> None:
        for datagram, sender in sent:
            entry = (now + _DELAY, next(self._order), datagram, sender)
            heapq.heappush(self._queue, entry)


def main() -> None:
    """Let it settle, then measure."""
    idle = Idle()
    idle.run(0, SETTLED_S)
    members, groups = idle.knows()
    assert (members, groups) == (MEMBERS - 1, GROUPS), (members, groups)
    spent, datagrams = idle.spent, idle.datagrams
    idle.run(SETTLED_S, SETTLED_S + MEASURED_S)
    assert idle.knows() == (MEMBERS - 1, GROUPS)
    share = (idle.spent - spent) / (MEASURED_S * SECOND)
    rate = (idle.datagrams - datagrams) / MEASURED_S
    print(f"{groups} groups, {members + 1} members: {share:.2%} of a processor in the core,")
    print(f"{rate:.0f} datagrams a second in and out; settling took {spent / SECOND:.1f} s")


def _endpoint(number: int) -> Endpoint:
    return endpoint(IPv6Address(f"2001:db8::{number + 1:x}"), 4754)


def group_of(number: int) -> IPv6Address:
    return IPv6Address(f"ff0e::{number + 1:x}")


if __name__ == "__main__":
    main()
