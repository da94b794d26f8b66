"""The values that MIH messages carry, each in a TLV (IEEE 802.21-2008 annex L, table L.2).

Those that say which links are in ``mih_links``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from agents.wire import mih_layouts as layouts
from agents.wire.mih_layouts import NO_QOS, Reader
from agents.wire.mobility_options import MobilityOption, decode_options, encode_options

SUCCESS = 0
"""Of a status: 0; else it is a failure."""
FAILURE = 1
"""Of a status: unspecified."""
PERMITTED = 0
"""Of a handover status: 0; 1 is declined."""
DECLINED = 1
AVAILABLE = 1
"""Of a resource status."""
LINK_PARAMETERS_DEGRADING = 1
"""Of the reasons why a link goes down."""

_VENDOR = bytes.fromhex("00005e")
"""The OUI of the IANA, in whose options (RFC 8885) the data are."""


class Value(ABC):
    """One value."""

    TYPE: ClassVar[int]

    @abstractmethod
    def encode(self) -> bytes:
        """Its octets, without type and length."""

    @classmethod
    @abstractmethod
    def decode(cls, reader: Reader) -> Value:
        """Read what ``encode`` made."""


@dataclass(frozen=True)
class _Text(Value):
    text: str

    def encode(self) -> bytes:
        return layouts.text(self.text)

    @classmethod
    def decode(cls, reader: Reader) -> Value:
        return cls(reader.text())


class SourceMihf(_Text):
    """The MIH function that sends."""

    TYPE = 1


class DestinationMihf(_Text):
    """The MIH function that it is for."""

    TYPE = 2


class MobileNodeMihf(_Text):
    """The MIH function of the mobile node that it is about."""

    TYPE = 52


@dataclass(frozen=True)
class _Number(Value):
    number: int
    SIZE: ClassVar[int] = 1

    def encode(self) -> bytes:
        return self.number.to_bytes(self.SIZE, "big")

    @classmethod
    def decode(cls, reader: Reader) -> Value:
        return cls(reader.number(cls.SIZE))


class Status(_Number):
    """How a request ended: SUCCESS, or not."""

    TYPE = 3


class LinkType(_Number):
    """The technology of the target network."""

    TYPE = 4


class TimeInterval(_Number):
    """Milliseconds until it happens; 0: unknown, or at once."""

    TYPE, SIZE = 21, 2


class LinkGoingDownReason(_Number):
    """Why a link goes down."""

    TYPE = 22


class HandoverStatus(_Number):
    """Whether the mobile node wants the handover: PERMITTED or DECLINED."""

    TYPE = 34


class ResourceStatus(_Number):
    """Whether the network has what it takes: AVAILABLE, or 0."""

    TYPE = 41


class QueryResourceReportFlag(_Number):
    """1: the answer shall tell what was found."""

    TYPE = 53


@dataclass(frozen=True)
class _Resources(Value):
    OCTETS: ClassVar[bytes]

    def encode(self) -> bytes:
        """Its octets."""
        return self.OCTETS

    @classmethod
    def decode(cls, reader: Reader) -> Value:
        """Read them."""
        reader.expect(cls.OCTETS, "a quality of service")
        return cls()


class ResourceQuery(_Resources):
    """What the mobile node would need: a link, of no certain quality."""

    TYPE, OCTETS = 33, NO_QOS


class AssignedResources(_Resources):
    """What it is going to have; no transient parameters."""

    TYPE, OCTETS = 57, NO_QOS + b"\0"


class RequestedResources(_Resources):
    """What it is to have; no transient parameters; because the old link ends."""

    TYPE, OCTETS = 63, NO_QOS + b"\0\0"


@dataclass(frozen=True)
class PreviousRouters(Value):
    """Vendor-specific: mobility options of RFC 8885 that name the anchors of a mobile node.

    No standard value of MIH does, and the new access router is to ask them.
    """

    options: tuple[MobilityOption, ...]
    TYPE: ClassVar[int] = 100

    def encode(self) -> bytes:
        """Its octets."""
        return _VENDOR + encode_options(self.options, len(_VENDOR))

    @classmethod
    def decode(cls, reader: Reader) -> Value:
        """Read them."""
        reader.expect(_VENDOR, "a vendor")
        return cls(decode_options(reader.rest()))
