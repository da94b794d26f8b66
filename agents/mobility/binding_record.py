"""A binding cache entry as octets: so it rests in the CMD's memory, and so it is stored.

All numbers are in network byte order, addresses are whole:

====================  ==============================================================================
header                serving MAR, timestamp (8), sequence (2), lifetime (4), update sequence (2),
                      number of anchors (1), number of debts (1)
each anchor           address, prefix, its length (1), DLIF link-local address, its MAC (6)
each debt             an anchor, where the mobile node is (:: for gone), asks for the context (1)
context, if any       MAR left (:: for none), its timestamp (8), that of the records (8), and the
                      records as MLDv2 writes them (RFC 3810 section 5.2.4)
====================  ==============================================================================
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, IPv6Network
from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from agents.mobility.binding import Binding
from agents.mobility.context import Context
from agents.mobility.messages import Anchor
from agents.wire import mld

_HEADER = Struct("!16sQHIHBB")
_ANCHOR = Struct("!16s16sB16s6s")
_DEBT = Struct("!16s?")
_CONTEXT = Struct("!16sqq")
_NOWHERE = bytes(16)


class MalformedRecord(ValueError):
    """These octets are no binding."""


class Debt(NamedTuple):
    """What an anchor was not yet heard to know: where the mobile node is (None: gone)."""

    anchor: Anchor
    serving: IPv6Address | None
    asks: bool
    """Whether the anchor is asked for the context, too."""


def pack(binding: Binding) -> bytes:
    """All of a binding that has to outlive the process, but for the identifier."""
    parts = [
        _HEADER.pack(
            binding.serving.packed,
            binding.timestamp,
            binding.sequence,
            binding.lifetime,
            binding.update_sequence,
            len(binding.anchors),
            len(binding.tasks),
        )
    ]
    parts += [_pack_anchor(anchor) for anchor in binding.anchors.values()]
    for task in binding.tasks.values():
        where = task.serving.packed if task.serving else _NOWHERE
        parts.append(_pack_anchor(task.anchor) + _DEBT.pack(where, task.asks))
    if not binding.context.is_blank:
        context = binding.context
        left = context.left.packed if context.left else _NOWHERE
        parts.append(_CONTEXT.pack(left, context.left_since, context.since))
        parts += [mld.encode_record(record) for record in context.records]
    return b"".join(parts)


def unpack(identifier: str, record: bytes) -> tuple[Binding, list[Debt]]:
    """The binding that :func:`pack` was given, and whom it still has to tell what."""
    try:
        return _unpack(identifier, record)
    except (StructError, ValueError, IndexError) as error:
        raise MalformedRecord(f"the entry of {identifier} is damaged: {error}") from error


def _unpack(identifier: str, record: bytes) -> tuple[Binding, list[Debt]]:
    serving, timestamp, sequence, lifetime, update_sequence, anchors, debts = _HEADER.unpack_from(
        record
    )
    binding = Binding(identifier, timestamp, sequence, _address(serving), lifetime)
    binding.update_sequence = update_sequence
    offset = _HEADER.size
    for _ in range(anchors):
        anchor = _unpack_anchor(record, offset)
        binding.anchors[anchor.address] = anchor
        offset += _ANCHOR.size
    owed = []
    for _ in range(debts):
        where, asks = _DEBT.unpack_from(record, offset + _ANCHOR.size)
        owed.append(Debt(_unpack_anchor(record, offset), _somewhere(where), asks))
        offset += _ANCHOR.size + _DEBT.size
    if offset < len(record):
        binding.context = _unpack_context(record, offset)
    return binding, owed


def _pack_anchor(anchor: Anchor) -> bytes:
    return _ANCHOR.pack(
        anchor.address.packed,
        anchor.prefix.network_address.packed,
        anchor.prefix.prefixlen,
        anchor.link_local.packed,
        anchor.link_layer_address,
    )


def _unpack_anchor(record: bytes, offset: int) -> Anchor:
    address, prefix, length, link_local, link_layer = _ANCHOR.unpack_from(record, offset)
    network = IPv6Network((prefix, length))
    return Anchor(_address(address), network, _address(link_local), link_layer)


def _unpack_context(record: bytes, offset: int) -> Context:
    left, left_since, since = _CONTEXT.unpack_from(record, offset)
    offset += _CONTEXT.size
    records = []
    while offset < len(record):
        subscription, offset = mld.decode_record(record, offset)
        if subscription is not None:
            records.append(subscription)
    return Context(_somewhere(left), left_since, since, tuple(records))


def _somewhere(address: bytes) -> IPv6Address | None:
    return None if address == _NOWHERE else _address(address)


@lru_cache(maxsize=1 << 13)
def _address(packed: bytes) -> IPv6Address:
    """The same few thousand MARs are in all entries."""
    return IPv6Address(packed)
