"""The MARs that anchor the prefixes of one mobile node, kept small: there may be a million such.

An anchor is 55 octets: address, prefix, its length (1), DLIF link-local address, its MAC (6).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network
from struct import Struct

from agents.mobility.messages import Anchor

_ANCHOR = Struct("!16s16sB16s6s")
_ADDRESS = 16
SIZE = _ANCHOR.size


class Anchors:
    """In the order of the latest attachments. They are octets; who asks for one has it made."""

    __slots__ = ("_octets",)

    def __init__(self, octets: bytes = b"") -> None:
        """``octets`` are those of others, as many as there are."""
        self._octets = {
            octets[start : start + _ADDRESS]: octets[start : start + SIZE]
            for start in range(0, len(octets), SIZE)
        }

    def __len__(self) -> int:
        return len(self._octets)

    def __iter__(self) -> Iterator[Anchor]:
        return map(unpack_anchor, self._octets.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Anchors) and self.octets() == other.octets()

    __hash__ = None  # type: ignore[assignment]

    def octets(self) -> bytes:
        """All of them, in their order."""
        return b"".join(self._octets.values())

    def get(self, address: IPv6Address) -> Anchor:
        """The one that has this address; KeyError if there is none."""
        return unpack_anchor(self._octets[address.packed])

    def others(self, address: IPv6Address) -> list[Anchor]:
        """All but the one that has this address."""
        but = address.packed
        return [unpack_anchor(octets) for packed, octets in self._octets.items() if packed != but]

    def add(self, anchor: Anchor) -> None:
        """Put one at the end, in the place of what was known of it."""
        packed = anchor.address.packed
        self._octets.pop(packed, None)
        self._octets[packed] = pack_anchor(anchor)

    def put_before(self, anchors: Iterable[Anchor], most: int) -> list[Anchor]:
        """Put those in front that are not there, as far as there are not too many; gives these."""
        missing = [anchor for anchor in anchors if anchor.address.packed not in self._octets]
        missing = missing[max(0, len(missing) + len(self) - most) :]
        self._octets = {a.address.packed: pack_anchor(a) for a in missing} | self._octets
        return missing

    def remove(self, address: IPv6Address) -> None:
        """Strike one off, if it is there."""
        self._octets.pop(address.packed, None)

    def clear(self) -> None:
        """Strike all off."""
        self._octets.clear()


def pack_anchor(anchor: Anchor) -> bytes:
    """An anchor as octets."""
    prefix = anchor.prefix
    return _ANCHOR.pack(
        anchor.address.packed,
        prefix.network_address.packed,
        prefix.prefixlen,
        anchor.link_local.packed,
        anchor.link_layer_address,
    )


def unpack_anchor(octets: bytes, offset: int = 0) -> Anchor:
    """What :func:`pack_anchor` was given; ValueError or StructError for what it never made."""
    address, prefix, length, link_local, link_layer = _ANCHOR.unpack_from(octets, offset)
    network = IPv6Network((int.from_bytes(prefix, "big"), length))
    return Anchor(shared_address(address), network, shared_address(link_local), link_layer)


@lru_cache(maxsize=1 << 13)
def shared_address(packed: bytes) -> IPv6Address:
    """An address of a MAR: the same few thousand are in all entries."""
    return IPv6Address(packed)
