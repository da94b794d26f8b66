"""The messages of the return routability procedure (RFC 6275 sections 6.1.3 to 6.1.6)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from agents.wire.message_options import MessageOptions
from agents.wire.option_layouts import MobilityOption


@dataclass(frozen=True)
class TestInit(MessageOptions):
    """A request for a keygen token; the answer repeats ``cookie``, 8 octets."""

    TYPE: ClassVar[int]
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("!2x8s")

    cookie: bytes
    options: tuple[MobilityOption, ...] = ()

    def fixed_part(self) -> bytes:
        """What stands between the header and the options."""
        return self.LAYOUT.pack(self.cookie)

    @classmethod
    def decode(cls, body: bytes, options: tuple[MobilityOption, ...]) -> TestInit:
        """The message with this behind its header."""
        (cookie,) = cls.LAYOUT.unpack_from(body)
        return cls(cookie, options)


class HomeTestInit(TestInit):
    """A Home Test Init, from the home address (RFC 6275 section 6.1.3)."""

    TYPE = 1


class CareOfTestInit(TestInit):
    """A Care-of Test Init, from the care-of address (RFC 6275 section 6.1.4)."""

    TYPE = 2


@dataclass(frozen=True)
class Test(MessageOptions):
    """A keygen token, 8 octets, and the index of the nonce that it was made of."""

    TYPE: ClassVar[int]
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("!H8s8s")

    nonce_index: int
    cookie: bytes
    keygen_token: bytes
    options: tuple[MobilityOption, ...] = ()

    def fixed_part(self) -> bytes:
        """What stands between the header and the options."""
        return self.LAYOUT.pack(self.nonce_index, self.cookie, self.keygen_token)

    @classmethod
    def decode(cls, body: bytes, options: tuple[MobilityOption, ...]) -> Test:
        """The message with this behind its header."""
        nonce_index, cookie, keygen_token = cls.LAYOUT.unpack_from(body)
        return cls(nonce_index, cookie, keygen_token, options)


class HomeTest(Test):
    """A Home Test, to the home address (RFC 6275 section 6.1.5)."""

    TYPE = 3


class CareOfTest(Test):
    """A Care-of Test, to the care-of address (RFC 6275 section 6.1.6)."""

    TYPE = 4


TEST_MESSAGES: tuple[type[TestInit] | type[Test], ...] = (
    HomeTestInit,
    CareOfTestInit,
    HomeTest,
    CareOfTest,
)
