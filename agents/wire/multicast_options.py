"""The mobility options by which a multicast context goes ahead of its listener (RFC 7411)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from agents.wire import mld
from agents.wire.errors import MalformedPacket
from agents.wire.option_layouts import KnownOption, MobilityOption

_WORD = 4
_COUNT = struct.Struct("!2xH")
_MAXIMUM = 0xFF * _WORD
_MLD_V2 = 2
_MLD_V2_FROM_V1 = 4


@dataclass(frozen=True)
class _ReportOption(KnownOption):
    """Two octets, and a membership report without its ICMPv6 header.

    The length field counts 32-bit words of the report.
    """

    ALIGNMENT = (4, 0)
    LENGTH = (2, _WORD)
    code: int
    report: bytes

    def __post_init__(self) -> None:
        if len(self.report) % _WORD or len(self.report) > _MAXIMUM:
            raise ValueError(f"a multicast report of {len(self.report)} octets does not fit")

    def _records(self) -> tuple[mld.AddressRecord, ...]:
        if len(self.report) < _COUNT.size:
            raise MalformedPacket("multicast mobility option without a report")
        records, offset = [], _COUNT.size
        for _ in range(_COUNT.unpack_from(self.report)[0]):
            record, offset = mld.decode_record(self.report, offset)
            if record is not None:
                records.append(record)
        return tuple(records)


class MulticastMobility(_ReportOption):
    """What the node listens to: a Multicast Mobility Option (RFC 7411 section 5.3).

    ``code`` says in which version its report is.
    """

    TYPE = 60
    MLD_V2 = _MLD_V2

    @classmethod
    def of(cls, records: Iterable[mld.AddressRecord]) -> MulticastMobility:
        """The option with these records, as many of the first as it has room for."""
        count, body = 0, b""
        for record in records:
            encoded = mld.encode_record(record)
            if _COUNT.size + len(body) + len(encoded) > _MAXIMUM:
                break
            count, body = count + 1, body + encoded
        return cls(_MLD_V2, _COUNT.pack(count) + body)

    @property
    def is_of_mld(self) -> bool:
        """Whether there are MLDv2 records in it, also such as MLDv1 messages were translated to."""
        return self.code in (_MLD_V2, _MLD_V2_FROM_V1)

    def records(self) -> tuple[mld.AddressRecord, ...]:
        """The MLDv2 records, none if it is of another kind; MalformedPacket if they are cut off."""
        return self._records() if self.is_of_mld else ()

    def encode(self) -> bytes:
        """Option code, a reserved octet and the report."""
        return bytes((self.code, 0)) + self.report

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The option; its records are looked at only by who asks for them."""
        return cls(data[0], data[2:])


class MulticastStatus(IntEnum):
    """Why a context was not taken, or not all of it (RFC 7411 section 5.4); 0: it was."""

    TAKEN = 0
    TYPE_UNSUPPORTED = 1
    SERVICE_UNSUPPORTED = 2
    SERVICE_PROHIBITED = 3


class MulticastAcknowledgement(_ReportOption):
    """What became of a context: a Multicast Acknowledgement Option (RFC 7411 section 5.4).

    ``code`` is the status; the report has the records that were not taken.
    """

    TYPE = 61

    @classmethod
    def of(cls, status: MulticastStatus) -> MulticastAcknowledgement:
        """The option that names no records."""
        return cls(status, _COUNT.pack(0))

    def encode(self) -> bytes:
        """Option code 0, status and the report."""
        return bytes((0, self.code)) + self.report

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The option."""
        return cls(data[1], data[2:])
