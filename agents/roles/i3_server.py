"""A server of the Internet Indirection Infrastructure: it keeps triggers, and forwards by them."""

from __future__ import annotations

from ipaddress import IPv6Address
from typing import Any

from agents.i3.config import ServerConfig
from agents.i3.ring_server import RingServer
from agents.roles.daemon import Daemon
from agents.roles.i3_port import I3Port, Reporting, random_of
from agents.wire.i3 import endpoint


class I3Server:
    """Joins a server's core to its port."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        address = IPv6Address(config["address"])
        random = random_of(config["seed"])
        self._core = RingServer(
            endpoint(address, config["port"]),
            bytes.fromhex(config["key"]),
            [endpoint(IPv6Address(host), port) for host, port in config["known"]],
            random.randbytes(16),
            random,
            ServerConfig(config["degree"] + 1, lifetime=config["lifetime"]),
        )
        core = Reporting(self._core, "i3_ring", self._ring)
        self._port = I3Port(self._daemon, core, config["port"])
        self._port.bind(address)
        self._daemon.answer(config["query"], self._state)
        self._daemon.soon(lambda: self._port.act(self._core.chord.start))

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(lambda: self._daemon.log.write("state", **self._state()))

    def _ring(self) -> dict[str, Any]:
        near = self._core.chord.neighbours
        return {"predecessor": near.predecessor, "successor": next(iter(near.successors), None)}

    def _state(self) -> dict[str, Any]:
        triggers = [
            {"identifier": one.identifier, "target": one.target, "owner": one.owner}
            for one in self._core.triggers.all()
        ]
        counted = {"arrived": self._core.arrived, "passed_on": self._core.passed_on}
        return {
            "i3_server": {
                **self._ring(),
                "triggers": triggers,
                "refused": self._core.refused,
                **counted,
                **self._port.counters(),
            }
        }


def main(config: dict[str, Any]) -> None:
    """Be an i3 server."""
    I3Server(config).run()
