"""What every overlay is to the daemon and to the tests, whatever its protocol is.

"It is possible to provide a transparent IP-Multicast interface to almost any ALM" (Milic, Brogle,
Braun): this is all that one has to be. docs/overlay-protocols.md shows how to add one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address
from random import Random
from typing import Any, Protocol

from agents.core import Action
from agents.overlay.data_path import DataPath
from agents.wire.i3 import Endpoint
from agents.wire.overlay_items import Interest

ROOM = 45
"""Octets that are free before each packet of a run."""


@dataclass(frozen=True)
class Place:
    """What a member is told when it starts, whatever its protocol is."""

    name: str
    endpoints: tuple[Endpoint, ...]
    """Where others reach it."""
    seeds: tuple[Endpoint, ...]
    """Members that are known from the beginning."""
    secrets: Mapping[int, bytes]
    """Shared keys by number; none: nothing is encrypted."""
    current: int
    """The number of the key to send with."""
    random: Random
    now: int
    reachable: bool | None = None
    """Whether others may send to it first; None: as it turns out."""
    path: DataPath | None = None
    """What carries data beside us; None: nothing does."""


class Overlay(Protocol):
    """A protocol core without I/O; times are ns, IPv4 addresses stand as mapped ones.

    It answers with ``agents.overlay.actions`` and ``agents.core.Log``. A class that inherits from
    this one need not have the calls that do nothing here.
    """

    def want(self, group: IPv6Address, interest: Interest | None, now: int) -> list[Action]:
        """Somebody here wants this of a group, and no more; None: nothing any more."""

    def send(
        self, packet: bytes, source: IPv6Address, group: IPv6Address, now: int
    ) -> list[Action]:
        """Somebody here sent an IP packet to a group: bring it to all who want it elsewhere."""

    def receive(self, datagram: bytes, sender: Endpoint, now: int, ecn: int = 0) -> list[Action]:
        """A UDP datagram came, from anybody, with this ECN field."""

    def send_run(
        self, framed: Sequence[memoryview], source: IPv6Address, group: IPv6Address, now: int
    ) -> list[Action]:
        """Packets as of ``send``, of one DSCP and ECN field: each behind ``ROOM`` free octets."""
        return [
            action
            for view in framed
            for action in self.send(bytes(view[ROOM:]), source, group, now)
        ]

    def receive_run(
        self, datagrams: Sequence[memoryview], sender: Endpoint, now: int, ecn: int = 0
    ) -> list[Action]:
        """Datagrams as of ``receive`` that came together; their octets may be written over."""
        return [
            action
            for datagram in datagrams
            for action in self.receive(bytes(datagram), sender, now, ecn)
        ]

    def leave(self, now: int) -> list[Action]:
        """This member is about to end: tell the others."""
        return []

    def set_endpoints(self, endpoints: tuple[Endpoint, ...], now: int) -> list[Action]:
        """This host has other addresses than before."""
        return []

    def set_keys(self, keys: Mapping[int, bytes], current: int) -> None:
        """Other shared keys from now on, and another one to send with."""
        return None

    def timer(self, now: int) -> list[Action]:
        """Act on every deadline that is not later than ``now``."""
        return []

    def next_deadline(self) -> int | None:
        """When ``timer`` is due next."""
        return None

    def is_alone(self) -> bool:
        """Whether nobody of the overlay answers any more, though somebody did."""
        return False

    def status(self, now: int) -> dict[str, Any]:
        """Members, groups, trees and counters, for people to read."""
        return {}
