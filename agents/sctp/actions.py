"""What the SCTP core asks its surroundings to do (``agents.core.Log`` besides)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import Action
from agents.wire.sctp import Packet


@dataclass(frozen=True)
class SendPacket(Action):
    """Send a packet from the node's own address."""

    packet: Packet
    destination: IPv6Address


@dataclass(frozen=True)
class Deliver(Action):
    """A message has come: each once, in the peer's order unless it says that there is none."""

    peer: IPv6Address
    message: bytes
