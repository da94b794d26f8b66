"""A signalling message as an action and as a line of the event log."""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.core import Action, Log
from agents.mobility.actions import Send
from agents.wire.mobility import BindingAcknowledgement, BindingUpdate


def send(
    message: BindingUpdate | BindingAcknowledgement, identifier: str, destination: IPv6Address
) -> list[Action]:
    """Send it, and say so."""
    fields = _fields(message, identifier) | {"destination": destination}
    return [Send(message, destination), Log("sent", fields)]


def received(
    message: BindingUpdate | BindingAcknowledgement, identifier: str, source: IPv6Address
) -> Log:
    """Say that it came."""
    return Log("received", _fields(message, identifier) | {"source": source})


def _fields(
    message: BindingUpdate | BindingAcknowledgement, identifier: str
) -> dict[str, str | int]:
    kind = "PBU" if isinstance(message, BindingUpdate) else "PBA"
    return {"message": kind, "mn": identifier, "sequence": message.sequence}
