"""The mobile node's bindings at its correspondents (RFC 6275 sections 11.6 and 11.7.2).

The home test goes by the home agent, so nothing happens before that has its binding. A
correspondent that never answers is asked again at most every 32 s; packets take the tunnel.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address
from random import Random

from agents.core import SECOND, Action
from agents.deadlines import Deadlines
from agents.mipv6.actions import LeaveDirectPath, UseDirectPath
from agents.mipv6.authorizer import Authorizer
from agents.mipv6.config import Counters, MobileNodeConfig
from agents.mipv6.correspondent import MAX_RR_BINDING_LIFETIME_S
from agents.mipv6.packets import Packet
from agents.mipv6.security import PROVE_ANEW, Security
from agents.mipv6.signalling import ask, received, send
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

IDLE = 60 * SECOND
"""How long a correspondent has sent nothing when its binding is not refreshed any more, ns."""


_NONE = IPv6Address("::")
"""In errors about messages that had no Home Address option."""


class _Timer(Enum):
    RETRANSMIT = "retransmit"
    REFRESH = "refresh"
    EXPIRE = "expire"


@dataclass
class _Correspondent:
    """An entry of the Binding Update List (RFC 6275 section 11.1)."""

    address: IPv6Address
    authorizer: Authorizer
    heard: int
    """When its last packet was seen, ns."""
    timeout: int
    sequence: int = 0
    first: int | None = None
    """Of the earliest update whose acknowledgement is waited for; None: of none."""
    blocked: bool = False
    """Whether an update waits for tests."""
    direct: bool = False
    """Whether packets go straight."""
    unable: bool = False
    """Whether it has said that it does not know our messages."""


class RouteOptimiser:
    """One home address of a mobile node, and its correspondents."""

    def __init__(self, config: MobileNodeConfig, home: IPv6Address, random: Random) -> None:
        self._config = config
        self._home = home
        self._random = random
        self.counters = Counters()
        self._lifetime_s = min(config.binding_lifetime_s, MAX_RR_BINDING_LIFETIME_S)
        self._care_of: IPv6Address | None = None
        self._correspondents: dict[IPv6Address, _Correspondent] = {}
        self._deadlines: Deadlines[tuple[IPv6Address, _Timer]] = Deadlines()

    @property
    def care_of(self) -> IPv6Address | None:
        """The care-of address at which the home agent has bound the home address."""
        return self._care_of

    def direct(self) -> list[IPv6Address]:
        """The correspondents to which packets go straight."""
        return [entry.address for entry in self._correspondents.values() if entry.direct]

    def is_direct(self, correspondent: IPv6Address) -> bool:
        """Whether packets go straight to this one, and may come straight from it."""
        entry = self._correspondents.get(correspondent)
        return entry is not None and entry.direct

    def moved(self, care_of: IPv6Address | None, now: int) -> list[Action]:
        """The home agent has bound the home address there, or (None) it has no binding now."""
        if care_of == self._care_of:
            return []
        self._care_of, actions = care_of, list[Action]()
        for entry in self._correspondents.values():
            actions += self._leave(entry)
            self._cancel(entry, _Timer.RETRANSMIT, _Timer.REFRESH, _Timer.EXPIRE)
            entry.first, entry.timeout = None, self._config.initial_timeout
            if care_of is not None and self._is_active(entry, now) and not entry.unable:
                actions += self._transmit(entry, now)
        return actions

    def heard(self, correspondents: Iterable[IPv6Address], now: int) -> list[Action]:
        """Packets came from these for the home address (section 11.7.2)."""
        actions = list[Action]()
        for address in correspondents:
            entry = self._correspondents.get(address)
            if entry is None:
                entry = _Correspondent(
                    address, self._authorizer(), now, self._config.initial_timeout
                )
                self._correspondents[address] = entry
            entry.heard = now
            asking = (address, _Timer.RETRANSMIT) in self._deadlines
            idle = not (asking or entry.direct or entry.unable)
            if self._care_of is not None and idle:
                actions += self._transmit(entry, now)
        return actions

    def receive(self, packet: Packet, now: int) -> list[Action]:
        """A Mobility Header message of a correspondent came."""
        message, entry = packet.message, self._correspondents.get(packet.sender)
        if entry is None or self._care_of is None:
            self.counters.ignored += 1
            return []
        if isinstance(message, Test):
            return self._tested(entry, packet, message, now)
        if isinstance(message, BindingAcknowledgement) and packet.receiver == self._home:
            return self._acknowledged(entry, packet, message, now)
        if isinstance(message, BindingError) and message.home_address in (self._home, _NONE):
            return self._error(entry, packet, message, now)
        if isinstance(message, BindingRefreshRequest) and packet.receiver == self._home:
            return self._refresh(entry, packet, now)
        self.counters.ignored += 1
        return []

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions = list[Action]()
        for address, timer in self._deadlines.due(now):
            entry = self._correspondents[address]
            if timer is _Timer.EXPIRE:
                actions += self._leave(entry)
            elif not self._is_active(entry, now):
                entry.first, entry.blocked = None, False
            else:
                if timer is _Timer.RETRANSMIT:
                    entry.timeout = min(2 * entry.timeout, self._config.maximum_timeout)
                actions += self._transmit(entry, now)
        return actions

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return self._deadlines.next()

    def _is_active(self, entry: _Correspondent, now: int) -> bool:
        return now - entry.heard < IDLE

    def _transmit(self, entry: _Correspondent, now: int) -> list[Action]:
        """Send a Binding Update, or the tests that it needs first, and wait for the answer."""
        care_of = self._care_of
        assert care_of is not None
        self._deadlines.set((entry.address, _Timer.RETRANSMIT), now + entry.timeout)
        tests = entry.authorizer.tests(self._home, care_of, entry.address, now)
        entry.blocked = bool(tests)
        if tests:
            return ask(tests, entry.address, self._home, self._config.identifier)
        entry.sequence = next_sequence(entry.sequence)
        if entry.first is None:
            entry.first = entry.sequence
        update = BindingUpdate(entry.sequence, self._lifetime_s, BindingUpdateFlag.A)
        update = entry.authorizer.authorize(update, self._home, care_of, entry.address, now)
        packet = Packet(update, care_of, entry.address, self._home)
        return send(packet, self._home, self._config.identifier)

    def _tested(
        self, entry: _Correspondent, packet: Packet, answer: Test, now: int
    ) -> list[Action]:
        assert self._care_of is not None
        if not entry.authorizer.receive(answer, packet.sender, packet.receiver, now):
            self.counters.ignored += 1
            return []
        said = received(packet, self._home, self._config.identifier)
        left = entry.authorizer.tests(self._home, self._care_of, entry.address, now)
        return [said, *(self._transmit(entry, now) if entry.blocked and not left else [])]

    def _acknowledged(
        self, entry: _Correspondent, packet: Packet, answer: BindingAcknowledgement, now: int
    ) -> list[Action]:
        assert self._care_of is not None
        resynchronises = answer.status == Status.SEQUENCE_NUMBER_OUT_OF_WINDOW
        waited = entry.first is not None and (
            resynchronises or is_between(answer.sequence, entry.first, entry.sequence)
        )
        if not waited:
            self.counters.ignored += 1
            return []
        if not entry.authorizer.accept(answer, self._home, self._care_of, entry.address):
            self.counters.unauthentic += 1
            return []
        actions: list[Action] = [received(packet, self._home, self._config.identifier)]
        entry.first = None
        if resynchronises:
            entry.sequence = answer.sequence
        if resynchronises or answer.status in PROVE_ANEW:
            return actions + self._transmit(entry, now)
        if not (answer.accepted and answer.lifetime):
            return actions  # refused: the timer asks again, ever less often
        self._cancel(entry, _Timer.RETRANSMIT)
        entry.timeout, lifetime = self._config.initial_timeout, answer.lifetime * SECOND
        self._deadlines.set((entry.address, _Timer.REFRESH), now + lifetime // 2)
        self._deadlines.set((entry.address, _Timer.EXPIRE), now + lifetime)
        if not entry.direct:
            entry.direct = True
            actions.append(UseDirectPath(entry.address))
        return actions

    def _refresh(self, entry: _Correspondent, packet: Packet, now: int) -> list[Action]:
        """The correspondent would like to keep the binding (section 11.7.4)."""
        asking = (entry.address, _Timer.RETRANSMIT) in self._deadlines
        if not entry.direct or asking or not self._is_active(entry, now):
            self.counters.ignored += 1
            return []
        said = received(packet, self._home, self._config.identifier)
        return [said, *self._transmit(entry, now)]

    def _error(
        self, entry: _Correspondent, packet: Packet, error: BindingError, now: int
    ) -> list[Action]:
        """The correspondent has lost the binding, and maybe its nonces; or knows of no such thing.

        Section 11.3.6.
        """
        asked = entry.blocked or entry.first is not None
        if error.status == BindingErrorStatus.UNRECOGNIZED_TYPE and asked:
            entry.unable, entry.first, entry.blocked = True, None, False
            self._cancel(entry, *_Timer)
            return [received(packet, self._home, self._config.identifier), *self._leave(entry)]
        if error.status != BindingErrorStatus.UNKNOWN_BINDING or not entry.direct:
            self.counters.ignored += 1
            return []
        entry.authorizer, entry.first = self._authorizer(), None
        said = received(packet, self._home, self._config.identifier)
        return [said, *self._leave(entry), *self._transmit(entry, now)]

    def _authorizer(self) -> Authorizer:
        return Authorizer(Security(return_routability=True), None, self._random)

    def _leave(self, entry: _Correspondent) -> list[Action]:
        if not entry.direct:
            return []
        entry.direct = False
        return [LeaveDirectPath(entry.address)]

    def _cancel(self, entry: _Correspondent, *timers: _Timer) -> None:
        for timer in timers:
            self._deadlines.cancel((entry.address, timer))
