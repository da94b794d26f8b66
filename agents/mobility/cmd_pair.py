"""One CMD of two: the standby has every entry before anybody is told what follows from it.

Either of them may be asked by MARs; the entries say themselves which state is the later one. Who
has changed an entry last tells the previous MARs, and the other one does so once that one is gone.
docs/mobility.md describes what that promises.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from agents.core import Action, Log
from agents.deadlines import Deadlines
from agents.mobility.actions import Forget, Send, Store
from agents.mobility.binding import CmdBinding
from agents.mobility.binding_record import MalformedRecord, version
from agents.mobility.cmd import CmdCore
from agents.mobility.config import Counters, PairConfig
from agents.mobility.messages import acknowledgement, read_acknowledgement
from agents.mobility.replication import heartbeat, read_replica, replica, restarts_of
from agents.wire.heartbeat import Heartbeat, HeartbeatFlag
from agents.wire.mobility import BindingAcknowledgement, BindingUpdate, Message, Status

MISSING_HEARTBEATS_ALLOWED = 3
"""RFC 5847 section 5."""

WINDOW = 64
"""So many entries are under way at a time while the other CMD catches up."""


@dataclass
class _Change:
    """An entry that the other CMD has not confirmed yet."""

    record: bytes
    held: list[Action] = field(default_factory=list)
    """What follows from it."""


class CmdPair:
    """A ``CmdCore`` and its peer. Without one that answers it goes on alone."""

    def __init__(self, core: CmdCore, config: PairConfig) -> None:
        self.counters: Counters = core.counters
        self.alone = 0
        """How many changes took effect without the other CMD."""
        self._core = core
        self._config = config
        self._changes: dict[str, _Change] = {}
        self._bringing: dict[str, None] = {}
        """Entries that the other CMD may not have: to be sent, or not confirmed yet."""
        self._waiting: dict[str, None] = {}
        """Of these, those that are still to be sent."""
        self._unconfirmed: set[str] = set()
        """Entries whose changes took effect without the other CMD, and that it does not have."""
        self._loaded: set[str] = set()
        """While catching up: entries of before the start, as far as the other has no later ones."""
        self._deadlines: Deadlines[str | None] = Deadlines()
        """When a change is sent again; None: when the next heartbeat is due."""
        self._caught_up = False
        self._has_peer = False
        self._missed = 0
        """Heartbeats since anything was heard."""
        self._sequence = 0
        self._peer_restarts: int | None = None
        self._question: int | None = None
        """The other CMD's heartbeat that is still to be answered: once it has all that is here."""

    def restore(self, records: Iterable[tuple[str, bytes]], now: int) -> list[Action]:
        """Begin with what another one had stored, and ask the other CMD for what came later.

        Until that has told all it knows, or does not answer, nobody is served.
        """
        self._loaded = set(self._core.load(records, now))
        return [Log("restored", {"bindings": len(self._loaded)}), *self._beat(now)]

    def receive(self, message: Message, source: IPv6Address, now: int) -> list[Action]:
        """A Mobility Header message came in."""
        if source == self._config.peer:
            return self._receive_from_peer(message, now)
        if not self._caught_up:
            self.counters.ignored += 1
            return []
        return self._replicate(self._core.receive(message, source, now), now)

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        actions: list[Action] = []
        for identifier in self._deadlines.due(now):
            actions += self._beat(now) if identifier is None else self._send(identifier, now)
        return actions + self._replicate(self._core.timer(now), now)

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        own, core = self._deadlines.next(), self._core.next_deadline()
        if own is None or core is None:
            return core if own is None else own
        return min(own, core)

    def bindings(self) -> dict[str, CmdBinding]:
        """The mobile nodes in the domain."""
        return self._core.bindings()

    @property
    def has_peer(self) -> bool:
        """Whether the other CMD is there."""
        return self._has_peer

    # Changes, and their way to the other CMD

    def _replicate(self, actions: list[Action], now: int) -> list[Action]:
        """Hold back what follows from a change until the other CMD has it, if there is one."""
        out: list[Action] = []
        following = out
        for action in actions:
            if isinstance(action, Store):
                out.append(action)
                following = self._change(action, now, out)
            elif isinstance(action, Forget):
                out.append(action)
                following = out
                self._drop(action.identifier)
                self._unconfirmed.discard(action.identifier)
            else:
                following.append(action)
        return out

    def _change(self, action: Store, now: int, out: list[Action]) -> list[Action]:
        """Have a change replicated; where what follows from it is to be put."""
        if not self._has_peer:
            self.alone += 1
            self._unconfirmed.add(action.identifier)
            return out
        before = self._changes.get(action.identifier)
        held = before.held if before else []
        self._changes[action.identifier] = _Change(action.record, held)
        out += self._send(action.identifier, now)
        return held

    def _send(self, identifier: str, now: int) -> list[Action]:
        message = replica(identifier, self._changes[identifier].record)
        self._deadlines.set(identifier, now + self._config.interval)
        return [Send(message, self._config.peer)]

    def _bring(self, identifiers: Iterable[str], now: int) -> list[Action]:
        """Have the other CMD told of these entries, not of too many at a time."""
        for identifier in identifiers:
            self._bringing[identifier] = self._waiting[identifier] = None
        return self._go_on(now)

    def _go_on(self, now: int) -> list[Action]:
        """Something may be over: bring what there was no room for, answer what had to wait."""
        actions: list[Action] = []
        while self._waiting and len(self._changes) < WINDOW:
            identifier = next(iter(self._waiting))
            del self._waiting[identifier]
            record = self._core.record(identifier)
            if record is None:
                del self._bringing[identifier]
            elif identifier not in self._changes:
                self._changes[identifier] = _Change(record)
                actions += self._send(identifier, now)
        if self._question is not None and not self._bringing:
            answer = heartbeat(self._question, self._config.restarts, response=True)
            self._question = None
            actions.append(Send(answer, self._config.peer))
        return actions

    def _drop(self, identifier: str) -> list[Action]:
        """This change is under way no longer; what was held for it."""
        self._deadlines.cancel(identifier)
        self._bringing.pop(identifier, None)
        self._waiting.pop(identifier, None)
        change = self._changes.pop(identifier, None)
        return change.held if change else []

    # The other CMD

    def _receive_from_peer(self, message: Message, now: int) -> list[Action]:
        self._missed = 0
        actions: list[Action] = []
        if not self._has_peer:
            self._has_peer = True
            actions += [Log("peer_found"), *self._bring(self._unconfirmed, now)]
        if isinstance(message, Heartbeat):
            return actions + self._receive_heartbeat(message, now)
        if isinstance(message, BindingUpdate):
            return actions + self._receive_replica(message, now)
        if isinstance(message, BindingAcknowledgement):
            return actions + self._receive_confirmation(message, now)
        self.counters.ignored += 1
        return actions

    def _receive_replica(self, message: BindingUpdate, now: int) -> list[Action]:
        """The other CMD has changed an entry, or brings what it has."""
        news = read_replica(message)
        try:
            known = self._core.anchors(news.identifier) if news else []
            adopted = self._core.adopt(*news, now) if news else None
        except MalformedRecord:
            news = None
        if news is None:
            self.counters.malformed += 1
            return []
        if adopted is None:
            status = Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED
            refusal = Send(acknowledgement(message, status, 0), self._config.peer)
            return [refusal, *self._bring([news.identifier], now)]
        actions = list(adopted)
        if adopted:
            # Who waits for what was held will ask again: it has been overtaken.
            self._drop(news.identifier)
            self._loaded.discard(news.identifier)
            if news.identifier in self._unconfirmed:
                # Both have changed it alone: whoever anchors a prefix for either one does so.
                self._unconfirmed.discard(news.identifier)
                actions += self._replicate(self._core.merge(news.identifier, known, now), now)
        confirmation = acknowledgement(message, Status.ACCEPTED, message.lifetime)
        return [*actions, Send(confirmation, self._config.peer), *self._go_on(now)]

    def _receive_confirmation(self, message: BindingAcknowledgement, now: int) -> list[Action]:
        """The other CMD has an entry; or has a later one, of which it is going to tell."""
        answer = read_acknowledgement(message)
        if answer is None:
            self.counters.malformed += 1
            return []
        change = self._changes.get(answer.identifier)
        state = version(change.record) if change else None
        if state is None or (state.timestamp, state.change) != (answer.timestamp, answer.sequence):
            self.counters.ignored += 1
            return []
        held = self._drop(answer.identifier)
        if answer.accepted:
            self._unconfirmed.discard(answer.identifier)
            return held + self._go_on(now)
        return self._go_on(now)

    # Whether it lives

    def _beat(self, now: int) -> list[Action]:
        """Ask whether the other CMD lives, unless it has been silent for too long."""
        self._missed += 1
        actions: list[Action] = []
        if self._missed > MISSING_HEARTBEATS_ALLOWED and (self._has_peer or not self._caught_up):
            actions += self._lose_peer(now)
        return actions + self._ask(now)

    def _ask(self, now: int) -> list[Action]:
        self._sequence += 1
        self._deadlines.set(None, now + self._config.interval)
        return [Send(heartbeat(self._sequence, self._config.restarts), self._config.peer)]

    def _receive_heartbeat(self, message: Heartbeat, now: int) -> list[Action]:
        restarts = restarts_of(message)
        if restarts is None:
            self.counters.malformed += 1
            return []
        actions: list[Action] = []
        is_response = HeartbeatFlag.R in message.flags
        if restarts != self._peer_restarts:
            self._peer_restarts = restarts
            if self._caught_up:  # what it was about to tell it has forgotten
                actions += self._replicate(self._core.take_over(now), now)
            elif not is_response:
                actions += self._ask(now)
            actions += self._bring(self._core.identifiers(), now)
        if HeartbeatFlag.U in message.flags:  # nobody has asked, and it answers nothing
            return actions
        if is_response:
            return actions + self._catch_up(now)
        self._question = message.sequence
        return actions + self._go_on(now)

    def _catch_up(self, now: int) -> list[Action]:
        """The other CMD has told all that it knows, or there is none."""
        if self._caught_up:
            return []
        self._caught_up = True
        told = self._replicate(self._core.take_over(now, self._loaded), now)
        self._loaded = set()
        return [Log("caught_up", {"peer": self._has_peer}), *told]

    def _lose_peer(self, now: int) -> list[Action]:
        """The other CMD is silent: go on without it, and do what it was about to do."""
        lost = [Log("peer_lost", {"held": len(self._changes)})] if self._has_peer else []
        self._has_peer = False
        self._question = None
        released: list[Action] = []
        self._unconfirmed.update(self._changes, self._bringing)
        for identifier in list(self._changes):
            held = self._drop(identifier)
            self.alone += bool(held)
            released += held
        self._bringing.clear()
        self._waiting.clear()
        taken = self._replicate(self._core.take_over(now), now)
        return [*lost, *self._catch_up(now), *released, *taken]
