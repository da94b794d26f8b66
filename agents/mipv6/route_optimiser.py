"""A mobile node's bindings at its correspondents (RFC 6275 sections 11.6 and 11.7.2).

The home test goes by the home agent, so nothing happens before that has its binding. A
correspondent that never answers is asked again at most every 32 s; packets take the tunnel.
Once the node is at home, correspondents that may have a binding are told so (section 11.7.2).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from ipaddress import IPv6Address
from random import Random

from agents.core import SECOND, Action
from agents.deadlines import Deadlines
from agents.mipv6.actions import LeaveDirectPath, UseDirectPath
from agents.mipv6.authorizer import Authorizer
from agents.mipv6.config import Counters, MobileNodeConfig
from agents.mipv6.correspondent import MAX_RR_BINDING_LIFETIME_S
from agents.mipv6.correspondent_list import Correspondent, CorrespondentList, Key
from agents.mipv6.packets import Packet
from agents.mipv6.security import PROVE_ANEW, Security
from agents.mipv6.sending import ask, received, send
from agents.wire.mobility import (
    BindingAcknowledgement,
    BindingError,
    BindingErrorStatus,
    BindingRefreshRequest,
    BindingUpdate,
    BindingUpdateFlag,
    Status,
)
from agents.wire.routability_tests import Test
from agents.wire.sequence_numbers import is_between, next_sequence

_NONE = IPv6Address("::")
"""In errors about messages that had no Home Address option."""


class _Timer(Enum):
    RETRANSMIT = "retransmit"
    REFRESH = "refresh"
    EXPIRE = "expire"


class RouteOptimiser:
    """The home addresses of a mobile node, and the correspondents of each."""

    def __init__(self, config: MobileNodeConfig, random: Random) -> None:
        self._config = config
        self._random = random
        self.counters = Counters()
        self._lifetime_s = min(config.binding_lifetime_s, MAX_RR_BINDING_LIFETIME_S)
        self._places: dict[IPv6Address, IPv6Address] = {}
        self._correspondents = CorrespondentList()
        self._deadlines: Deadlines[tuple[Key, _Timer]] = Deadlines()

    def care_of(self, home: IPv6Address) -> IPv6Address | None:
        """Where the home agent has bound a home address; itself, if that is on the link."""
        return self._places.get(home)

    def direct(self) -> list[Key]:
        """The home addresses, each with a correspondent to which packets go straight."""
        return [entry.key for entry in self._correspondents if entry.direct]

    def is_direct(self, home: IPv6Address, correspondent: IPv6Address) -> bool:
        """Whether packets go straight to this one, and may come straight from it."""
        entry = self._correspondents.get(home, correspondent)
        return entry is not None and entry.direct

    def moved(self, home: IPv6Address, care_of: IPv6Address | None, now: int) -> list[Action]:
        """The home agent has bound a home address there, or (None) it has no binding now.

        At home, where it needs none, ``care_of`` is the home address.
        """
        if care_of == self._places.get(home):
            return []
        if care_of is None:
            del self._places[home]
        else:
            self._places[home] = care_of
        actions = list[Action]()
        for entry in self._of(home):
            actions += self._leave(entry)
            self._cancel(entry, *_Timer)
            entry.first, entry.blocked = None, False
            entry.timeout = self._config.initial_timeout
            if self._has_to_say(entry, now):
                actions += self._transmit(entry, now)
        return actions

    def forget(self, home: IPv6Address) -> list[Action]:
        """A home address is given up."""
        actions = list[Action]()
        self._places.pop(home, None)
        for entry in self._of(home):
            actions += self._leave(entry)
            self._drop(entry)
        return actions

    def heard(
        self, home: IPv6Address, correspondents: Iterable[IPv6Address], now: int
    ) -> list[Action]:
        """Packets came from these for a home address (section 11.7.2)."""
        actions = list[Action]()
        for address in correspondents:
            entry = self._correspondents.get(home, address) or self._meet(home, address, now)
            if entry is None:
                continue
            entry.heard = now
            asking = (entry.key, _Timer.RETRANSMIT) in self._deadlines
            if not (asking or entry.direct) and self._is_away(entry) and not entry.unable:
                actions += self._transmit(entry, now)
        return actions

    def receive(self, packet: Packet, now: int) -> list[Action]:
        """A Mobility Header message of a correspondent came."""
        for entry in self._concerned(packet):
            actions = self._receive(entry, packet, now)
            if actions is not None:
                return actions
        self.counters.ignored += 1
        return []

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions = list[Action]()
        for key, timer in self._deadlines.due(now):
            entry = self._correspondents[key]
            if timer is _Timer.EXPIRE:
                actions += self._leave(entry)
            elif not self._has_to_say(entry, now):
                entry.first, entry.blocked = None, False
            else:
                if timer is _Timer.RETRANSMIT:
                    entry.timeout = min(2 * entry.timeout, self._config.maximum_timeout)
                actions += self._transmit(entry, now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def _of(self, home: IPv6Address) -> list[Correspondent]:
        return [entry for entry in self._correspondents if entry.home == home]

    def _meet(self, home: IPv6Address, address: IPv6Address, now: int) -> Correspondent | None:
        """A new entry, if there is room: in the place of an idle one, if there are too many."""
        if self._correspondents.is_full:
            idle = self._correspondents.idle(now)
            if idle is None:
                self.counters.full += 1
                return None
            self._drop(idle)
        timeout = self._config.initial_timeout
        entry = Correspondent(home, address, self._authorizer(), now, timeout)
        self._correspondents.add(entry)
        return entry

    def _drop(self, entry: Correspondent) -> None:
        self._cancel(entry, *_Timer)
        self._correspondents.remove(entry)

    def _is_away(self, entry: Correspondent) -> bool:
        return self._places.get(entry.home, entry.home) != entry.home

    def _has_to_say(self, entry: Correspondent, now: int) -> bool:
        """Whether it is to know where the home address is: at home it forgets a binding."""
        if entry.home not in self._places or entry.unable:
            return False
        return entry.is_active(now) if self._is_away(entry) else now < entry.bound_until

    def _transmit(self, entry: Correspondent, now: int) -> list[Action]:
        """Send a Binding Update, or the tests that it needs first, and wait for the answer."""
        home, place, away = entry.home, self._places[entry.home], self._is_away(entry)
        self._deadlines.set((entry.key, _Timer.RETRANSMIT), now + entry.timeout)
        tests = entry.authorizer.tests(home, place, entry.address, now, deregistration=not away)
        entry.blocked = bool(tests)
        if tests:
            return ask(tests, entry.address, home, self._config.identifier)
        entry.sequence = next_sequence(entry.sequence)
        if entry.first is None:
            entry.first = entry.sequence
        lifetime_s = self._lifetime_s if away else 0
        entry.bound_until = max(entry.bound_until, now + lifetime_s * SECOND)
        update = BindingUpdate(entry.sequence, lifetime_s, BindingUpdateFlag.A)
        update = entry.authorizer.authorize(update, home, place, entry.address, now)
        packet = Packet(update, place, entry.address, home if away else None)
        return send(packet, home, self._config.identifier)

    def _concerned(self, packet: Packet) -> list[Correspondent]:
        """The entries that a message may be about, by its sender and its receiver."""
        return [
            entry
            for entry in self._correspondents
            if entry.address == packet.sender
            and packet.receiver in (entry.home, self._places.get(entry.home))
            and entry.home in self._places
        ]

    def _receive(self, entry: Correspondent, packet: Packet, now: int) -> list[Action] | None:
        """What follows from a message; None if it is not about this entry."""
        message, at_home = packet.message, packet.receiver == entry.home
        if isinstance(message, Test):
            return self._tested(entry, packet, message, now)
        if isinstance(message, BindingAcknowledgement) and at_home:
            return self._acknowledged(entry, packet, message, now)
        if isinstance(message, BindingError) and message.home_address in (entry.home, _NONE):
            return self._error(entry, packet, message, now)
        if isinstance(message, BindingRefreshRequest) and at_home:
            return self._refresh(entry, packet, now)
        return None

    def _tested(
        self, entry: Correspondent, packet: Packet, answer: Test, now: int
    ) -> list[Action] | None:
        if not entry.authorizer.receive(answer, packet.sender, packet.receiver, now):
            return None
        said = received(packet, entry.home, self._config.identifier)
        tested = entry.authorizer.is_tested(
            entry.home,
            self._places[entry.home],
            entry.address,
            now,
            deregistration=not self._is_away(entry),
        )
        return [said, *(self._transmit(entry, now) if entry.blocked and tested else [])]

    def _acknowledged(
        self, entry: Correspondent, packet: Packet, answer: BindingAcknowledgement, now: int
    ) -> list[Action] | None:
        place = self._places[entry.home]
        resynchronises = answer.status == Status.SEQUENCE_NUMBER_OUT_OF_WINDOW
        waited = entry.first is not None and (
            resynchronises or is_between(answer.sequence, entry.first, entry.sequence)
        )
        if not waited:
            return None
        if not entry.authorizer.accept(answer, entry.home, place, entry.address):
            self.counters.unauthentic += 1
            return []
        actions: list[Action] = [received(packet, entry.home, self._config.identifier)]
        entry.first = None
        if resynchronises:
            entry.sequence = answer.sequence
        if resynchronises or answer.status in PROVE_ANEW:
            return actions + self._transmit(entry, now)
        if not answer.accepted:
            return actions  # refused: the timer asks again, ever less often
        if not self._is_away(entry):
            self._cancel(entry, _Timer.RETRANSMIT)
            entry.bound_until = now
        elif answer.lifetime:
            actions += self._bound(entry, answer.lifetime, now)
        return actions

    def _bound(self, entry: Correspondent, lifetime_s: int, now: int) -> list[Action]:
        """The correspondent has the binding for so many seconds."""
        self._cancel(entry, _Timer.RETRANSMIT)
        entry.timeout, lifetime = self._config.initial_timeout, lifetime_s * SECOND
        self._deadlines.set((entry.key, _Timer.REFRESH), now + lifetime // 2)
        self._deadlines.set((entry.key, _Timer.EXPIRE), now + lifetime)
        if entry.direct:
            return []
        entry.direct = True
        return [UseDirectPath(entry.home, entry.address)]

    def _refresh(self, entry: Correspondent, packet: Packet, now: int) -> list[Action] | None:
        """The correspondent would like to keep the binding (section 11.7.4)."""
        asking = (entry.key, _Timer.RETRANSMIT) in self._deadlines
        if not entry.direct or asking or not entry.is_active(now):
            return None
        said = received(packet, entry.home, self._config.identifier)
        return [said, *self._transmit(entry, now)]

    def _error(
        self, entry: Correspondent, packet: Packet, error: BindingError, now: int
    ) -> list[Action] | None:
        """The correspondent has lost the binding, and maybe its nonces; or knows of no such thing.

        Section 11.3.6.
        """
        said = received(packet, entry.home, self._config.identifier)
        asked = entry.blocked or entry.first is not None
        if error.status == BindingErrorStatus.UNRECOGNIZED_TYPE and asked:
            entry.unable, entry.first, entry.blocked = True, None, False
            self._cancel(entry, *_Timer)
            return [said, *self._leave(entry)]
        if error.status != BindingErrorStatus.UNKNOWN_BINDING or not entry.direct:
            return None
        entry.authorizer, entry.first = self._authorizer(), None
        return [said, *self._leave(entry), *self._transmit(entry, now)]

    def _authorizer(self) -> Authorizer:
        return Authorizer(Security(return_routability=True), None, self._random)

    def _leave(self, entry: Correspondent) -> list[Action]:
        if not entry.direct:
            return []
        entry.direct = False
        return [LeaveDirectPath(entry.home, entry.address)]

    def _cancel(self, entry: Correspondent, *timers: _Timer) -> None:
        for timer in timers:
            self._deadlines.cancel((entry.key, timer))
