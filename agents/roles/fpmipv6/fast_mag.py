"""The mobile access gateway with fast handovers (RFC 5949)."""

from __future__ import annotations

import time
from ipaddress import IPv6Address, IPv6Network
from typing import Any

from agents.mobility.config import MagConfig
from agents.mobility.fpmipv6.actions import SendHandover
from agents.mobility.fpmipv6.gateway import FastMag
from agents.mobility.fpmipv6.handover_mag import HandoverMag
from agents.mobility.fpmipv6.handovers import FastMagConfig
from agents.roles.fpmipv6.keeping_part import KeepingPart
from agents.roles.mag import MobileAccessGateway
from agents.wire import fast_handover


class FastGateway(MobileAccessGateway):
    """Joins a ``FastMag`` to the kernel as a MAG is, and to what other MAGs say."""

    def __init__(self, config: dict[str, Any]) -> None:
        super().__init__(config)
        self._keeping = KeepingPart(
            self._daemon,
            self._forwarding,
            self._port,
            self._fast.mag.node_of,
            config["handovers"]["buffer_size"],
        )
        self._report.add("handovers", self._state)
        self._access.attach = self._fast.attach_from
        self._daemon.on(SendHandover, self._send)
        for message_type in fast_handover.TYPES:
            self._signalling.on_type(message_type, self._receive)

    def _make_core(self, mag: MagConfig, config: dict[str, Any]) -> FastMag:
        self._fast = FastMag(
            FastMagConfig(
                mag.address,
                mag.lma,
                IPv6Network(config["pool"]),
                frozenset(map(IPv6Address, config["peers"])),
                config["handovers"]["predictive"],
                config["handovers"]["lifetime"],
            ),
            HandoverMag(mag),
        )
        return self._fast

    def _tunnel_names(self, mag: MagConfig, config: dict[str, Any]) -> dict[IPv6Address, str]:
        peers = {IPv6Address(address): name for address, name in config["peers"].items()}
        return {**super()._tunnel_names(mag, config), **peers}

    def _state(self) -> dict[str, Any]:
        return {"counters": self._fast.counters, "dropped": self._keeping.dropped}

    def _send(self, action: SendHandover) -> None:
        data = fast_handover.encode(action.message, self._address, action.destination)
        self._signalling.send(data, action.destination)

    def _receive(self, data: bytes, source: IPv6Address, destination: IPv6Address) -> None:
        message = fast_handover.decode(data, source, destination)
        answer = self._fast.receive_handover(message, source, time.monotonic_ns())
        self._daemon.carry_out(self._core, answer)


def main(config: dict[str, Any]) -> None:
    """Be such a MAG."""
    FastGateway(config).run()
