"""The values of MIH messages that say which links: interfaces, points of attachment, what they do.

IEEE 802.21-2008 annex L, table L.2. Links are 802.11 interfaces with MAC addresses, and nobody asks
for a quality of service: what there is beyond that is malformed here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from agents.wire import mih_layouts as layouts
from agents.wire.errors import MalformedPacket
from agents.wire.mih_layouts import NO_QOS, Reader
from agents.wire.mih_values import Value

_NO_CHOICE = bytes(4)
"""RQ_RESULT: IP configuration methods, DHCP server, FA, access router: none is told."""
_DISCONNECT = struct.Struct("!BBBH")  # no PoA, LINK_AC_TYPE, LINK_AC_ATTR, milliseconds
_LINK_DISCONNECT = 1
_POINT_CHOICE = 1
"""LINK_TUPLE_ID: there is a point of attachment; 0: none."""
_ADDRESS_CHOICE = 1
"""TGT_NET_INFO: the link address of the target."""


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
