"""Heartbeats between mobility entities: whether the other one is alive (RFC 5847 section 3.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntFlag
from typing import ClassVar

from agents.wire.message_options import MessageOptions
from agents.wire.option_layouts import MobilityOption


class HeartbeatFlag(IntFlag):
    """Flags of a heartbeat message."""

    U = 0x0002
    """A response that nobody has asked for."""
    R = 0x0001
    """Response; without it a request."""


@dataclass(frozen=True)
class Heartbeat(MessageOptions):
    """A request, or the response that has its sequence number (32 bits)."""

    TYPE: ClassVar[int] = 13
    LAYOUT: ClassVar[struct.Struct] = struct.Struct("!HI")  # reserved and flags, sequence number

    sequence: int
    flags: HeartbeatFlag
    options: tuple[MobilityOption, ...] = ()

    def fixed_part(self) -> bytes:
        """What stands between the header and the options."""
        return self.LAYOUT.pack(self.flags, self.sequence)

    @classmethod
    def decode(cls, body: bytes, options: tuple[MobilityOption, ...]) -> Heartbeat:
        """The message with this behind its Mobility Header."""
        flags, sequence = cls.LAYOUT.unpack_from(body)
        return cls(sequence, HeartbeatFlag(flags & sum(HeartbeatFlag)), options)
