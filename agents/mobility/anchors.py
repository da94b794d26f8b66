"""The MARs that anchor the prefixes of one mobile node, kept small: there may be a million such.

An anchor is the octets of its three options (RFC 8885 sections 4.5, 4.7, 4.8): reserved, prefix
length, the MAR's address, the prefix; the DLIF's link-local address; reserved, its MAC.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from agents.wire.addresses import shared_address
from agents.wire.mobility_options import (
    AnchoredPrefix,
    DlifLinkLayerAddress,
    DlifLinkLocalAddress,
    LocalPrefix,
    MobilityOption,
    PreviousMaar,
)

_ADDRESS, _PREFIX, _LINK_LOCAL, _LINK_LAYER = 2, 18, 34, 50
"""Where each part begins."""
_RESERVED = 2
_PARTS = (PreviousMaar, DlifLinkLocalAddress, DlifLinkLayerAddress)

SIZE = 58
"""Octets of an anchor with an Ethernet address."""


class Anchor:
    """A MAR that anchors a prefix of a mobile node, with its DLIF (RFC 8885 section 3.6)."""

    __slots__ = ("address", "octets")

    def __init__(
        self,
        address: IPv6Address,
        prefix: IPv6Network,
        link_local: IPv6Address,
        link_layer_address: bytes,
    ) -> None:
        """From what it says."""
        self.address = address
        self.octets = b"".join(
            (
                PreviousMaar(address, prefix).octets,
                DlifLinkLocalAddress(link_local).octets,
                DlifLinkLayerAddress(link_layer_address).octets,
            )
        )

    @classmethod
    def of_octets(cls, octets: bytes) -> Anchor:
        """The anchor with these ``octets``."""
        anchor = cls.__new__(cls)
        anchor.address = shared_address(octets[_ADDRESS:_PREFIX])
        anchor.octets = octets
        return anchor

    @classmethod
    def of_sender(
        cls,
        address: IPv6Address,
        prefix: LocalPrefix,
        link_local: DlifLinkLocalAddress,
        link_layer: DlifLinkLayerAddress,
    ) -> Anchor:
        """The MAR that says this of itself."""
        head, network = prefix.octets[:_ADDRESS], prefix.octets[_ADDRESS:]
        parts = (head, address.packed, network, link_local.octets, link_layer.octets)
        return cls.of_octets(b"".join(parts))

    @classmethod
    def of_record(cls, octets: bytes) -> Anchor:
        """The same for octets that may be damaged: ValueError for what is no anchor."""
        anchor = cls.of_octets(octets)
        parts = (anchor.address, anchor.prefix, anchor.link_local, anchor.link_layer_address)
        if len(octets) != SIZE or cls(*parts) != anchor:
            raise ValueError("an anchor that is none")
        return anchor

    @property
    def prefix(self) -> IPv6Network:
        """What it anchors."""
        network = int.from_bytes(self.octets[_PREFIX:_LINK_LOCAL], "big")
        return IPv6Network((network, self.octets[1]))

    @property
    def link_local(self) -> IPv6Address:
        """Its DLIF's link-local address."""
        return shared_address(self.octets[_LINK_LOCAL:_LINK_LAYER])

    @property
    def link_layer_address(self) -> bytes:
        """Its DLIF's link-layer address."""
        return self.octets[_LINK_LAYER + _RESERVED :]

    def options(self) -> tuple[MobilityOption, ...]:
        """How it is named to a serving MAR."""
        octets = self.octets
        return (
            PreviousMaar.of_octets(octets[:_LINK_LOCAL]),
            DlifLinkLocalAddress.of_octets(octets[_LINK_LOCAL:_LINK_LAYER]),
            DlifLinkLayerAddress.of_octets(octets[_LINK_LAYER:]),
        )

    def anchored_prefix(self) -> AnchoredPrefix:
        """Its prefix, as it is told to itself."""
        octets = self.octets
        return AnchoredPrefix.of_octets(octets[:_ADDRESS] + octets[_PREFIX:_LINK_LOCAL])

    def _asdict(self) -> dict[str, Any]:
        """What the event log writes, as of a named tuple."""
        names = ("address", "prefix", "link_local", "link_layer_address")
        return {name: getattr(self, name) for name in names}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Anchor) and self.octets == other.octets

    def __hash__(self) -> int:
        return hash(self.octets)

    def __repr__(self) -> str:
        return f"Anchor({', '.join(f'{k}={v}' for k, v in self._asdict().items())})"


class Anchors:
    """In the order of the latest attachments: the octets of one after the other."""

    __slots__ = ("octets",)

    def __init__(self, octets: bytes = b"") -> None:
        """``octets`` are those of others, as many as there are."""
        self.octets = octets

    def __len__(self) -> int:
        return len(self.octets) // SIZE

    def __iter__(self) -> Iterator[Anchor]:
        return (self._at(start) for start in self._starts())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Anchors) and self.octets == other.octets

    __hash__ = None  # type: ignore[assignment]

    def get(self, address: IPv6Address) -> Anchor:
        """The one that has this address; KeyError if there is none."""
        start = self._find(address)
        if start is None:
            raise KeyError(address)
        return self._at(start)

    def others(self, address: IPv6Address) -> list[Anchor]:
        """All but the one that has this address."""
        but = self._find(address)
        return [self._at(start) for start in self._starts() if start != but]

    def add(self, anchor: Anchor) -> None:
        """Put one at the end, in the place of what was known of it."""
        self.remove(anchor.address)
        self.octets += anchor.octets

    def put_before(self, anchors: Iterable[Anchor], most: int) -> list[Anchor]:
        """Put those in front that are not there, as far as there are not too many; gives these."""
        missing = [anchor for anchor in anchors if self._find(anchor.address) is None]
        missing = missing[max(0, len(missing) + len(self) - most) :]
        self.octets = b"".join([anchor.octets for anchor in missing]) + self.octets
        return missing

    def remove(self, address: IPv6Address) -> None:
        """Strike one off, if it is there."""
        start = self._find(address)
        if start is not None:
            self.octets = self.octets[:start] + self.octets[start + SIZE :]

    def clear(self) -> None:
        """Strike all off."""
        self.octets = b""

    def _at(self, start: int) -> Anchor:
        return Anchor.of_octets(self.octets[start : start + SIZE])

    def _starts(self) -> range:
        return range(0, len(self.octets), SIZE)

    def _find(self, address: IPv6Address) -> int | None:
        """Where the one with this address begins."""
        octets, packed = self.octets, address.packed
        for start in self._starts():
            if octets.startswith(packed, start + _ADDRESS):
                return start
        return None


def anchor_options(anchors: Iterable[Anchor]) -> list[MobilityOption]:
    """Each previous MAR, followed by the options of its DLIF."""
    return [option for anchor in anchors for option in anchor.options()]


def read_anchors(options: Iterable[MobilityOption]) -> tuple[Anchor, ...] | None:
    """The previous MARs, each with the DLIF options behind it; None if one has none."""
    relevant: list[Any] = [option for option in options if type(option) in _PARTS]
    if not relevant:
        return ()
    groups = tuple(zip(*[iter(relevant)] * len(_PARTS), strict=False))
    if any(tuple(map(type, group)) != _PARTS for group in groups) or len(relevant) % len(_PARTS):
        return None
    return tuple(Anchor.of_octets(b"".join([part.octets for part in group])) for group in groups)
