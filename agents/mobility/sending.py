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
    return [
        Send(message, destination),
        _log("sent", message, identifier, "destination", destination),
    ]


def received(
    message: BindingUpdate | BindingAcknowledgement, identifier: str, source: IPv6Address
) -> Log:
    """Say that it came."""
    return _log("received", message, identifier, "source", source)


def _log(
    kind: str,
    message: BindingUpdate | BindingAcknowledgement,
    identifier: str,
    end: str,
    address: IPv6Address,
) -> Log:
    name = "PBU" if isinstance(message, BindingUpdate) else "PBA"
    fields = {"message": name, "mn": identifier, "sequence": message.sequence, end: address}
    return Log(kind, fields)
