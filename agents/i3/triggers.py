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
        self._exact: dict[bytes, dict[Identifier, dict[Target, Trigger]]] = {}
        """The triggers of each identifier, by the octets that have to match exactly."""
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
        entries = self._exact.setdefault(identifier[:EXACT], {})
        triggers = entries.get(identifier, {})
        if target not in triggers:
            reason = self._refusal(len(triggers), owner)
            if reason is not None:
                self._tidy(identifier)
                return reason
            entries.setdefault(identifier, triggers)[target] = Trigger(identifier, target, owner)
            self._owned[owner] = self._owned.get(owner, 0) + 1
            self._count += 1
        self._expiry.set((identifier, target), now + self._config.lifetime)
        return None

    def remove(self, identifier: Identifier, target: Target, owner: Endpoint) -> bool:
        """Take an owner's trigger away; whether there was one."""
        trigger = self._exact.get(identifier[:EXACT], {}).get(identifier, {}).get(target)
        if trigger is None or trigger.owner != owner:
            return False
        self._expiry.cancel((identifier, target))
        self._forget(trigger)
        return True

    def expire(self, now: int) -> list[Key]:
        """Drop what nobody has refreshed; what that was."""
        gone = list(self._expiry.due(now))
        for identifier, target in gone:
            self._forget(self._exact[identifier[:EXACT]][identifier][target])
        return gone

    def next_expiry(self) -> int | None:
        """When ``expire`` has something to do."""
        return self._expiry.next()

    def all(self) -> Iterator[Trigger]:
        """Every trigger."""
        for entries in self._exact.values():
            for triggers in entries.values():
                yield from triggers.values()

    def at(self, identifier: Identifier) -> tuple[Target, ...]:
        """Where the triggers of just this identifier point."""
        return tuple(self._exact.get(identifier[:EXACT], {}).get(identifier, ()))

    def match(self, identifier: Identifier) -> tuple[Target, ...]:
        """Where a packet goes: to all triggers of the identifier that matches best.

        The first 192 bits match exactly; of the rest, the longest common prefix decides. Of those
        that match equally well the least identifier is taken, so that one is.
        """
        entries = self._exact.get(identifier[:EXACT])
        if not entries:
            return ()
        triggers = entries.get(identifier)
        if triggers is None:
            suffix = int.from_bytes(identifier[EXACT:], "big")
            best = min(entries, key=lambda entry: (_differing(entry, suffix), entry))
            triggers = entries[best]
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
        del self._exact[trigger.identifier[:EXACT]][trigger.identifier][trigger.target]
        self._tidy(trigger.identifier)
        self._count -= 1
        self._owned[trigger.owner] -= 1
        if not self._owned[trigger.owner]:
            del self._owned[trigger.owner]

    def _tidy(self, identifier: Identifier) -> None:
        """Leave nothing behind of what has no triggers."""
        entries = self._exact[identifier[:EXACT]]
        if identifier in entries and not entries[identifier]:
            del entries[identifier]
        if not entries:
            del self._exact[identifier[:EXACT]]


def _differing(identifier: Identifier, suffix: int) -> int:
    """How many bits are behind the common prefix of two suffixes."""
    return (int.from_bytes(identifier[EXACT:], "big") ^ suffix).bit_length()
