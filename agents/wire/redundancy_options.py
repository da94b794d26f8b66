"""Mobility options of nodes that stand in for each other: restarts, and what a vendor adds."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from agents.wire.errors import MalformedPacket
from agents.wire.option_layouts import KnownOption, MobilityOption, expect_length

VENDOR = 32473
"""The enterprise number for examples (RFC 5612): what we add is nobody's product."""

_COUNTER = struct.Struct("!I")
_HEAD = struct.Struct("!IB")  # vendor, subtype


@dataclass(frozen=True)
class VendorSpecific(KnownOption):
    """What a vendor has for itself (RFC 5094 section 3)."""

    TYPE = 19
    ALIGNMENT = (4, 2)
    MAXIMUM_DATA = 255 - _HEAD.size
    """Octets."""
    subtype: int
    data: bytes
    vendor: int = VENDOR

    def encode(self) -> bytes:
        """Vendor, subtype, data."""
        return _HEAD.pack(self.vendor, self.subtype) + self.data

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The vendor's data, whatever they are."""
        if len(data) < _HEAD.size:
            raise MalformedPacket(f"VendorSpecific of {len(data)} octets")
        vendor, subtype = _HEAD.unpack_from(data)
        return cls(subtype, data[_HEAD.size :], vendor)


@dataclass(frozen=True)
class RestartCounter(KnownOption):
    """Another value than before: the sender was started again (RFC 5847 section 3.4)."""

    TYPE = 28
    ALIGNMENT = (4, 2)
    value: int

    def encode(self) -> bytes:
        """The counter."""
        return _COUNTER.pack(self.value)

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The counter."""
        expect_length(cls, data, _COUNTER.size)
        return cls(*_COUNTER.unpack(data))
