"""The values that MIH messages carry, each in a TLV (IEEE 802.21-2008 annex L, table L.2).

Links are 802.11 interfaces with MAC addresses, and nobody asks for a quality of service: what there
is beyond that is malformed here. Unknown types of TLV are skipped.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from agents.wire import mih_layouts as layouts
from agents.wire.errors import MalformedPacket
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
_NO_CHOICE = bytes(4)
"""RQ_RESULT: IP configuration methods, DHCP server, FA, access router: none is told."""
_DISCONNECT = struct.Struct("!BBBH")  # no PoA, LINK_AC_TYPE, LINK_AC_ATTR, milliseconds
_LINK_DISCONNECT = 1
_POINT_CHOICE = 1
"""LINK_TUPLE_ID: there is a point of attachment; 0: none."""
_ADDRESS_CHOICE = 1
"""TGT_NET_INFO: the link address of the target."""


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
class _LinkAddress(Value):
    address: bytes

    def encode(self) -> bytes:
        return layouts.link_address(self.address)

    @classmethod
    def decode(cls, reader: Reader) -> Value:
        return cls(reader.link_address())


class OldAccessRouter(_LinkAddress):
    """The point of attachment of the link that was."""

    TYPE = 15


class NewAccessRouter(_LinkAddress):
    """The point of attachment of the link that is."""

    TYPE = 16


class PointOfAttachment(_LinkAddress):
    """Where the mobile node is going to be attached."""

    TYPE = 60


@dataclass(frozen=True)
class _Link(Value):
    address: bytes

    def encode(self) -> bytes:
        return layouts.link(self.address)

    @classmethod
    def decode(cls, reader: Reader) -> Value:
        return cls(reader.link())


@dataclass(frozen=True)
class LinkIdentifier(Value):
    """The interface that it is about, and maybe the point of attachment that it is attached to.

    Some read table L.2 as LINK_ID, which we send where there is no point, some as LINK_TUPLE_ID.
    """

    TYPE: ClassVar[int] = 13
    address: bytes
    point: bytes | None = None

    def encode(self) -> bytes:
        """Its octets."""
        link = layouts.link(self.address)
        if self.point is None:
            return link
        return link + bytes((_POINT_CHOICE,)) + layouts.link_address(self.point)

    @classmethod
    def decode(cls, reader: Reader) -> Value:
        """Read them, or those of a LINK_TUPLE_ID without a point."""
        address = reader.link()
        choice = 0 if reader.at_end else reader.number(1)
        if choice not in (0, _POINT_CHOICE):
            raise MalformedPacket(f"MIH link identifier with a choice of {choice}")
        return cls(address, reader.link_address() if choice else None)


class MobileNodeLink(_Link):
    """The mobile node's interface."""

    TYPE = 59


@dataclass(frozen=True)
class CandidateLinks(Value):
    """Points of attachment that come into question for an interface."""

    link: bytes
    points: tuple[bytes, ...]
    TYPE: ClassVar[int] = 31

    def encode(self) -> bytes:
        """Its octets."""
        return layouts.length(1) + layouts.points_of_attachment(self.link, self.points)

    @classmethod
    def decode(cls, reader: Reader) -> Value:
        """Read them."""
        reader.expect(layouts.length(1), "several interfaces")
        return cls(*reader.points_of_attachment())


@dataclass(frozen=True)
class PreferredLinks(Value):
    """Those of the candidates that are wanted, or can be had, best first."""

    link: bytes
    points: tuple[bytes, ...]
    TYPE: ClassVar[int] = 32

    def encode(self) -> bytes:
        """Its octets."""
        points = layouts.points_of_attachment(self.link, self.points)
        return layouts.length(1) + points + NO_QOS + _NO_CHOICE

    @classmethod
    def decode(cls, reader: Reader) -> Value:
        """Read them."""
        reader.expect(layouts.length(1), "several interfaces")
        link, points = reader.points_of_attachment()
        reader.expect(NO_QOS + _NO_CHOICE, "a quality of service")
        return cls(link, points)


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
class TargetNetworks(Value):
    """Where the mobile node shall go: the point of attachment."""

    point: bytes
    TYPE: ClassVar[int] = 56

    def encode(self) -> bytes:
        """Its octets."""
        choice = bytes((_ADDRESS_CHOICE,))
        return layouts.length(1) + choice + layouts.link_address(self.point)

    @classmethod
    def decode(cls, reader: Reader) -> Value:
        """Read them."""
        reader.expect(layouts.length(1) + bytes((_ADDRESS_CHOICE,)), "a target network")
        return cls(reader.link_address())


@dataclass(frozen=True)
class LinkActions(Value):
    """What an interface shall do: disconnect, so many milliseconds from now."""

    link: bytes
    delay_ms: int
    TYPE: ClassVar[int] = 38

    def encode(self) -> bytes:
        """Its octets."""
        action = _DISCONNECT.pack(0, _LINK_DISCONNECT, 0, self.delay_ms)
        return layouts.length(1) + layouts.link(self.link) + action

    @classmethod
    def decode(cls, reader: Reader) -> Value:
        """Read them."""
        reader.expect(layouts.length(1), "several actions")
        link = reader.link()
        reader.expect(bytes((0, _LINK_DISCONNECT, 0)), "an action")
        return cls(link, reader.number(2))


@dataclass(frozen=True)
class LinkActionResults(Value):
    """How that ended: SUCCESS, or not."""

    link: bytes
    result: int
    TYPE: ClassVar[int] = 39

    def encode(self) -> bytes:
        """Its octets."""
        return layouts.length(1) + layouts.link(self.link) + bytes((self.result, 0))

    @classmethod
    def decode(cls, reader: Reader) -> Value:
        """Read them."""
        reader.expect(layouts.length(1), "several actions")
        link = reader.link()
        result = reader.number(1)
        reader.expect(bytes(1), "a scan")
        return cls(link, result)


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


_KNOWN: dict[int, type[Value]] = {
    kind.TYPE: kind
    for kind in (
        SourceMihf,
        DestinationMihf,
        MobileNodeMihf,
        Status,
        LinkType,
        TimeInterval,
        LinkGoingDownReason,
        HandoverStatus,
        ResourceStatus,
        QueryResourceReportFlag,
        OldAccessRouter,
        NewAccessRouter,
        PointOfAttachment,
        LinkIdentifier,
        MobileNodeLink,
        CandidateLinks,
        PreferredLinks,
        ResourceQuery,
        AssignedResources,
        RequestedResources,
        TargetNetworks,
        LinkActions,
        LinkActionResults,
        PreviousRouters,
    )
}


def decode_value(kind: int, data: bytes) -> Value | None:
    """The value of a TLV; None for a type that is not known."""
    if kind not in _KNOWN:
        return None
    reader = Reader(data)
    value = _KNOWN[kind].decode(reader)
    if not reader.at_end:
        raise MalformedPacket(f"MIH value of type {kind} with something behind it")
    return value
