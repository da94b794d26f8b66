"""What both sides of a handover share: the peers, what is waited for, and how messages go out."""

from __future__ import annotations

from ipaddress import IPv6Address

from agents.core import Action, Log
from agents.deadlines import Deadlines
from agents.mobility.config import Counters
from agents.mobility.fpmipv6.actions import SendHandover
from agents.mobility.fpmipv6.handovers import FastMagConfig, Timer
from agents.wire import fast_handover
from agents.wire.fast_handover import HandoverAcknowledge, HandoverInitiate
from agents.wire.sequence_numbers import next_sequence


class Exchange:
    """Of one MAG with all others."""

    def __init__(self, config: FastMagConfig) -> None:
        self.counters = Counters()
        """Of HIs and HAcks that were not acted upon."""
        self.deadlines: Deadlines[tuple[str, Timer]] = Deadlines()
        self._config = config
        self._sequence = 0

    def is_peer(self, address: IPv6Address) -> bool:
        """Whether a MAG's word counts."""
        return address in self._config.peers and address != self._config.address

    def next(self) -> int:
        """The sequence number of a new HI."""
        self._sequence = next_sequence(self._sequence)
        return self._sequence


def is_answer(
    message: HandoverAcknowledge,
    request: HandoverInitiate | None,
    source: IPv6Address,
    peer: IPv6Address | None,
) -> bool:
    """Whether an HAck from ``source`` answers what was sent to ``peer``."""
    return request is not None and (source, message.sequence) == (peer, request.sequence)


def send(message: fast_handover.Message, identifier: str, peer: IPv6Address) -> list[Action]:
    """Send a message that is about a mobile node, and log that."""
    kind = "HI" if isinstance(message, HandoverInitiate) else "HAck"
    fields = {"message": kind, "mn": identifier, "sequence": message.sequence}
    return [SendHandover(message, peer), Log("sent", {**fields, "destination": str(peer)})]
