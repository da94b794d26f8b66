"""The CMD's binding cache: an entry for each mobile node.

Most entries wait for nothing but their mobile node's next handover. They rest as octets, a fraction
of what objects take, and the same that is stored; those with something under way are objects.
"""

from __future__ import annotations

from collections.abc import Iterator

from agents.mobility.binding import Binding
from agents.mobility.binding_record import pack, unpack


class BindingCache:
    """The entries by the mobile nodes' identifiers."""

    def __init__(self) -> None:
        self._busy: dict[str, Binding] = {}
        self._resting: dict[str, bytes] = {}

    def __len__(self) -> int:
        return len(self._busy) + len(self._resting)

    def __iter__(self) -> Iterator[Binding]:
        yield from self._busy.values()
        for identifier, record in self._resting.items():
            yield unpack(identifier, record)[0]

    def identifiers(self) -> list[str]:
        """The mobile nodes that have an entry."""
        return [*self._busy, *self._resting]

    def get(self, identifier: str) -> Binding | None:
        """The mobile node's entry; ``keep`` has to be told of what is changed in it."""
        record = self._resting.get(identifier)
        if record is not None:
            return unpack(identifier, record)[0]
        return self._busy.get(identifier)

    def keep(self, binding: Binding) -> bytes:
        """Keep an entry as it is now; gives it as octets."""
        identifier = binding.identifier
        record = pack(binding)
        if binding.is_busy:
            self._resting.pop(identifier, None)
            self._busy[identifier] = binding
        else:
            self._busy.pop(identifier, None)
            self._resting[identifier] = record
        return record

    def forget(self, identifier: str) -> None:
        """Drop an entry altogether, which has nothing under way."""
        del self._resting[identifier]
