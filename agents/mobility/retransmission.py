"""A PBU that waits for its PBA, and is sent again until that comes (RFC 6275 section 11.8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv6Address

from agents.mobility.anchors import Anchor
from agents.mobility.context import Records
from agents.mobility.messages import Acknowledgement
from agents.mobility.ordering import WITH_OWN_TIME
from agents.wire.sequence_numbers import is_between


@dataclass(slots=True, eq=False)
class PendingUpdate:
    """The transmissions so far of one PBU; each has its own sequence number.

    The acknowledgement of any of them ends the wait: they all say the same.
    """

    timestamp: int
    lifetime: int
    first: int
    """Sequence number of the first transmission."""
    last: int
    """Sequence number of the latest transmission."""
    timeout: int
    """ns from the latest transmission to the next."""

    def sent_again(self, sequence: int, maximum_timeout: int) -> None:
        """Note one more transmission, and double the timeout."""
        self.last = sequence
        self.timeout = min(2 * self.timeout, maximum_timeout)

    def answered_by(self, sequence: int, timestamp: int, status: int) -> bool:
        """Whether a PBA with these answers one of the transmissions."""
        same = timestamp == self.timestamp or status in WITH_OWN_TIME
        return same and is_between(sequence, self.first, self.last)


@dataclass(slots=True, eq=False)
class PendingRegistration(PendingUpdate):
    """A MAR's PBU about its mobile node, which previous MARs may have to answer, too."""

    heard: dict[IPv6Address, bool] = field(default_factory=dict)
    """The previous MARs that have answered themselves, and whether they agreed."""
    subscriptions: Records | None = None
    """What the one that the mobile node left last said of the context; None: nothing yet."""
    named: dict[IPv6Address, Anchor] = field(default_factory=dict)
    """Without a CMD: the previous MARs of which anybody has told, latest left last."""
    transmissions: int = 0
    """How often something was sent."""
    asked: IPv6Address | None = None
    """With a CMD: to which one the latest transmission went."""

    def hear(self, source: IPv6Address, answer: Acknowledgement) -> None:
        """A previous MAR has answered, and named those of which it knows."""
        self.heard[source] = answer.accepted
        if not answer.accepted:
            self.named.pop(source, None)
            return
        self.subscriptions = answer.subscriptions or self.subscriptions
        refused = {address for address, agreed in self.heard.items() if not agreed}
        listed = {a.address: a for a in answer.anchors if a.address not in refused}
        if answer.anchors and answer.anchors[-1].address == source:  # the one left last
            self.named = {a: n for a, n in self.named.items() if a not in listed} | listed
        else:
            self.named = {a: n for a, n in listed.items() if a not in self.named} | self.named

    def silent(self) -> list[Anchor]:
        """The previous MARs named that have not answered."""
        return [anchor for address, anchor in self.named.items() if address not in self.heard]
