"""The membership update cycle of one protocol, IGMP or MLD (RFC 7450 section 5.2.3.5)."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from agents.overlay.amt.config import GatewayConfig
from agents.wire.amt import GatewayAddress
from agents.wire.i3 import Endpoint


@dataclass(frozen=True)
class Leave:
    """What a Membership Query gives leave to: to send updates, and to end what came of them."""

    relay: Endpoint
    mac: bytes
    nonce: int
    gateway: GatewayAddress | None
    robustness: int


class Cycle:
    """How far the cycle is."""

    def __init__(self, *, of_mld: bool) -> None:
        self.of_mld = of_mld
        self.runs = False
        self.nonce: int | None = None
        """Of the Request that is to be answered."""
        self.retries = 0
        self.leave: Leave | None = None
        self.used: Leave | None = None
        """With which the last update went out: there may be state of ours at the relay."""

    def end(self) -> None:
        """Nothing is wanted any more."""
        self.runs, self.nonce, self.leave, self.used = False, None, None, None


def timeout(config: GatewayConfig, random: Random, retries: int) -> int:
    """How long to wait for an answer, ns: random, with an exponential back-off (5.2.3.5.3)."""
    first = config.initial_timeout
    return random.randint(first, min(first << min(retries, 16), config.maximum_timeout))
