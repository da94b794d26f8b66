"""A server of the Internet Indirection Infrastructure: it keeps triggers, and forwards by them."""

from __future__ import annotations

from functools import partial
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
        self._core = core_of(config)
        core = Reporting(self._core, "i3_ring", partial(ring_of, self._core))
        self._port = I3Port(self._daemon, core, config["port"])
        self._port.bind(IPv6Address(config["address"]))
        self._daemon.answer(config["query"], self._state)
        self._daemon.soon(lambda: self._port.act(self._core.chord.start))

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(lambda: self._daemon.log.write("state", **self._state()))

    def _state(self) -> dict[str, Any]:
        return {"i3_server": {**state_of(self._core), **self._port.counters()}}


def core_of(config: dict[str, Any]) -> RingServer:
    """The core of the server that is told this."""
    random = random_of(config["seed"])
    return RingServer(
        endpoint(IPv6Address(config["address"]), config["port"]),
        bytes.fromhex(config["key"]),
        [endpoint(IPv6Address(host), port) for host, port in config["known"]],
        random.randbytes(16),
        random,
        ServerConfig(config["degree"] + 1, lifetime=config["lifetime"]),
    )


def ring_of(core: RingServer) -> dict[str, Any]:
    """Where a server is on the ring, for its log."""
    near = core.chord.neighbours
    return {"predecessor": near.predecessor, "successor": next(iter(near.successors), None)}


def state_of(core: RingServer) -> dict[str, Any]:
    """What a server has, and what it has counted."""
    triggers = [
        {"identifier": one.identifier, "target": one.target, "owner": one.owner}
        for one in core.triggers.all()
    ]
    counted = {"arrived": core.arrived, "passed_on": core.passed_on}
    return {**ring_of(core), "triggers": triggers, "refused": core.refused, **counted}


def main(config: dict[str, Any]) -> None:
    """Be an i3 server."""
    I3Server(config).run()
