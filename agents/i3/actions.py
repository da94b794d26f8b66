"""What the i3 cores ask their surroundings to do (``agents.core.Log`` besides)."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core import Action
from agents.wire.i3 import Endpoint, Message


@dataclass(frozen=True, slots=True)
class SendDatagram(Action):
    """Send a message to an endpoint."""

    message: Message
    destination: Endpoint
