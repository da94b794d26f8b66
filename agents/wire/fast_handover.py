"""Handover Initiate and Handover Acknowledge between access routers (RFC 5568, RFC 5949).

RFC 5949 section 6.1 has the forms for Proxy Mobile IPv6 (flag P), RFC 7411 what they say of
multicast.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from ipaddress import IPv6Address
from typing import ClassVar

from agents.wire import mobility_header
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.message_options import MessageOptions
from agents.wire.mobility_options import decode_options, encode_options
from agents.wire.option_layouts import MobilityOption

_LAYOUT = struct.Struct("!HBB")  # sequence number, flags, code
FIXED_PART_SIZE = _LAYOUT.size
"""Octets between the header and the options."""


class InitiateFlag(IntFlag):
    """Flags of a Handover Initiate."""

    S = 0x80
    """Assigned address configuration."""
    U = 0x40
    """Buffer what comes for the node."""
    P = 0x20
    """Proxy (RFC 5949)."""
    F = 0x10
    """Forwarding of the node's unicast packets is asked for (RFC 5949)."""


class AcknowledgeFlag(IntFlag):
    """Flags of a Handover Acknowledge."""

    U = 0x80
    P = 0x40
    F = 0x20


class InitiateCode(IntEnum):
    """Codes of a Handover Initiate with flag P (RFC 5949 section 6.1.1)."""

    DEFAULT = 0
    FORWARDING_COMPLETED = 2
    ALL_CONTEXT_TRANSFERRED = 3


class Code(IntEnum):
    """Codes of a Handover Acknowledge with flag P (RFC 5949 section 6.1.2): below 128 accepted."""

    ACCEPTED = 0
    CONTEXT_ACCEPTED = 5
    ALL_CONTEXT_TRANSFERRED = 6
    NOT_ACCEPTED = 128
    ADMINISTRATIVELY_PROHIBITED = 129
    INSUFFICIENT_RESOURCES = 130
    CONTEXT_NOT_AVAILABLE = 131
    FORWARDING_NOT_AVAILABLE = 132


@dataclass(frozen=True)
class HandoverInitiate(MessageOptions):
    """Previous to next access router: this node is going to come to you."""

    TYPE: ClassVar[int] = 14

    sequence: int
    flags: InitiateFlag
    code: int = InitiateCode.DEFAULT
    options: tuple[MobilityOption, ...] = ()


@dataclass(frozen=True)
class HandoverAcknowledge(MessageOptions):
    """The answer; ``code`` is a value of :class:`Code` or one not known here."""

    TYPE: ClassVar[int] = 15

    sequence: int
    flags: AcknowledgeFlag
    code: int
    options: tuple[MobilityOption, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether the next access router is prepared."""
        return self.code < Code.NOT_ACCEPTED


Message = HandoverInitiate | HandoverAcknowledge

TYPES = (HandoverInitiate.TYPE, HandoverAcknowledge.TYPE)


def encode(message: Message, source: IPv6Address, destination: IPv6Address) -> bytes:
    """The Mobility Header with the checksum for these two addresses."""
    fixed = _LAYOUT.pack(message.sequence, message.flags, message.code)
    body = fixed + encode_options(message.options, mobility_header.SIZE + len(fixed))
    return mobility_header.encode(message.TYPE, body, source, destination)


def decode(data: bytes, source: IPv6Address, destination: IPv6Address) -> Message:
    """Check a Mobility Header and take it apart."""
    kind, body = mobility_header.decode(data, source, destination)
    if kind not in TYPES:
        raise UnknownMessage(kind)
    if len(body) < _LAYOUT.size:
        raise MalformedPacket(f"handover message of {len(data)} octets")
    sequence, flags, code = _LAYOUT.unpack_from(body)
    options = decode_options(body[_LAYOUT.size :])
    if kind == HandoverInitiate.TYPE:
        known = InitiateFlag(flags & sum(InitiateFlag))
        return HandoverInitiate(sequence, known, code, options)
    known_flags = AcknowledgeFlag(flags & sum(AcknowledgeFlag))
    return HandoverAcknowledge(sequence, known_flags, code, options)
