"""The messages between the two CMDs of a domain: entries, their confirmation, heartbeats.

An entry is a PBU that has its record in Vendor-Specific options (RFC 5094), confirmed by a PBA as
any other; whether the other CMD lives is asked by heartbeats (RFC 5847).
"""

from __future__ import annotations

from typing import NamedTuple

from agents.mobility.binding_record import version
from agents.wire.heartbeat import Heartbeat, HeartbeatFlag
from agents.wire.mobility import BindingUpdate, BindingUpdateFlag
from agents.wire.mobility_options import (
    MobileNodeIdentifier,
    RestartCounter,
    Timestamp,
    VendorSpecific,
)
from agents.wire.redundancy_options import VENDOR

RECORD_SUBTYPE = 4
"""Of the options that have a record; those of channel control have 1 to 3."""
RESTARTS_SUBTYPE = 5
"""Of the option that tells which start the sender's is."""
_RESTARTS_SIZE = 4

_FLAGS = BindingUpdateFlag.A | BindingUpdateFlag.P | BindingUpdateFlag.D


class Replica(NamedTuple):
    """What a PBU of the other CMD says."""

    identifier: str
    record: bytes


def replica(identifier: str, record: bytes) -> BindingUpdate:
    """CMD to CMD: this is the entry now. Its sequence number is that of the entry's change."""
    state = version(record)
    size = VendorSpecific.MAXIMUM_DATA
    parts = (record[start : start + size] for start in range(0, len(record), size))
    options = (
        MobileNodeIdentifier(identifier),
        Timestamp(state.timestamp),
        *(VendorSpecific(RECORD_SUBTYPE, part) for part in parts),
    )
    return BindingUpdate(state.change, state.lifetime, _FLAGS, options)


def read_replica(message: BindingUpdate) -> Replica | None:
    """Read what :func:`replica` made; None if something is missing."""
    identifier = message.option(MobileNodeIdentifier)
    parts = [
        option.data
        for option in message.all(VendorSpecific)
        if (option.vendor, option.subtype) == (VENDOR, RECORD_SUBTYPE)
    ]
    if identifier is None or not parts or message.option(Timestamp) is None:
        return None
    return Replica(identifier.identifier, b"".join(parts))


def heartbeat(sequence: int, restarts: int, *, response: bool = False) -> Heartbeat:
    """A question whether the other one lives, or the answer; and which start this one's is.

    The Restart Counter is for answers alone (RFC 5847 section 3.4), and whoever has just started
    asks first: a question has the same number in an option of ours.
    """
    if response:
        return Heartbeat(sequence, HeartbeatFlag.R, (RestartCounter(restarts),))
    option = VendorSpecific(RESTARTS_SUBTYPE, restarts.to_bytes(_RESTARTS_SIZE, "big"))
    return Heartbeat(sequence, HeartbeatFlag(0), (option,))


def restarts_of(message: Heartbeat) -> int | None:
    """Which start of its sender's it is of; None if it does not say so."""
    if HeartbeatFlag.R in message.flags:
        counter = message.option(RestartCounter)
        return None if counter is None else counter.value
    for option in message.all(VendorSpecific):
        ours = (option.vendor, option.subtype) == (VENDOR, RESTARTS_SUBTYPE)
        if ours and len(option.data) == _RESTARTS_SIZE:
            return int.from_bytes(option.data, "big")
    return None
