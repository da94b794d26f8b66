"""The mobility option by which a multicast context goes ahead of its listener (RFC 7411)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

from agents.wire import mld
from agents.wire.errors import MalformedPacket
from agents.wire.option_layouts import KnownOption, MobilityOption

_WORD = 4
_COUNT = struct.Struct("!2xH")
_MAXIMUM = 0xFF * _WORD


@dataclass(frozen=True)
class MulticastMobility(KnownOption):
    """What the node listens to: a Multicast Mobility Option (RFC 7411 section 5.3).

    ``report`` is a membership report without its ICMPv6 header, in the version that ``code`` says.
    Its length field counts 32-bit words of it.
    """

    TYPE = 60
    ALIGNMENT = (4, 0)
    LENGTH = (2, _WORD)
    MLD_V2 = 2
    code: int
    report: bytes

    def __post_init__(self) -> None:
        if len(self.report) % _WORD or len(self.report) > _MAXIMUM:
            raise ValueError(f"a multicast report of {len(self.report)} octets does not fit")

    @classmethod
    def of(cls, records: Iterable[mld.AddressRecord]) -> MulticastMobility:
        """The option with these records, as many of the first as it has room for."""
        count, body = 0, b""
        for record in records:
            encoded = mld.encode_record(record)
            if _COUNT.size + len(body) + len(encoded) > _MAXIMUM:
                break
            count, body = count + 1, body + encoded
        return cls(cls.MLD_V2, _COUNT.pack(count) + body)

    def records(self) -> tuple[mld.AddressRecord, ...]:
        """The MLDv2 records, none if it is of another kind; MalformedPacket if they are cut off."""
        if self.code != self.MLD_V2:
            return ()
        if len(self.report) < _COUNT.size:
            raise MalformedPacket("multicast mobility option without a report")
        records, offset = [], _COUNT.size
        for _ in range(_COUNT.unpack_from(self.report)[0]):
            record, offset = mld.decode_record(self.report, offset)
            if record is not None:
                records.append(record)
        return tuple(records)

    def encode(self) -> bytes:
        """Option code, a reserved octet and the report."""
        return bytes((self.code, 0)) + self.report

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The option; its records are looked at only by who asks for them."""
        return cls(data[0], data[2:])
