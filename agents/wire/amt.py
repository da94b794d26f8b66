"""Automatic Multicast Tunneling, the seven messages of RFC 7450 section 5.1.

Each is one UDP datagram. What it encapsulates is a whole IP packet, and whoever receives it checks
that packet by itself. Octets behind what a message needs are not looked at.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import ClassVar, NewType

from agents.wire.addresses import mapped
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.i3 import Endpoint, address_and_port, endpoint

PORT = 2268
"""Where relays are (section 7.2)."""
MAC_LENGTH = 6
DATA_OVERHEAD = 2
"""Octets before the packet in Multicast Data."""

GatewayAddress = NewType("GatewayAddress", bytes)
"""Port and address of a gateway as its relay sees them, in the octets that the relay wrote.

Only the relay has to understand them: the gateway compares and returns them.
"""

DISCOVERY = endpoint(mapped(IPv4Address("192.52.193.1")), PORT)
"""Where public relays are looked for (sections 4.1.5.2, 7.1.1)."""

_GATEWAY_ADDRESS_LENGTH = 18
_NONCE = struct.Struct("!Bx2xI")  # type, nonce
_REQUEST = struct.Struct("!BB2xI")  # type, flags, nonce
_AUTHENTICATED = struct.Struct(f"!BB{MAC_LENGTH}sI")  # type, flags, response MAC, nonce
_PORT = struct.Struct("!H")
_P = 0x01
_L, _G = 0x02, 0x01
_LINUX_P = 0x80


def gateway_address(gateway: Endpoint) -> GatewayAddress:
    """As a relay writes it; an IPv4 address has 96 bits of zero before it (section 5.1.4.9.2)."""
    address, port = address_and_port(gateway)
    v4 = address.ipv4_mapped
    packed = address.packed if v4 is None else bytes(12) + v4.packed
    return GatewayAddress(_PORT.pack(port) + packed)


def gateway_endpoint(address: GatewayAddress) -> Endpoint:
    """The endpoint that a relay wrote so."""
    (port,) = _PORT.unpack_from(address)
    packed = address[_PORT.size :]
    is_v4 = not any(packed[:12]) and int.from_bytes(packed, "big") > 1  # :: and ::1 are IPv6
    return endpoint(mapped(IPv4Address(packed[12:])) if is_v4 else IPv6Address(packed), port)


@dataclass(frozen=True, slots=True)
class RelayDiscovery:
    """Is there a relay? (section 5.1.1)."""

    TYPE: ClassVar[int] = 1
    nonce: int


@dataclass(frozen=True, slots=True)
class RelayAdvertisement:
    """The relay's unicast address, of the protocol of the discovery (section 5.1.2)."""

    TYPE: ClassVar[int] = 2
    nonce: int
    relay: IPv4Address | IPv6Address


@dataclass(frozen=True, slots=True)
class Request:
    """Asks for a Membership Query; ``mld``, the P flag: of MLDv2, else of IGMPv3 (5.1.3)."""

    TYPE: ClassVar[int] = 3
    nonce: int
    mld: bool


@dataclass(frozen=True, slots=True)
class MembershipQuery:
    """A general query, and with what to prove who got it (section 5.1.4).

    ``limited``, the L flag: no new endpoints are taken. Without ``gateway`` the G flag is 0.
    """

    TYPE: ClassVar[int] = 4
    mac: bytes
    nonce: int
    packet: bytes
    gateway: GatewayAddress | None
    limited: bool = False


@dataclass(frozen=True, slots=True)
class MembershipUpdate:
    """A report, with MAC and nonce of the last query (section 5.1.5)."""

    TYPE: ClassVar[int] = 5
    mac: bytes
    nonce: int
    packet: bytes


@dataclass(frozen=True, slots=True)
class MulticastData:
    """A packet of a group, or a fragment of one (section 5.1.6)."""

    TYPE: ClassVar[int] = 6
    packet: bytes


@dataclass(frozen=True, slots=True)
class Teardown:
    """Nothing more shall come to ``gateway``, to which this MAC and nonce went (5.1.7)."""

    TYPE: ClassVar[int] = 7
    mac: bytes
    nonce: int
    gateway: GatewayAddress


Message = (
    RelayDiscovery
    | RelayAdvertisement
    | Request
    | MembershipQuery
    | MembershipUpdate
    | MulticastData
    | Teardown
)


def encode(message: Message) -> bytes:
    """The octets of a message."""
    kind = message.TYPE
    if isinstance(message, MulticastData):
        return bytes((kind, 0)) + message.packet
    if isinstance(message, RelayDiscovery):
        return _NONCE.pack(kind, message.nonce)
    if isinstance(message, RelayAdvertisement):
        return _NONCE.pack(kind, message.nonce) + message.relay.packed
    if isinstance(message, Request):
        return _REQUEST.pack(kind, _P if message.mld else 0, message.nonce)
    if isinstance(message, MembershipQuery):
        flags = (_L if message.limited else 0) | (0 if message.gateway is None else _G)
        content = message.packet + (message.gateway or b"")
    else:
        flags = 0
        content = message.gateway if isinstance(message, Teardown) else message.packet
    return _AUTHENTICATED.pack(kind, flags, message.mac, message.nonce) + content


def decode(data: bytes) -> Message:
    """Take a message apart; one of another version is malformed: it is to be ignored."""
    if len(data) < DATA_OVERHEAD:
        raise MalformedPacket(f"AMT message of {len(data)} octets")
    if data[0] >> 4:
        raise MalformedPacket(f"AMT version {data[0] >> 4}")
    kind = data[0]
    if kind == MulticastData.TYPE:
        return MulticastData(data[DATA_OVERHEAD:])
    if kind in (RelayDiscovery.TYPE, RelayAdvertisement.TYPE, Request.TYPE):
        return _decode_short(kind, data)
    if kind in (MembershipQuery.TYPE, MembershipUpdate.TYPE, Teardown.TYPE):
        return _decode_authenticated(kind, data)
    raise UnknownMessage(kind)


def linux_request(request: Request) -> bytes:
    """A Request as Linux's amt device has it, and no other: P is at the other end of its octet.

    Its L and G flags are there, too (include/net/amt.h of 6.1), and it takes no message in which a
    flag is where section 5.1 has it: those bits are reserved to it.
    """
    return _REQUEST.pack(request.TYPE, _LINUX_P if request.mld else 0, request.nonce)


def is_linux_mld(request: bytes) -> bool:
    """Whether a Request has P where Linux has it."""
    return bool(request[1] & _LINUX_P)


def _decode_short(kind: int, data: bytes) -> RelayDiscovery | RelayAdvertisement | Request:
    if len(data) < _REQUEST.size:
        raise MalformedPacket(f"AMT message {kind} of {len(data)} octets")
    _, flags, nonce = _REQUEST.unpack_from(data)
    if kind == RelayDiscovery.TYPE:
        return RelayDiscovery(nonce)
    if kind == Request.TYPE:
        return Request(nonce, bool(flags & _P))
    packed = data[_NONCE.size :]
    if len(packed) == 4:
        return RelayAdvertisement(nonce, IPv4Address(packed))
    if len(packed) == 16:
        return RelayAdvertisement(nonce, IPv6Address(packed))
    raise MalformedPacket(f"relay address of {len(packed)} octets")


def _decode_authenticated(kind: int, data: bytes) -> MembershipQuery | MembershipUpdate | Teardown:
    size = _AUTHENTICATED.size
    if len(data) < size:
        raise MalformedPacket(f"AMT message {kind} of {len(data)} octets")
    _, flags, mac, nonce = _AUTHENTICATED.unpack_from(data)
    content = data[size:]
    if kind == MembershipUpdate.TYPE:
        return MembershipUpdate(mac, nonce, content)
    if kind == MembershipQuery.TYPE and not flags & _G:
        return MembershipQuery(mac, nonce, content, None, bool(flags & _L))
    if len(content) < _GATEWAY_ADDRESS_LENGTH:
        raise MalformedPacket(f"AMT message {kind} without a whole gateway address")
    if kind == Teardown.TYPE:
        return Teardown(mac, nonce, GatewayAddress(content[:_GATEWAY_ADDRESS_LENGTH]))
    packet, gateway = content[:-_GATEWAY_ADDRESS_LENGTH], content[-_GATEWAY_ADDRESS_LENGTH:]
    return MembershipQuery(mac, nonce, packet, GatewayAddress(gateway), bool(flags & _L))
