"""Which PBU counts: attachments are ordered by their timestamps (RFC 5213 section 5.5).

The PBUs about one attachment are ordered by their sequence numbers.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from ipaddress import IPv6Address
from typing import Protocol

from agents.core import SECOND
from agents.wire.mobility import BindingAcknowledgement, Status
from agents.wire.mobility_options import Timestamp
from agents.wire.sequence_numbers import is_newer

_STEP = SECOND // (1 << 16) + 1
"""Timestamps closer together than this may be equal on the wire (RFC 5213 section 8.8), ns."""


WITH_OWN_TIME = frozenset(
    {Status.TIMESTAMP_MISMATCH, Status.TIMESTAMP_LOWER_THAN_PREVIOUSLY_ACCEPTED}
)
"""Refusals that have the anchor's time of day in the place of the PBU's timestamp."""


class Verdict(Enum):
    """What a registration is worth."""

    NEW = "new"
    REPEATED = "repeated"
    """The network duplicated it, or was overtaken by a later PBU of the same router."""
    OUTDATED = "outdated"
    """A later attachment is known."""


class Latest(Protocol):
    """What is known of a mobile node's latest attachment."""

    timestamp: int
    """When it was, ns since 1970."""
    sequence: int
    """Of the latest PBU about it."""
    serving: IPv6Address
    """The access router that sent that."""


def judge(latest: Latest, timestamp: int, sequence: int, sender: IPv6Address) -> Verdict:
    """Compare a PBU with the latest one known."""
    if timestamp > latest.timestamp:
        return Verdict.NEW
    if timestamp < latest.timestamp or sender != latest.serving:
        return Verdict.OUTDATED
    return Verdict.NEW if is_newer(sequence, latest.sequence) else Verdict.REPEATED


def with_own_time(refusal: BindingAcknowledgement, time: int) -> BindingAcknowledgement:
    """A refusal because of its timestamp, as an anchor sends it at ``time``, ns since 1970."""
    own = Timestamp(time)
    options = (own if isinstance(option, Timestamp) else option for option in refusal.options)
    return replace(refusal, options=tuple(options))


class Changing(Latest, Protocol):
    """An entry that two keep."""

    change: int
    """How often it was changed, modulo 2^16."""


def is_later(one: Changing, other: Changing) -> bool:
    """Whether one of two states of a mobile node's entry is the later one."""
    if one.timestamp != other.timestamp:
        return one.timestamp > other.timestamp
    if one.sequence != other.sequence:
        return is_newer(one.sequence, other.sequence)
    return is_newer(one.change, other.change)


def attachment_time(present: int, latest: int) -> int:
    """The timestamp of an attachment at ``present``, ns since 1970.

    It is later than the ``latest`` one known of that mobile node, whatever the clocks say.
    """
    return Timestamp(max(present, latest + _STEP)).time
