"""What every overlay is to the daemon and to the tests, whatever its protocol is.

"It is possible to provide a transparent IP-Multicast interface to almost any ALM" (Milic, Brogle,
Braun): this is all that one has to be. docs/overlay.md shows how to add one.
"""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any, Protocol

from agents.core import Action
from agents.wire.i3 import Endpoint
from agents.wire.overlay import Interest


class Overlay(Protocol):
    """A protocol core without I/O; times are ns, IPv4 addresses stand as mapped ones.

    It answers with ``agents.overlay.actions`` and ``agents.core.Log``.
    """

    def want(self, group: IPv6Address, interest: Interest | None, now: int) -> list[Action]:
        """Somebody here wants this of a group, and no more; None: nothing any more."""

    def send(
        self, packet: bytes, source: IPv6Address, group: IPv6Address, now: int
    ) -> list[Action]:
        """Somebody here sent an IP packet to a group: bring it to all who want it elsewhere."""

    def receive(self, datagram: bytes, sender: Endpoint, now: int, ecn: int = 0) -> list[Action]:
        """A UDP datagram came, from anybody, with this ECN field."""

    def leave(self, now: int) -> list[Action]:
        """This member is about to end: tell the others."""

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""

    def status(self, now: int) -> dict[str, Any]:
        """Members, groups, trees and counters, for people to read."""
