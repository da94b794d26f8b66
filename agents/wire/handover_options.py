"""The mobility options of fast handovers for Proxy Mobile IPv6 (RFC 5949 section 6.2)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv6Address

from agents.wire.errors import MalformedPacket
from agents.wire.option_layouts import MobilityOption, OctetsOption, UnknownOption, expect_length

_RESERVED = bytes(2)
_IPV6, _IPV4 = 1, 2
_SIZES = {_IPV6: 16, _IPV4: 4}
_IDENTIFIER_SIZE = 8


class ContextRequest(OctetsOption):
    """Which options about the mobile node are asked for (RFC 5949 section 6.2.1)."""

    __slots__ = ()
    TYPE = 40

    @classmethod
    def of(cls, kinds: Iterable[type[MobilityOption]]) -> ContextRequest:
        """A request of options that their types alone identify."""
        return cls(_RESERVED + b"".join(bytes((kind.TYPE, 0)) for kind in kinds))

    def requests(self) -> tuple[tuple[int, bytes], ...]:
        """The types asked for, each with what identifies it besides."""
        return tuple(_requests(self.octets))

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The request; a type that is asked for is whole, or the option is malformed."""
        if len(data) < len(_RESERVED):
            raise MalformedPacket(f"ContextRequest of {len(data)} octets")
        option = cls.of_octets(_RESERVED + data[len(_RESERVED) :])
        option.requests()
        return option


class LocalMobilityAnchorAddress(OctetsOption):
    """Where the mobile node is registered (RFC 5949 section 6.2.2)."""

    __slots__ = ()
    TYPE = 41

    def __init__(self, address: IPv6Address | IPv4Address) -> None:
        """The option about an LMA with this address."""
        code = _IPV6 if isinstance(address, IPv6Address) else _IPV4
        super().__init__(bytes((code, 0)) + address.packed)

    @property
    def address(self) -> IPv6Address | IPv4Address:
        """The LMA."""
        packed = self.octets[2:]
        return IPv6Address(packed) if self.octets[0] == _IPV6 else IPv4Address(packed)

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The LMA; with a code not known here it stays an unknown option."""
        if len(data) < len(_RESERVED):
            raise MalformedPacket(f"LocalMobilityAnchorAddress of {len(data)} octets")
        if data[0] not in _SIZES:
            return UnknownOption(cls.TYPE, data)
        expect_length(cls, data, len(_RESERVED) + _SIZES[data[0]])
        return cls.of_octets(bytes((data[0], 0)) + data[2:])


class MobileNodeInterfaceIdentifier(OctetsOption):
    """The interface identifier of the node's link-local address (RFC 5949 section 6.2.3)."""

    __slots__ = ()
    TYPE = 42

    def __init__(self, identifier: bytes) -> None:
        """The option about this identifier of 8 octets."""
        if len(identifier) != _IDENTIFIER_SIZE:
            raise ValueError(f"an interface identifier of {len(identifier)} octets")
        super().__init__(_RESERVED + identifier)

    @property
    def identifier(self) -> bytes:
        """The interface identifier."""
        return self.octets[len(_RESERVED) :]

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The interface identifier."""
        expect_length(cls, data, len(_RESERVED) + _IDENTIFIER_SIZE)
        return cls(data[len(_RESERVED) :])


def _requests(octets: bytes) -> Iterator[tuple[int, bytes]]:
    offset = len(_RESERVED)
    while offset < len(octets):
        start = offset + 2
        if start > len(octets):
            raise MalformedPacket("context request with a type that has no length")
        end = start + octets[offset + 1]
        if end > len(octets):
            raise MalformedPacket("context request longer than its option")
        yield octets[offset], octets[start:end]
        offset = end
