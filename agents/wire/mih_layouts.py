"""The data types of IEEE 802.21-2008 annex F that MIH values are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from agents.wire.errors import MalformedPacket

WLAN = 19
"""LINK_TYPE: Wireless - IEEE 802.11."""

NO_QOS = bytes(6)
"""QOS_LIST of no class of service: their number, and five empty lists."""

_ONE_OCTET_LENGTH = 0x80
_MAC_ADDRESS = 0
"""LINK_ADDR is a choice; its first is MAC_ADDR."""
_IEEE_802 = 6
"""The address family number of MAC addresses."""
_MAC_LENGTH = 6

T = TypeVar("T")


def length(value: int) -> bytes:
    """A number of octets or of elements (section 8.4.1.2): up to 128 in one octet."""
    if value <= _ONE_OCTET_LENGTH:
        return bytes((value,))
    more = value - _ONE_OCTET_LENGTH
    octets = more.to_bytes((max(more.bit_length(), 1) + 7) // 8, "big")
    return bytes((_ONE_OCTET_LENGTH | len(octets),)) + octets


def text(value: str) -> bytes:
    """OCTET_STRING of characters."""
    data = value.encode()
    return length(len(data)) + data


def link_address(mac: bytes) -> bytes:
    """LINK_ADDR of a MAC address."""
    return bytes((_MAC_ADDRESS, 0, _IEEE_802, len(mac))) + mac


def link(mac: bytes) -> bytes:
    """LINK_ID: of an 802.11 interface."""
    return bytes((WLAN,)) + link_address(mac)


def points_of_attachment(mac: bytes, points: tuple[bytes, ...]) -> bytes:
    """LINK_POA_LIST: points of attachment that an interface may use."""
    return link(mac) + length(len(points)) + b"".join(map(link_address, points))


class Reader:
    """Takes octets apart from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._data)

    def octets(self, size: int) -> bytes:
        """The next so many."""
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise MalformedPacket("MIH value that is cut short")
        self._at += size
        return part

    def rest(self) -> bytes:
        """All that is left."""
        return self.octets(len(self._data) - self._at)

    def number(self, size: int) -> int:
        """An unsigned integer of so many octets."""
        return int.from_bytes(self.octets(size), "big")

    def length(self) -> int:
        """What :func:`length` made."""
        first = self.number(1)
        if first <= _ONE_OCTET_LENGTH:
            return first
        return _ONE_OCTET_LENGTH + self.number(first & ~_ONE_OCTET_LENGTH)

    def expect(self, data: bytes, what: str) -> None:
        """Pass over what can only be this here."""
        if self.octets(len(data)) != data:
            raise MalformedPacket(f"MIH value with {what} that is not known here")

    def text(self) -> str:
        """OCTET_STRING of characters."""
        try:
            return self.octets(self.length()).decode()
        except UnicodeDecodeError as error:
            raise MalformedPacket(f"MIH identifier: {error}") from None

    def link_address(self) -> bytes:
        """LINK_ADDR, of a MAC address."""
        self.expect(bytes((_MAC_ADDRESS, 0, _IEEE_802, _MAC_LENGTH)), "a link address")
        return self.octets(_MAC_LENGTH)

    def link(self) -> bytes:
        """LINK_ID, of an 802.11 interface."""
        self.expect(bytes((WLAN,)), "a link type")
        return self.link_address()

    def points_of_attachment(self) -> tuple[bytes, tuple[bytes, ...]]:
        """LINK_POA_LIST."""
        mac = self.link()
        return mac, self.list_of(self.link_address)

    def list_of(self, element: Callable[[], T]) -> tuple[T, ...]:
        """LIST: the number of elements, and these."""
        return tuple(element() for _ in range(self.length()))
