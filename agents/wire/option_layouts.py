"""What an option of the Mobility Header is, and the layouts that several options share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network
from typing import ClassVar, TypeVar

from agents.wire.addresses import shared_address
from agents.wire.errors import MalformedPacket

PAD1 = 0
PADN = 1
_RESERVED = bytes(2)
_ADDRESS_BITS = 128
_HOST_BITS = [(1 << _ADDRESS_BITS - length) - 1 for length in range(_ADDRESS_BITS + 1)]


class MobilityOption(ABC):
    """One option of a mobility message.

    ``TYPE`` is its IANA number. ``ALIGNMENT`` (modulus, remainder) says where its first octet may
    stand, counted from the start of the Mobility Header: (8, 4) is the standards' "8n+4".
    ``LENGTH`` is what the length field means: octets that it leaves out, octets that one counts.
    """

    __slots__ = ()
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

    __slots__ = ()

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


_Octets = TypeVar("_Octets", bound="OctetsOption")


class OctetsOption(KnownOption):
    """An option that stays octets: what they mean is worked out when somebody asks.

    So to take a message apart, and to copy from it into another, costs no more than its reader
    wants to know.
    """

    __slots__ = ("octets",)

    def __init__(self, octets: bytes) -> None:
        """``octets`` are what follows type and length."""
        self.octets = octets

    def encode(self) -> bytes:
        """What follows the option's type and length."""
        return self.octets

    @classmethod
    def of_octets(cls: type[_Octets], octets: bytes) -> _Octets:
        """The option with what :meth:`encode` gave."""
        option = cls.__new__(cls)
        option.octets = octets
        return option

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.octets == self.octets

    def __hash__(self) -> int:
        return hash((type(self), self.octets))

    def __repr__(self) -> str:
        return f"{type(self).__name__}.of_octets({self.octets!r})"


class PrefixOption(OctetsOption):
    """The layout reserved, prefix length, prefix."""

    __slots__ = ()
    ALIGNMENT = (8, 4)

    def __init__(self, prefix: IPv6Network) -> None:
        """The option about this prefix."""
        super().__init__(prefix_octets(prefix))

    @property
    def prefix(self) -> IPv6Network:
        """The prefix."""
        return IPv6Network((self.octets[2:], self.octets[1]))

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The prefix."""
        expect_length(cls, data, 18)
        return cls.of_octets(masked(data))


class AddressOption(OctetsOption):
    """The layout of a single IPv6 address."""

    __slots__ = ()
    ALIGNMENT = (8, 6)

    def __init__(self, address: IPv6Address) -> None:
        """The option about this address."""
        super().__init__(address.packed)

    @property
    def address(self) -> IPv6Address:
        """The address."""
        return shared_address(self.octets)

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The address."""
        expect_length(cls, data, 16)
        return cls.of_octets(data)


class NumberOption(OctetsOption):
    """The layout reserved, one octet."""

    __slots__ = ()

    def __init__(self, value: int) -> None:
        """The option with this value."""
        super().__init__(bytes((0, value)))

    @property
    def value(self) -> int:
        """The value, known or not."""
        return self.octets[1]

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The value."""
        expect_length(cls, data, 2)
        return cls.of_octets(data if data[0] == 0 else bytes((0, data[1])))


class LinkLayerOption(OctetsOption):
    """The layout reserved (two octets), link-layer address of whatever length."""

    __slots__ = ()
    ALIGNMENT = (2, 0)

    def __init__(self, address: bytes) -> None:
        """The option about this link-layer address."""
        super().__init__(_RESERVED + address)

    @property
    def address(self) -> bytes:
        """The link-layer address."""
        return self.octets[len(_RESERVED) :]

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The link-layer address."""
        if len(data) < len(_RESERVED):
            raise MalformedPacket(f"{cls.__name__} of {len(data)} octets")
        return cls(data[len(_RESERVED) :])


def expect_length(option: type[KnownOption], data: bytes, length: int) -> None:
    """Refuse an option of another length than its format has."""
    if len(data) != length:
        raise MalformedPacket(f"{option.__name__} of {len(data)} octets, not {length}")


def prefix_octets(prefix: IPv6Network) -> bytes:
    """Reserved, prefix length, prefix."""
    return bytes((0, prefix.prefixlen)) + prefix.network_address.packed


def masked(data: bytes) -> bytes:
    """The same from the wire: what is reserved or behind the prefix length is cleared."""
    length = data[1]
    if length > _ADDRESS_BITS:
        raise MalformedPacket(f"prefix length {length}")
    if data[0] == 0 and not int.from_bytes(data[2:], "big") & _HOST_BITS[length]:
        return data
    return prefix_octets(IPv6Network((data[2:], length), strict=False))
