"""Teardowns, each as often as the relay's robustness has it (RFC 7450 section 5.2.3.7.2)."""

from __future__ import annotations

from random import Random

from agents.overlay.actions import SendDatagram
from agents.overlay.amt.config import GatewayConfig
from agents.overlay.amt.cycle import Leave
from agents.wire import amt

_MOST = 8
"""At a time: more changes of address than these are a relay's doing, not a NAT's."""


class Teardowns:
    """What is to be sent again, and when."""

    def __init__(self, config: GatewayConfig, random: Random) -> None:
        self._config, self._random = config, random
        self._left: list[tuple[Leave, int]] = []
        self.deadline: int | None = None

    def begin(self, leave: Leave | None, now: int) -> list[SendDatagram]:
        """End what came of a leave, if there is anything, and if the relay knows how to."""
        if leave is None or leave.gateway is None:
            return []
        self._keep([*self._left, (leave, leave.robustness - 1)], now)
        return [teardown(leave, leave.gateway)]

    def timer(self, now: int) -> list[SendDatagram]:
        """Those that are due."""
        if self.deadline is None or now < self.deadline:
            return []
        sent = [teardown(leave, leave.gateway) for leave, _ in self._left if leave.gateway]
        self._keep([(leave, left - 1) for leave, left in self._left], now)
        return sent

    def _keep(self, wanted: list[tuple[Leave, int]], now: int) -> None:
        self._left = [(leave, left) for leave, left in wanted if left][-_MOST:]
        wait = self._random.randint(1, self._config.teardown_interval)
        self.deadline = now + wait if self._left else None


def teardown(leave: Leave, gateway: amt.GatewayAddress) -> SendDatagram:
    """The message, to whom gave the leave."""
    message = amt.Teardown(leave.mac, leave.nonce, gateway)
    return SendDatagram(amt.encode(message), (leave.relay,))
