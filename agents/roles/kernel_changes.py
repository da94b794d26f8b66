"""What a mobile node's kernel does by itself, in the event log."""

from __future__ import annotations

from agents.kernel.monitor import AddressChange, CarrierChange, Change
from agents.roles.daemon import EventLog


def note(log: EventLog, change: Change) -> None:
    """Write one change down."""
    if isinstance(change, AddressChange):
        log.write("address", address=change.address, state=change.state)
    elif isinstance(change, CarrierChange):
        log.write("carrier", up=change.up)
    else:
        address = change.address.hex(":")
        log.write("link_layer_changed", link_layer_address=address, back=change.back)
