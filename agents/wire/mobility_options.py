"""Mobility options (RFC 6275 section 6.2): the type-length-value part of a mobility message.

Every option has a class of its own here; ``agents.wire.option_layouts`` has what they share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv6Address, IPv6Network

from agents.wire import mld
from agents.wire.addresses import shared_address
from agents.wire.errors import MalformedPacket
from agents.wire.handover_options import ContextRequest as ContextRequest
from agents.wire.handover_options import (
    LocalMobilityAnchorAddress as LocalMobilityAnchorAddress,
)
from agents.wire.handover_options import (
    MobileNodeInterfaceIdentifier as MobileNodeInterfaceIdentifier,
)
from agents.wire.multicast_options import MulticastAcknowledgement as MulticastAcknowledgement
from agents.wire.multicast_options import MulticastMobility as MulticastMobility
from agents.wire.multicast_options import MulticastStatus as MulticastStatus
from agents.wire.option_layouts import (
    PAD1,
    PADN,
    AddressOption,
    KnownOption,
    LinkLayerOption,
    NumberOption,
    OctetsOption,
    PrefixOption,
    expect_length,
    masked,
    prefix_octets,
)
from agents.wire.option_layouts import MobilityOption as MobilityOption
from agents.wire.option_layouts import UnknownOption as UnknownOption
from agents.wire.redundancy_options import RestartCounter as RestartCounter
from agents.wire.redundancy_options import VendorSpecific as VendorSpecific
from agents.wire.security_options import BindingAuthorizationData as BindingAuthorizationData
from agents.wire.security_options import CgaParameters as CgaParameters
from agents.wire.security_options import NonceIndices as NonceIndices
from agents.wire.security_options import PermanentHomeKeygenToken as PermanentHomeKeygenToken
from agents.wire.security_options import Signature as Signature

_NAI_SUBTYPE = 1
_NANOSECONDS = 10**9
_FRACTIONS = 1 << 16


class Handoff(IntEnum):
    """Values of the Handoff Indicator (RFC 5213 section 8.4)."""

    NEW_INTERFACE = 1
    BETWEEN_INTERFACES = 2
    BETWEEN_ROUTERS = 3
    UNKNOWN = 4
    NOT_CHANGED = 5


class AccessTechnology(IntEnum):
    """Values of the Access Technology Type (RFC 5213 section 8.5)."""

    VIRTUAL = 1
    PPP = 2
    ETHERNET = 3
    WLAN = 4
    WIMAX = 5


class AlternateCareOfAddress(AddressOption):
    """The care-of address, where the packet's source does not say it (RFC 6275 section 6.2.5)."""

    TYPE = 3


@dataclass(frozen=True)
class MobileNodeIdentifier(KnownOption):
    """Who the mobile node is: a Network Access Identifier (RFC 4283 section 3.1)."""

    TYPE = 8
    identifier: str

    def __post_init__(self) -> None:
        if not self.identifier:
            raise ValueError("a mobile node's identifier is never empty")

    def encode(self) -> bytes:
        """Subtype and identifier."""
        return bytes((_NAI_SUBTYPE,)) + self.identifier.encode()

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The identifier; another kind of identifier than an NAI stays an unknown option."""
        if len(data) < 2:
            raise MalformedPacket("mobile node identifier without an identifier")
        if data[0] != _NAI_SUBTYPE:
            return UnknownOption(cls.TYPE, data)
        try:
            return cls(data[1:].decode())
        except UnicodeDecodeError as error:
            raise MalformedPacket("mobile node identifier is not UTF-8") from error


class HomeNetworkPrefix(PrefixOption):
    """A prefix of the mobile node (RFC 5213 section 8.3)."""

    TYPE = 22


class HandoffIndicator(NumberOption):
    """Why the node attached: a value of :class:`Handoff` (RFC 5213 section 8.4)."""

    TYPE = 23


class AccessTechnologyType(NumberOption):
    """The access link's technology: a value of :class:`AccessTechnology` (RFC 5213 section 8.5)."""

    TYPE = 24


class MobileNodeLinkLayerIdentifier(LinkLayerOption):
    """The mobile node's link-layer address (RFC 5213 section 8.6)."""

    TYPE = 25


class LinkLocalAddress(AddressOption):
    """The access routers' link-local address on the node's link (RFC 5213 section 8.7)."""

    TYPE = 26


class Timestamp(OctetsOption):
    """When the sender made the message, in ns since 1970 (RFC 5213 section 8.8).

    The wire has 48 bits of seconds and 16 of fraction, steps of about 15 µs: ``time`` is the latest
    such step not after the time given, so that what was sent compares equal to what comes back.
    """

    __slots__ = ()
    TYPE = 27
    ALIGNMENT = (8, 2)

    def __init__(self, time: int) -> None:
        """The 48.16 fixed-point number of seconds."""
        steps = time * _FRACTIONS // _NANOSECONDS
        if not 0 <= steps < 1 << 64:
            raise ValueError(f"a timestamp cannot carry {time} ns")
        super().__init__(steps.to_bytes(8, "big"))

    @property
    def time(self) -> int:
        """The time, rounded up to whole ns."""
        return -(-int.from_bytes(self.octets, "big") * _NANOSECONDS // _FRACTIONS)

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The time."""
        expect_length(cls, data, 8)
        return cls.of_octets(data)


@dataclass(frozen=True)
class ActiveMulticastSubscription(KnownOption):
    """What the node listens to in one group: an MLDv2 address record (RFC 7161 section 4.1).

    A message has one of them for each group; MLDv1's form of the option stays unknown.
    """

    TYPE = 57
    ALIGNMENT = (8, 1)
    MAXIMUM_SOURCES = 14
    """An option has 255 octets at most, of which 21 are the MLD type, the record and its group."""
    record: mld.AddressRecord

    def __post_init__(self) -> None:
        if len(self.record.sources) > self.MAXIMUM_SOURCES:
            raise ValueError(f"a subscription of {len(self.record.sources)} sources: 14 at most")

    def encode(self) -> bytes:
        """The type of the MLD message that such a record is from, and the record."""
        return bytes((mld.REPORT_V2,)) + mld.encode_record(self.record)

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The record; one that is not of MLDv2, or of no known type, stays an unknown option."""
        if not data:
            raise MalformedPacket("multicast subscription without a record")
        if data[0] != mld.REPORT_V2:
            return UnknownOption(cls.TYPE, data)
        record, end = mld.decode_record(data, 1)
        if end != len(data):
            raise MalformedPacket("multicast subscription with something behind its record")
        return UnknownOption(cls.TYPE, data) if record is None else cls(record)


class AnchoredPrefix(PrefixOption):
    """A prefix that the receiving MAAR anchors for the node (RFC 8885 section 4.3)."""

    TYPE = 65


class LocalPrefix(PrefixOption):
    """The prefix that the sending MAAR itself gave to the node (RFC 8885 section 4.4)."""

    TYPE = 66


class PreviousMaar(OctetsOption):
    """A MAAR where the node was, and the prefix it anchors there (RFC 8885 section 4.5)."""

    __slots__ = ()
    TYPE = 67
    ALIGNMENT = (8, 4)

    def __init__(self, address: IPv6Address, prefix: IPv6Network) -> None:
        """Reserved, prefix length, the MAAR's address, the prefix."""
        octets = prefix_octets(prefix)
        super().__init__(octets[:2] + address.packed + octets[2:])

    @property
    def address(self) -> IPv6Address:
        """The MAAR."""
        return shared_address(self.octets[2:18])

    @property
    def prefix(self) -> IPv6Network:
        """The prefix."""
        return IPv6Network((self.octets[18:], self.octets[1]))

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The MAAR and its prefix."""
        expect_length(cls, data, 34)
        octets = masked(data[:2] + data[18:])
        return cls.of_octets(octets[:2] + data[2:18] + octets[2:])


class ServingMaar(AddressOption):
    """The MAAR where the node is now (RFC 8885 section 4.6)."""

    TYPE = 68


class DlifLinkLocalAddress(AddressOption):
    """The link-local address of a MAAR's distributed logical interface (RFC 8885 section 4.7)."""

    TYPE = 69


class DlifLinkLayerAddress(LinkLayerOption):
    """The link-layer address of a distributed logical interface (RFC 8885 section 4.8)."""

    TYPE = 70


KNOWN_OPTIONS: dict[int, type[KnownOption]] = {
    option.TYPE: option
    for option in (
        AlternateCareOfAddress,
        NonceIndices,
        BindingAuthorizationData,
        MobileNodeIdentifier,
        CgaParameters,
        Signature,
        PermanentHomeKeygenToken,
        VendorSpecific,
        HomeNetworkPrefix,
        HandoffIndicator,
        AccessTechnologyType,
        MobileNodeLinkLayerIdentifier,
        LinkLocalAddress,
        Timestamp,
        RestartCounter,
        ContextRequest,
        LocalMobilityAnchorAddress,
        MobileNodeInterfaceIdentifier,
        ActiveMulticastSubscription,
        MulticastMobility,
        MulticastAcknowledgement,
        AnchoredPrefix,
        LocalPrefix,
        PreviousMaar,
        ServingMaar,
        DlifLinkLocalAddress,
        DlifLinkLayerAddress,
    )
}
"""The options that are understood, by their numbers."""


_PADDINGS = (b"", bytes((PAD1,)), *(bytes((PADN, n)) + bytes(n) for n in range(6)))
"""Pad1 or PadN of 0 to 7 octets (RFC 6275 sections 6.2.2 and 6.2.3)."""


def encode_options(options: Iterable[MobilityOption], start: int) -> bytes:
    """The options, each aligned, then padded so that the message ends on a multiple of 8 octets.

    ``start`` is the offset of the first option in the Mobility Header.
    """
    parts: list[bytes] = []
    end = start
    for option in options:
        modulus, remainder = option.ALIGNMENT
        uncounted, unit = option.LENGTH
        content = option.encode()
        padding = _PADDINGS[(remainder - end) % modulus]
        head = bytes((option.number, (len(content) - uncounted) // unit))
        parts += (padding, head, content)
        end += len(padding) + len(head) + len(content)
    parts.append(final_padding(end))
    return b"".join(parts)


def final_padding(end: int) -> bytes:
    """What stands behind the last option, so that the message ends on a multiple of 8 octets."""
    return _PADDINGS[-end % 8]


def decode_options(data: bytes) -> tuple[MobilityOption, ...]:
    """The options in their order, without the padding."""
    options: list[MobilityOption] = []
    for number, start, end in spans(data, 0):
        known, content = KNOWN_OPTIONS.get(number), data[start + 2 : end]
        options.append(known.decode(content) if known else UnknownOption(number, content))
    return tuple(options)


def spans(data: bytes, offset: int) -> Iterator[tuple[int, int, int]]:
    """Type, start and end of each option from an offset on, without the padding."""
    size = len(data)
    while offset < size:
        number, start = data[offset], offset
        if number == PAD1:  # the only option without a length
            offset += 1
            continue
        if start + 2 > size:
            raise MalformedPacket(f"mobility option {number} without a length")
        known = KNOWN_OPTIONS.get(number)
        uncounted, unit = known.LENGTH if known else (0, 1)
        offset = start + 2 + uncounted + unit * data[start + 1]
        if offset > size:
            raise MalformedPacket(f"mobility option {number} longer than its message")
        if number != PADN:
            yield number, start, offset
