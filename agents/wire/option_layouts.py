"""What an option of the Mobility Header is, and the layouts that several options share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from typing import ClassVar

from agents.wire.errors import MalformedPacket

PAD1 = 0
PADN = 1


class MobilityOption(ABC):
    """One option of a mobility message.

    ``TYPE`` is its IANA number. ``ALIGNMENT`` (modulus, remainder) says where its first octet may
    stand, counted from the start of the Mobility Header: (8, 4) is the standards' "8n+4".
    ``LENGTH`` is what the length field means: octets that it leaves out, octets that one counts.
    """

    TYPE: ClassVar[int]
    ALIGNMENT: ClassVar[tuple[int, int]] = (1, 0)
    LENGTH: ClassVar[tuple[int, int]] = (0, 1)

    @property
    def number(self) -> int:
        """The option type on the wire."""
        return self.TYPE

    @abstractmethod
    def encode(self) -> bytes:
        """What follows the option's type and length."""


class KnownOption(MobilityOption):
    """An option with a format of its own."""

    @classmethod
    @abstractmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The option with this behind its type and length."""


@dataclass(frozen=True)
class UnknownOption(MobilityOption):
    """An option not known here, kept as it came; its receiver skips it (RFC 6275 section 6.2.1)."""

    type: int
    data: bytes

    def __post_init__(self) -> None:
        if self.type in (PAD1, PADN):
            raise ValueError("padding is the encoder's business, not an option")

    @property
    def number(self) -> int:
        """The option type on the wire."""
        return self.type

    def encode(self) -> bytes:
        """What follows the option's type and length."""
        return self.data


@dataclass(frozen=True)
class PrefixOption(KnownOption):
    """The layout reserved, prefix length, prefix."""

    ALIGNMENT = (8, 4)
    prefix: IPv6Network

    def encode(self) -> bytes:
        """Reserved, prefix length, prefix."""
        return bytes((0, self.prefix.prefixlen)) + self.prefix.network_address.packed

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The prefix."""
        expect_length(cls, data, 18)
        return cls(network(data[2:], data[1]))


@dataclass(frozen=True)
class AddressOption(KnownOption):
    """The layout of a single IPv6 address."""

    ALIGNMENT = (8, 6)
    address: IPv6Address

    def encode(self) -> bytes:
        """The address."""
        return self.address.packed

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The address."""
        expect_length(cls, data, 16)
        return cls(IPv6Address(data))


@dataclass(frozen=True)
class NumberOption(KnownOption):
    """The layout reserved, one octet."""

    value: int

    def encode(self) -> bytes:
        """Reserved, value."""
        return bytes((0, self.value))

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The value, known or not."""
        expect_length(cls, data, 2)
        return cls(data[1])


def expect_length(option: type[KnownOption], data: bytes, length: int) -> None:
    """Refuse an option of another length than its format has."""
    if len(data) != length:
        raise MalformedPacket(f"{option.__name__} of {len(data)} octets, not {length}")


def network(address: bytes, prefix_length: int) -> IPv6Network:
    """The prefix; bits behind its length have no meaning and are cleared."""
    if prefix_length > 128:
        raise MalformedPacket(f"prefix length {prefix_length}")
    return IPv6Network((address, prefix_length), strict=False)


def behind_reserved(option: type[KnownOption], data: bytes) -> bytes:
    """What follows the two reserved octets of a link-layer option."""
    if len(data) < 2:
        raise MalformedPacket(f"{option.__name__} of {len(data)} octets")
    return data[2:]
