"""Context transfer: what a mobile node listens to goes along with its binding (RFC 7161).

The S flag of a PBU asks for the context, or says that the message has it; that of a PBA says that
all there is to know is in it, be it nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from ipaddress import IPv6Address

from agents.mobility.actions import MobileNode
from agents.wire.mld import AddressRecord, RecordType
from agents.wire.mobility import BindingAcknowledgement, BindingUpdate
from agents.wire.mobility_options import ActiveMulticastSubscription

Records = tuple[AddressRecord, ...]
"""The multicast context: for each group, the sources wanted."""

Listening = Callable[[MobileNode], Records]
"""Tells what a mobile node on the access link listens to now: a question to the multicast part."""

CONTEXT_ROOM = 560
"""Octets of a message that are kept for the context; who listens to more is asked by MLD."""

_ALIGNMENT = 8


def listens_to_nothing(mobile_node: MobileNode) -> Records:
    """What a router without a multicast part knows."""
    return ()


def subscription_options(records: Iterable[AddressRecord]) -> list[ActiveMulticastSubscription]:
    """The context as options, as far as it has room."""
    options: list[ActiveMulticastSubscription] = []
    room = CONTEXT_ROOM
    for record in records:
        for part in _parts(record):
            option = ActiveMulticastSubscription(part)
            length = 2 + len(option.encode())
            room -= length + -length % _ALIGNMENT
            if room < 0:
                return options
            options.append(option)
    return options


def read_subscriptions(message: BindingUpdate | BindingAcknowledgement) -> Records:
    """The context that a message has."""
    return tuple([option.record for option in message.all(ActiveMulticastSubscription)])


def _parts(record: AddressRecord) -> list[AddressRecord]:
    """Records that fit an option each (RFC 3810 section 5.2.15).

    Sources that are wanted may be spread over several; of those that are not, the rest is left out.
    """
    size = ActiveMulticastSubscription.MAXIMUM_SOURCES
    parts = [
        replace(record, sources=record.sources[start : start + size])
        for start in range(0, max(len(record.sources), 1), size)
    ]
    return parts if record.type is RecordType.MODE_IS_INCLUDE else parts[:1]


@dataclass(slots=True)
class Context:
    """What the CMD knows of one mobile node's context.

    It is of one attachment: what the MAR knew when the mobile node left. Only that of the place
    left last counts, so that nobody is given what an earlier place knew.
    """

    left: IPv6Address | None = None
    """The MAR where the mobile node was before it came to where it is."""
    left_since: int = -1
    """The timestamp of the attachment there."""
    since: int = -1
    """The timestamp of the attachment of which ``records`` are."""
    records: Records = ()

    @property
    def is_blank(self) -> bool:
        """Whether there is nothing in it yet."""
        return self.left is None and self.since < 0

    def moved(self, left: IPv6Address, since: int) -> None:
        """The mobile node has left a place, where it had attached at ``since``."""
        self.left = left
        self.left_since = since

    def learn(self, since: int, records: Records) -> None:
        """A MAR says what the mobile node listened to when it left; the later attachment counts."""
        if since >= self.since:
            self.since = since
            self.records = records

    def ask_nobody_but(self, asked: Collection[IPv6Address]) -> None:
        """A place left that is not asked (any more) and has said nothing never will."""
        if self.since < self.left_since and self.left not in asked:
            self.learn(self.left_since, ())

    def is_of_interest(self, source: IPv6Address, since: int) -> bool:
        """Whether a MAR that has heard of a later attachment may still tell of this one."""
        return source == self.left and since >= self.left_since

    def for_mar(self, serving: IPv6Address) -> Records | None:
        """What the serving MAR is to be told; None as long as the place left has not said it."""
        if self.left is None or self.left == serving:
            return ()  # there is nothing, or the MAR knows it itself
        return self.records if self.since >= self.left_since else None
