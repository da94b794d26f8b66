"""The triggers of one server: soft state with bounds, and the longest prefix match."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from agents.deadlines import Deadlines
from agents.i3.config import ServerConfig
from agents.i3.identifiers import EXACT
from agents.wire.i3 import Endpoint, Identifier, Reason, Target


@dataclass(slots=True)
class Trigger:
    """One forwarding entry: what is sent to ``identifier`` goes to ``target``."""

    identifier: Identifier
    target: Target
    owner: Endpoint
    """Who put it there; others may refresh it, but not take it away."""


Key = tuple[Identifier, Target]


class TriggerTable:
    """All triggers of one server."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._at: dict[Identifier, dict[Target, Trigger]] = {}
        """The triggers of each identifier."""
        self._alike: dict[bytes, set[Identifier]] = {}
        """The identifiers that have triggers, by the octets that have to match exactly."""
        self._owned: dict[Endpoint, int] = {}
        """How many triggers each endpoint has."""
        self._expiry: Deadlines[Key] = Deadlines()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def owners(self) -> Collection[Endpoint]:
        """The endpoints that have triggers here."""
        return self._owned.keys()

    def insert(
        self, identifier: Identifier, target: Target, owner: Endpoint, now: int
    ) -> Reason | None:
        """Put a trigger there or refresh it; why not, if it is not there afterwards."""
        triggers = self._at.get(identifier, {})
        if target not in triggers:
            reason = self._refusal(len(triggers), owner)
            if reason is not None:
                return reason
            self._at.setdefault(identifier, triggers)[target] = Trigger(identifier, target, owner)
            self._alike.setdefault(identifier[:EXACT], set()).add(identifier)
            self._owned[owner] = self._owned.get(owner, 0) + 1
            self._count += 1
        self._expiry.set((identifier, target), now + self._config.lifetime)
        return None

    def remove(self, identifier: Identifier, target: Target, owner: Endpoint) -> bool:
        """Take an owner's trigger away; whether there was one."""
        trigger = self._at.get(identifier, {}).get(target)
        if trigger is None or trigger.owner != owner:
            return False
        self._expiry.cancel((identifier, target))
        self._forget(trigger)
        return True

    def expire(self, now: int) -> list[Key]:
        """Drop what nobody has refreshed; what that was."""
        gone = list(self._expiry.due(now))
        for identifier, target in gone:
            self._forget(self._at[identifier][target])
        return gone

    def next_expiry(self) -> int | None:
        """When ``expire`` has something to do."""
        return self._expiry.next()

    def all(self) -> Iterator[Trigger]:
        """Every trigger."""
        for triggers in self._at.values():
            yield from triggers.values()

    def at(self, identifier: Identifier) -> tuple[Target, ...]:
        """Where the triggers of just this identifier point."""
        return tuple(self._at.get(identifier, ()))

    def match(self, identifier: Identifier) -> tuple[Target, ...]:
        """Where a packet goes: to all triggers of the identifier that matches best.

        The first 192 bits match exactly; of the rest, the longest common prefix decides. Of those
        that match equally well the least identifier is taken, so that one is.
        """
        triggers = self._at.get(identifier)
        if triggers is None:
            alike = self._alike.get(identifier[:EXACT])
            if not alike:
                return ()
            suffix = int.from_bytes(identifier[EXACT:], "big")
            triggers = self._at[min(alike, key=lambda one: (_differing(one, suffix), one))]
        return tuple(triggers)

    def _refusal(self, at_identifier: int, owner: Endpoint) -> Reason | None:
        if at_identifier >= self._config.triggers_per_identifier:
            return Reason.IDENTIFIER_FULL
        if self._count >= self._config.triggers:
            return Reason.SERVER_FULL
        if self._owned.get(owner, 0) >= self._config.triggers_per_owner:
            return Reason.SERVER_FULL
        return None

    def _forget(self, trigger: Trigger) -> None:
        identifier = trigger.identifier
        del self._at[identifier][trigger.target]
        if not self._at[identifier]:
            del self._at[identifier]
            alike = self._alike[identifier[:EXACT]]
            alike.remove(identifier)
            if not alike:
                del self._alike[identifier[:EXACT]]
        self._count -= 1
        self._owned[trigger.owner] -= 1
        if not self._owned[trigger.owner]:
            del self._owned[trigger.owner]


def _differing(identifier: Identifier, suffix: int) -> int:
    """How many bits are behind the common prefix of two suffixes."""
    return (int.from_bytes(identifier[EXACT:], "big") ^ suffix).bit_length()
