"""A binding cache entry as octets: so it rests in the CMD's memory, and so it is stored.

All numbers are in network byte order, addresses are whole:

====================  ==============================================================================
header                serving MAR, timestamp (8), sequence (2), lifetime (4), update sequence (2),
                      number of anchors (1), number of debts (1)
each anchor           as in ``anchors``
each debt             an anchor, where the mobile node is (:: for gone), asks for the context (1)
context, if any       MAR left (:: for none), its timestamp (8), that of the records (8), and the
                      records as MLDv2 writes them (RFC 3810 section 5.2.4)
====================  ==============================================================================
"""

from __future__ import annotations

from ipaddress import IPv6Address
from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from agents.mobility.anchors import (
    SIZE,
    Anchors,
    pack_anchor,
    shared_address,
    unpack_anchor,
)
from agents.mobility.binding import Binding
from agents.mobility.context import Context
from agents.mobility.messages import Anchor
from agents.wire import mld

_HEADER = Struct("!16sQHIHBB")
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
    record = (
        _HEADER.pack(
            binding.serving.packed,
            binding.timestamp,
            binding.sequence,
            binding.lifetime,
            binding.update_sequence,
            len(binding.anchors),
            len(binding.tasks),
        )
        + binding.anchors.octets()
    )
    for task in binding.tasks.values():
        where = task.serving.packed if task.serving else _NOWHERE
        record += pack_anchor(task.anchor) + _DEBT.pack(where, task.asks)
    if not binding.context.is_blank:
        record += _pack_context(binding.context)
    return record


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
    offset = _HEADER.size + anchors * SIZE
    if len(record) < offset:
        raise ValueError("it is cut off")
    binding = Binding(
        identifier,
        timestamp,
        sequence,
        shared_address(serving),
        lifetime,
        Anchors(record[_HEADER.size : offset]),
        update_sequence,
    )
    owed = []
    for _ in range(debts):
        where, asks = _DEBT.unpack_from(record, offset + SIZE)
        owed.append(Debt(unpack_anchor(record, offset), _somewhere(where), asks))
        offset += SIZE + _DEBT.size
    if offset < len(record):
        binding.context = _unpack_context(record, offset)
    return binding, owed


def _pack_context(context: Context) -> bytes:
    left = context.left.packed if context.left else _NOWHERE
    octets = _CONTEXT.pack(left, context.left_since, context.since)
    return octets + b"".join(map(mld.encode_record, context.records))


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
    return None if address == _NOWHERE else shared_address(address)
