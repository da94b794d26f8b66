"""A binding cache entry as octets: so it rests in the CMD's memory, is stored and is replicated.

All numbers are in network byte order, addresses are whole:

====================  ==============================================================================
header                serving MAR, timestamp (8), sequence (2), lifetime (4), change (2), update
                      sequence (2), number of anchors (1), number of debts (1)
each anchor           as in ``anchors``
each debt             what the anchor has to know (1: 1 asks for the context, 2 that the mobile node
                      is gone), and which it is: its place among the anchors (1), or 255 and itself
context, if any       MAR left (:: for none), its timestamp (8), that of the records (8), and the
                      records as MLDv2 writes them (RFC 3810 section 5.2.4)
====================  ==============================================================================
"""

from __future__ import annotations

from ipaddress import IPv6Address
from struct import Struct
from struct import error as StructError
from typing import NamedTuple

from agents.mobility.anchors import SIZE, Anchor, Anchors
from agents.mobility.binding import Binding
from agents.mobility.context import CONTEXT_ROOM, Context
from agents.mobility.messages import END_OF_TIME
from agents.wire import mld
from agents.wire.addresses import shared_address
from agents.wire.mobility import LIFETIME_UNIT, MAXIMUM_LIFETIME

_HEADER = Struct("!16sQHIHHBB")
_DEBT = Struct("!BB")
_ASKS, _GONE = 1, 2
_UNLISTED = 255
_CONTEXT = Struct("!16sqq")
_NOWHERE = bytes(16)

MAXIMUM_SIZE = 1650
"""So that a record fits a mobility message, of 2,048 octets, with the longest of identifiers. Of
debts to anchors that are not needed any more what has no room is left out: that state is soft."""


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
    anchors = binding.anchors.octets
    context = b"" if binding.context.is_blank else _pack_context(binding.context)
    room = MAXIMUM_SIZE - _HEADER.size - len(anchors) - len(context)
    count, debts = _pack_debts(binding, anchors, room) if binding.tasks else (0, b"")
    header = _HEADER.pack(
        binding.serving.packed,
        binding.timestamp,
        binding.sequence,
        binding.lifetime,
        binding.change,
        binding.update_sequence,
        len(anchors) // SIZE,
        count,
    )
    return header + anchors + debts + context


class Version(NamedTuple):
    """Which state of an entry a record has."""

    timestamp: int
    lifetime: int
    change: int


def version(record: bytes) -> Version:
    """Which state of its entry a record of :func:`pack` has."""
    _, timestamp, _, lifetime, change, *_ = _HEADER.unpack_from(record)
    return Version(timestamp, lifetime, change)


def unpack(identifier: str, record: bytes) -> tuple[Binding, list[Debt]]:
    """The binding that :func:`pack` was given, and whom it still has to tell what."""
    try:
        return _unpack(identifier, record)
    except (StructError, ValueError, IndexError) as error:
        raise MalformedRecord(f"the entry of {identifier} is damaged: {error}") from error


def _unpack(identifier: str, record: bytes) -> tuple[Binding, list[Debt]]:
    serving, timestamp, sequence, lifetime, change, update_sequence, anchors, debts = (
        _HEADER.unpack_from(record)
    )
    offset = _HEADER.size + anchors * SIZE
    if len(record) < offset:
        raise ValueError("it is cut off")
    if timestamp >= END_OF_TIME or lifetime % LIFETIME_UNIT or lifetime > MAXIMUM_LIFETIME:
        raise ValueError("its time is impossible")
    binding = Binding(
        identifier,
        timestamp,
        sequence,
        shared_address(serving),
        lifetime,
        Anchors(record[_HEADER.size : offset]),
        change=change,
        update_sequence=update_sequence,
    )
    owed = []
    for _ in range(debts):
        flags, place = _DEBT.unpack_from(record, offset)
        offset += _DEBT.size
        listed = place != _UNLISTED
        if listed and place >= anchors:
            raise ValueError("a debt to nobody")
        start = _HEADER.size + place * SIZE if listed else offset
        anchor = Anchor.of_record(record[start : start + SIZE])
        where = None if flags & _GONE else binding.serving
        owed.append(Debt(anchor, where, bool(flags & _ASKS)))
        offset += 0 if listed else SIZE
    if offset < len(record):
        binding.context = _unpack_context(record, offset)
    return binding, owed


def _pack_debts(binding: Binding, anchors: bytes, room: int) -> tuple[int, bytes]:
    """As many as there is room for: their number, and they themselves."""
    count, debts = 0, b""
    for task in sorted(binding.tasks.values(), key=lambda task: task.serving is None):
        anchor = task.anchor.octets
        at = anchors.find(anchor)
        place = _UNLISTED if at % SIZE else at // SIZE
        flags = _ASKS * task.asks | _GONE * (task.serving is None)
        debt = _DEBT.pack(flags, place) + (anchor if place == _UNLISTED else b"")
        if count < _UNLISTED and len(debts) + len(debt) <= room:
            count, debts = count + 1, debts + debt
    return count, debts


def _pack_context(context: Context) -> bytes:
    left = context.left.packed if context.left else _NOWHERE
    octets = _CONTEXT.pack(left, context.left_since, context.since)
    for record in map(mld.encode_record, context.records):
        if len(octets) + len(record) <= CONTEXT_ROOM:
            octets += record
    return octets


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
