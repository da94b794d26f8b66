"""Mobility Header messages (RFC 6275 section 6.1) and their proxy and DMM extensions.

A Proxy Binding Update is a Binding Update with the P flag, a Proxy Binding Acknowledgement the
answer with the P flag (RFC 5213 section 8); the D flag marks both as RFC 8885's.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from ipaddress import IPv6Address

from agents.wire import mobility_header
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.heartbeat import Heartbeat as Heartbeat
from agents.wire.message_options import MessageOptions
from agents.wire.mobility_options import (
    MobilityOption,
    decode_options,
    encode_options,
    spans,
)
from agents.wire.routability_tests import TEST_MESSAGES, Test, TestInit
from agents.wire.routability_tests import CareOfTest as CareOfTest
from agents.wire.routability_tests import CareOfTestInit as CareOfTestInit
from agents.wire.routability_tests import HomeTest as HomeTest
from agents.wire.routability_tests import HomeTestInit as HomeTestInit

LIFETIME_UNIT = 4
"""Seconds that one unit of a lifetime on the wire stands for."""

MAXIMUM_LIFETIME = 0xFFFF * LIFETIME_UNIT

_BINDING_UPDATE, _BINDING_ACKNOWLEDGEMENT = 5, 6
_UPDATE = struct.Struct("!HHH")
_REFRESH_REQUEST = struct.Struct("!2x")
_UPDATE_FLAGS_AT = mobility_header.SIZE + 2
_ACKNOWLEDGEMENT = struct.Struct("!BBHH")
_ERROR = struct.Struct("!Bx16s")


class BindingUpdateFlag(IntFlag):
    """Flags of a Binding Update; beside RFC 6275's: where each is defined."""

    A = 0x8000
    """Acknowledge."""
    H = 0x4000
    """Home registration."""
    L = 0x2000
    """Link-local address compatibility."""
    K = 0x1000
    """Key management mobility capability."""
    M = 0x0800
    """Hierarchical: mobility anchor point registration (RFC 5380)."""
    R = 0x0400
    """Mobile router (RFC 3963)."""
    P = 0x0200
    """Proxy registration (RFC 5213)."""
    F = 0x0100
    """Forcing UDP encapsulation (RFC 5555)."""
    T = 0x0080
    """TLV header format (RFC 5845)."""
    B = 0x0040
    """Bulk binding update (RFC 6602)."""
    S = 0x0020
    """Subscription query (RFC 7161)."""
    D = 0x0010
    """Distributed mobility management (RFC 8885 section 4.1)."""


class BindingAcknowledgementFlag(IntFlag):
    """Flags of a Binding Acknowledgement, with the meaning of the update's."""

    K = 0x80
    R = 0x40
    P = 0x20
    T = 0x10
    B = 0x08
    S = 0x04
    D = 0x02
    """Distributed mobility management (RFC 8885 section 4.2)."""


class Status(IntEnum):
    """Status of a Binding Acknowledgement: below 128 the update was accepted.

    RFC 6275 section 6.1.8, RFC 4866 section 5.7, RFC 5213 section 8.9. RFC 8885 adds none.
    """

    ACCEPTED = 0
    ACCEPTED_BUT_PREFIX_DISCOVERY_NECESSARY = 1
    REASON_UNSPECIFIED = 128
    ADMINISTRATIVELY_PROHIBITED = 129
    INSUFFICIENT_RESOURCES = 130
    HOME_REGISTRATION_NOT_SUPPORTED = 131
    NOT_HOME_SUBNET = 132
    NOT_HOME_AGENT_FOR_THIS_MOBILE_NODE = 133
    DUPLICATE_ADDRESS_DETECTION_FAILED = 134
    SEQUENCE_NUMBER_OUT_OF_WINDOW = 135
    EXPIRED_HOME_NONCE_INDEX = 136
    EXPIRED_CARE_OF_NONCE_INDEX = 137
    EXPIRED_NONCES = 138
    REGISTRATION_TYPE_CHANGE_DISALLOWED = 139
    ID_MISMATCH = 144
    AUTHENTICATION_FAILED = 146
    PERMANENT_HOME_KEYGEN_TOKEN_UNAVAILABLE = 147
    CGA_AND_SIGNATURE_VERIFICATION_FAILED = 148
    PERMANENT_HOME_KEYGEN_TOKEN_EXISTS = 149
    NON_NULL_HOME_NONCE_INDEX_EXPECTED = 150
    PROXY_REGISTRATION_NOT_ENABLED = 152
    NOT_LMA_FOR_THIS_MOBILE_NODE = 153
    MAG_NOT_AUTHORIZED_FOR_PROXY_REGISTRATION = 154
    NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX = 155
    TIMESTAMP_MISMATCH = 156
    TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED = 157
    MISSING_HOME_NETWORK_PREFIX_OPTION = 158
    PREFIX_SET_DOES_NOT_MATCH = 159
    MISSING_MOBILE_NODE_IDENTIFIER_OPTION = 160
    MISSING_HANDOFF_INDICATOR_OPTION = 161
    MISSING_ACCESS_TECHNOLOGY_TYPE_OPTION = 162
    INVALID_CARE_OF_ADDRESS = 174


class BindingErrorStatus(IntEnum):
    """Status of a Binding Error (RFC 6275 section 6.1.9)."""

    UNKNOWN_BINDING = 1
    UNRECOGNIZED_TYPE = 2


@dataclass(frozen=True)
class BindingRefreshRequest(MessageOptions):
    """A Binding Refresh Request (RFC 6275 section 6.1.2): update your binding here."""

    options: tuple[MobilityOption, ...] = ()


@dataclass(frozen=True)
class BindingUpdate(MessageOptions):
    """A Binding Update (RFC 6275 section 6.1.7); with flag P a PBU (RFC 5213 section 8.1).

    ``lifetime`` is in seconds, a multiple of 4; 0 asks to remove the binding. ``octets`` is the
    Mobility Header as it came, which authenticators are for; of what has not come it is empty.
    """

    sequence: int
    lifetime: int
    flags: BindingUpdateFlag
    options: tuple[MobilityOption, ...] = ()
    octets: bytes = field(default=b"", init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_lifetime(self.lifetime)


@dataclass(frozen=True)
class BindingAcknowledgement(MessageOptions):
    """A Binding Acknowledgement (RFC 6275 section 6.1.8); with flag P a PBA (RFC 5213 section 8.2).

    ``status`` is a value of :class:`Status` or one not known here. ``lifetime`` is in seconds, a
    multiple of 4. ``octets`` is as in an update.
    """

    status: int
    sequence: int
    lifetime: int
    flags: BindingAcknowledgementFlag
    options: tuple[MobilityOption, ...] = ()
    octets: bytes = field(default=b"", init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_lifetime(self.lifetime)

    @property
    def accepted(self) -> bool:
        """Whether the update was accepted."""
        return self.status < Status.REASON_UNSPECIFIED


@dataclass(frozen=True)
class BindingError(MessageOptions):
    """A Binding Error (RFC 6275 section 6.1.9); ``home_address`` is :: when there is none."""

    status: int
    home_address: IPv6Address
    options: tuple[MobilityOption, ...] = ()


Bound = BindingUpdate | BindingAcknowledgement
"""What may be authenticated."""

Message = Bound | BindingRefreshRequest | BindingError | TestInit | Test | Heartbeat

_Decoder = Callable[[bytes, tuple[MobilityOption, ...]], Message]


def encode(message: Message, source: IPv6Address, destination: IPv6Address) -> bytes:
    """The Mobility Header with the checksum for these two addresses."""
    kind, fixed = _fixed_part(message)
    body = fixed + encode_options(message.options, mobility_header.SIZE + len(fixed))
    return mobility_header.encode(kind, body, source, destination)


def decode(data: bytes, source: IPv6Address, destination: IPv6Address) -> Message:
    """Check a Mobility Header as RFC 6275 section 9.2 has it, and take it apart."""
    kind, body = mobility_header.decode(data, source, destination)
    if kind not in _DECODERS:
        raise UnknownMessage(kind)
    layout, decoder = _DECODERS[kind]
    if len(body) < layout.size:
        raise MalformedPacket(f"mobility message {kind} of {len(data)} octets")
    message = decoder(body, decode_options(body[layout.size :]))
    if isinstance(message, Bound):
        object.__setattr__(message, "octets", data)
    return message


def fixed_part_size(message_type: int) -> int | None:
    """Octets between the header and the options of a message; None of a type not known here."""
    known = _DECODERS.get(message_type)
    return None if known is None else known[0].size


def option_spans(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Type, start and end of each option of a message that can be decoded."""
    layout, _ = _DECODERS[data[mobility_header.TYPE_OFFSET]]
    return spans(data, mobility_header.SIZE + layout.size)


def is_about_binding(data: bytes) -> bool:
    """Whether a message that is not checked yet is a Binding Update or Acknowledgement."""
    return mobility_header.message_type(data) in (_BINDING_UPDATE, _BINDING_ACKNOWLEDGEMENT)


def is_from_mobile_node(data: bytes) -> bool:
    """Whether a message that is not checked yet is for a home agent, not for routers.

    HoTI, CoTI, or a Binding Update without the flag of proxies (RFC 5213 section 8.1).
    """
    if mobility_header.message_type(data) == _BINDING_UPDATE:
        flags = int.from_bytes(data[_UPDATE_FLAGS_AT : _UPDATE_FLAGS_AT + 2], "big")
        return not flags & BindingUpdateFlag.P
    return mobility_header.message_type(data) in (HomeTestInit.TYPE, CareOfTestInit.TYPE)


def _fixed_part(message: Message) -> tuple[int, bytes]:
    """The message's type, and what stands between the header and the options."""
    if isinstance(message, BindingUpdate):
        units = message.lifetime // LIFETIME_UNIT
        return _BINDING_UPDATE, _UPDATE.pack(message.sequence, message.flags, units)
    if isinstance(message, BindingAcknowledgement):
        units = message.lifetime // LIFETIME_UNIT
        fixed = _ACKNOWLEDGEMENT.pack(message.status, message.flags, message.sequence, units)
        return _BINDING_ACKNOWLEDGEMENT, fixed
    if isinstance(message, TestInit | Test | Heartbeat):
        return message.TYPE, message.fixed_part()
    if isinstance(message, BindingRefreshRequest):
        return 0, _REFRESH_REQUEST.pack()
    return 7, _ERROR.pack(message.status, message.home_address.packed)


def _decode_update(body: bytes, options: tuple[MobilityOption, ...]) -> Message:
    sequence, flags, units = _UPDATE.unpack_from(body)
    known = BindingUpdateFlag(flags & _UPDATE_FLAGS)
    return BindingUpdate(sequence, units * LIFETIME_UNIT, known, options)


def _decode_acknowledgement(body: bytes, options: tuple[MobilityOption, ...]) -> Message:
    status, flags, sequence, units = _ACKNOWLEDGEMENT.unpack_from(body)
    known = BindingAcknowledgementFlag(flags & _ACKNOWLEDGEMENT_FLAGS)
    return BindingAcknowledgement(status, sequence, units * LIFETIME_UNIT, known, options)


def _decode_error(body: bytes, options: tuple[MobilityOption, ...]) -> Message:
    status, home_address = _ERROR.unpack_from(body)
    return BindingError(status, IPv6Address(home_address), options)


_DECODERS: dict[int, tuple[struct.Struct, _Decoder]] = {
    0: (_REFRESH_REQUEST, lambda body, options: BindingRefreshRequest(options)),
    **{kind.TYPE: (kind.LAYOUT, kind.decode) for kind in TEST_MESSAGES},
    _BINDING_UPDATE: (_UPDATE, _decode_update),
    _BINDING_ACKNOWLEDGEMENT: (_ACKNOWLEDGEMENT, _decode_acknowledgement),
    7: (_ERROR, _decode_error),
    Heartbeat.TYPE: (Heartbeat.LAYOUT, Heartbeat.decode),
}

_UPDATE_FLAGS = sum(BindingUpdateFlag)
_ACKNOWLEDGEMENT_FLAGS = sum(BindingAcknowledgementFlag)


def _check_lifetime(lifetime: int) -> None:
    if lifetime % LIFETIME_UNIT or not 0 <= lifetime <= MAXIMUM_LIFETIME:
        raise ValueError(
            f"a lifetime of {lifetime} s cannot be sent: 0, 4, 8, … {MAXIMUM_LIFETIME}"
        )
