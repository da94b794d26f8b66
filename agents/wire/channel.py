"""Channel control messages: a MAR asks where a multicast channel shall come from.

The paper has a Multicast Channel Control (MCC) and a channel management function in each MAR that
"communicates with the MCC to retrieve the channel information" (section III.A), but no format. Here
they are experimental Mobility Header messages (RFC 5096) whose data are one vendor-specific
mobility option (RFC 5094) of a subtype of ours, in a query followed by a Mobile Node Identifier.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address

from agents.wire import mobility_header
from agents.wire.errors import MalformedPacket, UnknownMessage
from agents.wire.mobility_options import (
    MobileNodeIdentifier,
    MobilityOption,
    VendorSpecific,
    decode_options,
    encode_options,
)
from agents.wire.redundancy_options import VENDOR

MESSAGE_TYPE = 11
"""The Experimental Mobility Header of RFC 5096 section 3."""

_ANY_SOURCE = IPv6Address("::")
_QUERY = struct.Struct("!HH16s16s")
_RESPONSE = struct.Struct("!HBB16s16s")
_ACKNOWLEDGEMENT = struct.Struct("!H")
_ACKNOWLEDGE = 0x80
_REUSABLE = 0x40


class ChannelScope(Enum):
    """From where a moved listener gets a channel, and where a moved source sends it to."""

    LOCAL = 1
    """By the native multicast infrastructure of the MAR where it is."""
    REMOTE = 2
    """Through the tunnel: from the previous MAR, or to the MAR that anchors the source."""
    BOTH = 3
    """Through the tunnel and natively."""


@dataclass(frozen=True)
class ChannelQuery:
    """MAR to MCC: where shall this channel come from? ``source`` None: any.

    ``load`` is the number of channels that the MAR receives through tunnels, ``listener`` the
    mobile node for which it asks, when it is for one.
    """

    sequence: int
    source: IPv6Address | None
    group: IPv6Address
    load: int = 0
    listener: str | None = None


@dataclass(frozen=True)
class ChannelResponse:
    """MCC to MAR: the decision. With ``acknowledge`` it is a change that nobody asked for.

    The answer to a query has the query's ``sequence``; a change has one of the MCC's own and is
    sent again until the MAR acknowledges it. What is ``reusable`` holds for every listener until a
    change comes, else it answers this one question.
    """

    sequence: int
    source: IPv6Address | None
    group: IPv6Address
    scope: ChannelScope
    acknowledge: bool = False
    reusable: bool = True


@dataclass(frozen=True)
class ChannelAcknowledgement:
    """MAR to MCC: the change with this sequence number has come."""

    sequence: int


ChannelMessage = ChannelQuery | ChannelResponse | ChannelAcknowledgement


def encode(message: ChannelMessage, source: IPv6Address, destination: IPv6Address) -> bytes:
    """The Mobility Header with the checksum for these two addresses."""
    options: list[MobilityOption] = []
    if isinstance(message, ChannelQuery):
        subtype = 1
        data = _QUERY.pack(message.sequence, message.load, message.group.packed, _source(message))
        if message.listener is not None:
            options.append(MobileNodeIdentifier(message.listener))
    elif isinstance(message, ChannelResponse):
        subtype = 2
        flags = _ACKNOWLEDGE * message.acknowledge | _REUSABLE * message.reusable
        scope = message.scope.value
        data = _RESPONSE.pack(
            message.sequence, scope, flags, message.group.packed, _source(message)
        )
    else:
        subtype = 3
        data = _ACKNOWLEDGEMENT.pack(message.sequence)
    body = encode_options((VendorSpecific(subtype, data), *options), mobility_header.SIZE)
    return mobility_header.encode(MESSAGE_TYPE, body, source, destination)


def decode(data: bytes, source: IPv6Address, destination: IPv6Address) -> ChannelMessage:
    """Check a Mobility Header and take it apart; another experiment's is an UnknownMessage."""
    kind, body = mobility_header.decode(data, source, destination)
    options = decode_options(body) if kind == MESSAGE_TYPE else ()
    contents = [option for option in options if isinstance(option, VendorSpecific)]
    if not contents or contents[0].vendor != VENDOR or contents[0].subtype not in _LAYOUTS:
        raise UnknownMessage(kind)
    content = contents[0]
    layout = _LAYOUTS[content.subtype]
    if len(content.data) != layout.size:
        raise MalformedPacket(f"channel message {content.subtype} of {len(content.data)} octets")
    fields = layout.unpack(content.data)
    if layout is _QUERY:
        sequence, load, group, channel_source = fields
        listeners = [o.identifier for o in options if isinstance(o, MobileNodeIdentifier)]
        listener = listeners[0] if listeners else None
        return ChannelQuery(sequence, _source_or_any(channel_source), _group(group), load, listener)
    if layout is _RESPONSE:
        sequence, scope, flags, group, channel_source = fields
        return ChannelResponse(
            sequence,
            _source_or_any(channel_source),
            _group(group),
            _scope(scope),
            bool(flags & _ACKNOWLEDGE),
            bool(flags & _REUSABLE),
        )
    return ChannelAcknowledgement(*fields)


_LAYOUTS = {1: _QUERY, 2: _RESPONSE, 3: _ACKNOWLEDGEMENT}


def _source(message: ChannelQuery | ChannelResponse) -> bytes:
    return (message.source or _ANY_SOURCE).packed


def _source_or_any(packed: bytes) -> IPv6Address | None:
    address = IPv6Address(packed)
    return None if address == _ANY_SOURCE else address


def _group(packed: bytes) -> IPv6Address:
    address = IPv6Address(packed)
    if not address.is_multicast:
        raise MalformedPacket(f"channel of the group {address}, which is no multicast address")
    return address


def _scope(number: int) -> ChannelScope:
    try:
        return ChannelScope(number)
    except ValueError as error:
        raise MalformedPacket(f"channel scope {number}") from error
