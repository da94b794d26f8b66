"""How many channels a sender may begin to send: the first packet of each is an upcall to an agent.

What a sender sends already goes on, whatever else it sends.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.kernel.netlink_socket import Request
from agents.kernel.nftables import (
    Table,
    accept,
    drop,
    is_in,
    learn,
    learn_again,
    network_header,
)

CHANNELS = "channels"
"""The reason: a datagram of one more channel than a sender may begin to send."""
BEGINNING = "beginning"
"""The set of senders, and of how many more channels each may begin."""
_KNOWN = "known"
_ADDRESS, _SOURCE_OFFSET = 16, 8
_KNOWN_S, _MAXIMUM = 60, 16384
"""A channel is known for so long; so many are."""


@dataclass(frozen=True)
class NewChannels:
    """So many at once, and as many in a period; a sender is told by ``sender``, a key loaded.

    A channel is known for a while, or if it ``lasts``, until it has been silent for as long.
    """

    sender: bytes
    key_length: int
    often: int
    period_s: int
    lasts: bool = False

    def sets(self, table: Table, number: int) -> list[Request]:
        """The sets, with three numbers from this one on; senders are in two of them."""
        return [
            table.learning_set(_KNOWN, 2 * _ADDRESS, number, _MAXIMUM, _KNOWN_S),
            table.limiting_set(BEGINNING, self.key_length, number + 1, self.often, self.period_s),
            table.counting_set(CHANNELS, self.key_length, number + 2),
        ]

    def rules(self) -> list[list[bytes]]:
        """What ends a chain, for packets to groups beyond the link."""
        channel = network_header(_SOURCE_OFFSET, 2 * _ADDRESS)
        again = [learn_again(_KNOWN)] if self.lasts else []
        return [
            [channel, is_in(_KNOWN), *again, accept()],
            [self.sender, is_in(BEGINNING), channel, learn(_KNOWN), accept()],
            [self.sender, is_in(CHANNELS), drop()],
        ]
