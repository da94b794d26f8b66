"""Which server has an identifier: the ring of servers, as one that is settled has it."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Protocol

from agents.i3.identifiers import PREFIX
from agents.wire.i3 import Endpoint, Identifier


class Directory(Protocol):
    """Says to which server a message about an identifier goes."""

    def server_of(self, identifier: Identifier) -> Endpoint:
        """The server, as far as is known; it passes on what is not its own."""


class HostDirectory(Directory, Protocol):
    """An end host's directory."""

    def is_of(self, identifier: Identifier, server: Endpoint) -> bool:
        """Whether it is this server that has the identifier, as far as is known."""

    def silent(self, identifier: Identifier) -> None:
        """The server of an identifier does not answer."""


class ServerDirectory(Directory, Protocol):
    """A server's directory; ``server_of`` is for what the server itself sends again and again."""

    def next_hop(self, identifier: Identifier) -> Endpoint:
        """The server itself, or whoever is to pass on what somebody else has sent."""


class Ring:
    """Servers by their positions, 64 bits each; a server has what is between the last one and it.

    This is what Chord comes to when no server joins or leaves any more, and what its caches hold.
    """

    def __init__(self, servers: Mapping[int, Endpoint]) -> None:
        self._positions = sorted(servers)
        self._servers = [servers[position] for position in self._positions]
        self._found: dict[Identifier, Endpoint] = {}

    def server_of(self, identifier: Identifier) -> Endpoint:
        """The server at the first position that is not before the identifier's prefix."""
        server = self._found.get(identifier)
        if server is None:
            place = bisect_left(self._positions, int.from_bytes(identifier[:PREFIX], "big"))
            server = self._found[identifier] = self._servers[place % len(self._servers)]
        return server

    def next_hop(self, identifier: Identifier) -> Endpoint:
        """The same, as all servers know all others."""
        return self.server_of(identifier)

    def is_of(self, identifier: Identifier, server: Endpoint) -> bool:
        """Whether a server has an identifier."""
        return self.server_of(identifier) == server

    def silent(self, identifier: Identifier) -> None:
        """A ring that is settled has no other server for it."""
