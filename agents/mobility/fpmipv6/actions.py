"""What a MAG with fast handovers asks its surroundings to do, beside what every MAG does."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import Action
from agents.wire.fast_handover import HandoverAcknowledge, HandoverInitiate


@dataclass(frozen=True)
class SendHandover(Action):
    """Send a message from the MAG's own address."""

    message: HandoverInitiate | HandoverAcknowledge
    destination: IPv6Address
