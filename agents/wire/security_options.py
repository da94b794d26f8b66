"""Mobility options that authorize a Binding Update (RFC 6275 section 6.2, RFC 4866 section 5)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from agents.wire.option_layouts import KnownOption, MobilityOption, expect_length

_INDICES = struct.Struct("!HH")
_MAXIMUM_DATA = 255
KEYGEN_TOKEN_SIZE = 8
"""Octets of a keygen token (RFC 6275 section 5.2.1)."""


@dataclass(frozen=True)
class NonceIndices(KnownOption):
    """The nonces that the tokens of the update were made of (RFC 6275 section 6.2.6).

    ``home`` is 0 where the permanent home keygen token is used (RFC 4866 section 4.5).
    """

    TYPE = 4
    ALIGNMENT = (2, 0)
    home: int
    care_of: int

    def encode(self) -> bytes:
        """Both indices."""
        return _INDICES.pack(self.home, self.care_of)

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """Both indices."""
        expect_length(cls, data, _INDICES.size)
        return cls(*_INDICES.unpack(data))


@dataclass(frozen=True)
class BindingAuthorizationData(KnownOption):
    """The message authentication code of an update; always last (RFC 6275 section 6.2.7)."""

    TYPE = 5
    ALIGNMENT = (8, 2)
    SIZE: ClassVar[int] = 12
    authenticator: bytes

    def encode(self) -> bytes:
        """The authenticator."""
        return self.authenticator

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The authenticator."""
        expect_length(cls, data, cls.SIZE)
        return cls(data)


@dataclass(frozen=True)
class _Data(KnownOption):
    """Octets of any length, as they are."""

    data: bytes

    def __post_init__(self) -> None:
        if len(self.data) > _MAXIMUM_DATA:
            raise ValueError(f"{type(self).__name__} of {len(self.data)} octets: 255 at most")

    def encode(self) -> bytes:
        """The octets."""
        return self.data

    @classmethod
    def decode(cls, data: bytes) -> MobilityOption:
        """The octets."""
        return cls(data)


class CgaParameters(_Data):
    """The CGA Parameters data structure, or a part of it (RFC 4866 section 5.1)."""

    TYPE = 12
    MAXIMUM: ClassVar[int] = _MAXIMUM_DATA
    """Octets; only the last option of a data structure has fewer."""

    @classmethod
    def split(cls, structure: bytes) -> tuple[CgaParameters, ...]:
        """The options that carry a whole data structure, in their order."""
        starts = range(0, len(structure), _MAXIMUM_DATA)
        return tuple(cls(structure[start : start + _MAXIMUM_DATA]) for start in starts)

    @staticmethod
    def join(options: Iterable[CgaParameters]) -> bytes:
        """The data structure that these options carry."""
        return b"".join(option.data for option in options)


class Signature(_Data):
    """The mobile node's signature of the update (RFC 4866 section 5.2)."""

    TYPE = 13


class PermanentHomeKeygenToken(_Data):
    """The token, encrypted with the mobile node's public key (RFC 4866 section 5.3)."""

    TYPE = 14
