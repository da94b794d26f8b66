"""What i3 servers and clients are told at their start, from the scenario and the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from hashlib import sha256
from ipaddress import IPv6Address
from random import Random
from typing import Any, Protocol

from agents.i3.positions import near, position_of
from agents.roles.i3_port import PORT
from agents.wire.i3 import IDENTIFIER_LENGTH, Endpoint, endpoint
from emu.events import Event
from emu.running import application_path
from emu.scenario.i3 import CLIENT, I3, SERVER
from emu.scenario.model import Scenario
from emu.scenario.traffic import I3Flow
from topologies.parameters import Quality

Agent = tuple[str, dict[str, Any]]
_WELL_KNOWN = 3
"""How many servers a server or a client is told by which to begin."""


class Interface(Protocol):
    """A host's link."""

    @property
    def name(self) -> str:
        """As its kernel calls it."""

    @property
    def toward(self) -> Mapping[IPv6Address, Quality]:
        """What is sent to these addresses meets these qualities."""


class Addresses(Protocol):
    """What is to be known of the network: that of a lab, or one in virtual time."""

    def address(self, name: str) -> IPv6Address:
        """Of a host."""

    def interfaces(self, name: str) -> Sequence[Interface]:
        """Of a host, which has one."""

    def interface(self, name: str, kind: str) -> Interface:
        """Of a mobile node: the one of this kind."""


class I3Plan:
    """The i3 part of one run; nothing in a scenario without i3."""

    def __init__(self, scenario: Scenario, network: Addresses, seed: int) -> None:
        self._scenario = scenario
        self._network = network
        self._seed = seed
        self._servers = scenario.nodes_of(SERVER)
        flows = [flow for flow in scenario.traffic if isinstance(flow, I3Flow)]
        self._group = (flows[0], scenario.i3) if flows and scenario.i3 else None

    def roles(self) -> dict[str, Callable[[str], Agent]]:
        """For each role, what makes the agent of a node of this name."""
        return {SERVER: self._server, CLIENT: self.client} if self._group else {}

    def ready(self, events: Sequence[Event]) -> bool:
        """Whether the servers are one ring."""
        found = {e["node"]: e for e in events if e["kind"] == "i3_ring"}
        ring = sorted(self._endpoints, key=lambda name: position_of(self._endpoints[name]))
        if len(ring) < 2 or not self._group:
            return True
        before = dict(zip(ring, [ring[-1], *ring[:-1]], strict=True))
        return all(
            node in found
            and found[before[node]]["successor"] == self._endpoints[node].hex(":")
            and found[node]["predecessor"] == self._endpoints[before[node]].hex(":")
            for node in ring
            if before[node] in found
        ) and len(found) == len(ring)

    @cached_property
    def _endpoints(self) -> dict[str, Endpoint]:
        return {name: endpoint(self._network.address(name), PORT) for name in self._servers}

    @property
    def _flow(self) -> I3Flow:
        assert self._group is not None  # or there would be no agent to tell of it
        return self._group[0]

    @property
    def _settings(self) -> I3:
        assert self._group is not None
        return self._group[1]

    def _nearest(self, name: str) -> list[str]:
        """The servers, the nearest to a node first; of those as near as another, one in turn."""
        toward = {} if not self._servers else self._network.interfaces(name)[0].toward
        number = list(self._scenario.nodes).index(name)

        def far(server: str) -> tuple[int, int]:
            quality = toward.get(self._network.address(server))
            turn = (self._servers.index(server) - number) % len(self._servers)
            return (quality.delay_ns if quality else 0, turn)

        return sorted(self._servers, key=far)

    def _common(self, name: str, known: Sequence[str]) -> dict[str, Any]:
        return {
            "seed": f"{self._seed} {name}",
            "port": PORT,
            "known": [(str(self._network.address(server)), PORT) for server in known],
            "degree": self._settings.degree,
        }

    def is_member(self, name: str) -> bool:
        """Whether a node is in the group."""
        return self._group is not None and name in self._flow.to

    def _server(self, name: str) -> Agent:
        first, *others = self._servers[:_WELL_KNOWN]
        known = [] if name == first else [one for one in (first, *others) if one != name]
        return "agents.roles.i3_server", {
            **self._common(name, known),
            "address": str(self._network.address(name)),
            "key": sha256(f"{self._seed} ring".encode()).hexdigest(),
            "lifetime": self._settings.lifetime,
        }

    def client(self, name: str) -> Agent:
        """The agent of a client, or of a mobile node that is in the group."""
        settings = self._settings
        node = self._scenario.nodes[name]
        where = (
            {"interface": self._network.interface(name, "wireless").name}
            if node.role == "mn"
            else {"interface": None, "address": str(self._network.address(name))}
        )
        return "agents.roles.i3_client", {
            **self._common(name, self._nearest(name)[:_WELL_KNOWN]),
            **where,
            "root": self._root.hex(),
            "founder": name == self._flow.from_,
            "applications": str(application_path(name)),
            "refresh": settings.refresh,
            "refresh_period": settings.refresh_period,
            "recovery": settings.recovery,
            "metric": settings.metric,
            "roots": settings.roots,
            "root_choice": settings.root_choice,
            "root_number": self._root_number(name),
        }

    def _root_number(self, name: str) -> int | None:
        """Which of several roots a receiver is: the first ones are."""
        others = self._flow.to[: self._settings.roots - 1]
        return others.index(name) + 1 if name in others else None

    @cached_property
    def _root(self) -> bytes:
        """The group's identifier, which the server nearest to the founder has."""
        random = Random(f"{self._seed} root")
        prefix = near(self._endpoints[self._nearest(self._flow.from_)[0]], random)
        return prefix + random.randbytes(IDENTIFIER_LENGTH - len(prefix))
