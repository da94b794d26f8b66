"""What the i3 cores ask their surroundings to do (``agents.core.Log`` besides)."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core import Action
from agents.wire.i3 import Endpoint, Message


@dataclass(slots=True)
class SendDatagram(Action):
    """Send a message to an endpoint. Not frozen: that would take twice the time to make one."""

    message: Message
    destination: Endpoint


@dataclass(frozen=True, slots=True)
class Deliver(Action):
    """A packet of the group, for the application; each once, in the order of arrival."""

    source: int
    sequence: int
    payload: bytes
