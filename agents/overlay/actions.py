"""What an overlay asks its surroundings to do (``agents.core.Log`` besides)."""

from __future__ import annotations

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
