"""What the context transfer core asks its surroundings to do (``agents.core.Log`` besides)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import Action
from agents.wire.cxtp import Message
from agents.wire.mld import AddressRecord


@dataclass(frozen=True)
class SendContext(Action):
    """Send a message over the association with a peer."""

    message: Message
    peer: IPv6Address


@dataclass(frozen=True)
class ContextArrived(Action):
    """What the node listened to at the router where it was before."""

    identifier: str
    records: tuple[AddressRecord, ...]
