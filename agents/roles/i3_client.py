"""An end host in a multicast group on i3: applications are in the group by a Unix socket.

The founder of a group is its first source; the others find their places in its tree, and may send,
too.
"""

from __future__ import annotations

from functools import partial
from ipaddress import IPv6Address
from typing import Any

from agents.core import Action
from agents.i3.config import GroupConfig, Metric, Recovery, Refresh, RootChoice
from agents.i3.directory import Entries
from agents.i3.host import EndHost
from agents.i3.member import Member, Phase
from agents.i3.positions import near
from agents.roles.daemon import Daemon
from agents.roles.i3_applications import Applications
from agents.roles.i3_location import Location
from agents.roles.i3_port import I3Port, Reporting, random_of
from agents.wire.i3 import Endpoint, Identifier, endpoint


class I3Client:
    """Joins an end host's core to its port and to its applications."""

    def __init__(self, config: dict[str, Any]) -> None:
        self._daemon = Daemon(config["node"], config["log"])
        self._founds: bool = config["founder"]
        self._host = core_of(config, endpoint(IPv6Address("::"), config["port"]))
        core = Reporting(self._host, "i3_place", partial(place_of, self._host.member))
        self._port = I3Port(self._daemon, core, config["port"])
        self._location: Location | None = None
        if config["interface"]:
            self._location = Location(self._daemon, config["interface"], self._move)
        else:
            self._move(IPv6Address(config["address"]))
        self._applications = Applications(
            self._daemon, config["applications"], self._enter, self._leave, self._send
        )
        self._daemon.answer(config["query"], self._state)

    def run(self) -> None:
        """Serve until told to stop."""
        self._daemon.run(lambda: self._daemon.log.write("state", **self._state()))

    def _move(self, address: IPv6Address) -> None:
        """The host is at this address now; its identifiers stay."""
        self._port.act(partial(self._host.member.moved, self._port.bind(address)))

    def _enter(self) -> None:
        member = self._host.member
        self._port.act(member.found if self._founds else member.join)

    def _leave(self) -> None:
        member = self._host.member

        def leave(now: int) -> list[Action]:
            return member.leave()

        self._port.act(leave)

    def _send(self, payload: bytes) -> None:
        member = self._host.member
        if member.phase is Phase.IN_TREE:
            self._port.act(partial(member.send, payload))

    def _state(self) -> dict[str, Any]:
        missed = {"missed": self._applications.missed}
        return {"i3_client": {**state_of(self._host.member), **missed, **self._port.counters()}}


def core_of(config: dict[str, Any], me: Endpoint) -> EndHost:
    """The core of the end host that is told this."""
    random = random_of(config["seed"])
    servers = [endpoint(IPv6Address(host), port) for host, port in config["known"]]
    group = GroupConfig(
        degree=config["degree"],
        refresh=Refresh(config["refresh"]),
        refresh_period=config["refresh_period"],
        recovery=Recovery(config["recovery"]),
        metric=Metric(config["metric"]),
        roots=config["roots"],
        root_choice=RootChoice(config["root_choice"]),
    )
    host = EndHost(
        me,
        Identifier(bytes.fromhex(config["root"])),
        Entries(servers, random),
        partial(near, servers[0], random),
        random,
        group,
    )
    host.member.root_number = config["root_number"]
    return host


def place_of(member: Member) -> dict[str, Any]:
    """Where a member is in the tree, for its log: the identifiers from the root's to its own."""
    return {
        "phase": member.phase.value,
        "path": list(member.path),
        "identifier": member.identifier,
        "joinable": member.joinable,
    }


def state_of(member: Member) -> dict[str, Any]:
    """What a member has counted, and its place."""
    return {
        **place_of(member),
        "source_distance": member.source_distance,
        "counters": member.counters,
        "refused": member.refused,
        "recovery": member.repairs.counters,
    }


def main(config: dict[str, Any]) -> None:
    """Be an i3 client."""
    I3Client(config).run()
