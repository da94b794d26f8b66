"""What an overlay asks its surroundings to do (``agents.core.Log`` besides)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from agents.core import Action
from agents.wire.i3 import Endpoint


@dataclass(frozen=True, slots=True)
class SendDatagram(Action):
    """Send the octets as one UDP datagram to each of these endpoints."""

    datagram: bytes
    destinations: tuple[Endpoint, ...]
    traffic_class: int = 0
    """DSCP and ECN, as those of the packet in it."""


@dataclass(frozen=True, slots=True)
class Deliver(Action):
    """An IP packet of a group that somebody here wants."""

    packet: bytes


@dataclass(frozen=True, slots=True)
class SendDatagrams(Action):
    """Send each of these as one UDP datagram to each of these endpoints.

    They may be parts of a buffer that its owner uses again: send them at once.
    """

    datagrams: Sequence[bytes | memoryview]
    destinations: tuple[Endpoint, ...]
    traffic_class: int


@dataclass(frozen=True, slots=True)
class DeliverPackets(Action):
    """IP packets of a group that somebody here wants; parts of a buffer as above."""

    packets: Sequence[memoryview]
