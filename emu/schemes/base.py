"""What the agents of every scheme are told at their start, from the scenario and the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv6Network
from pathlib import Path
from typing import Any, ClassVar

from emu.channel_control import ChannelControlPlan
from emu.events import Event
from emu.i3_plan import I3Plan
from emu.network.build import Network
from emu.running import query_path
from emu.scenario.model import Scenario
from emu.scenario.services import CACHE_PORT, Cache, Origin
from topologies.parameters import Centre

Agent = tuple[str, dict[str, Any]]
"""The module of an agent, and its configuration."""


class Scheme:
    """The agents of one run. A scheme says which roles of nodes have which."""

    centre: ClassVar[Centre] = "cmd"
    """What is in the middle of the topology."""
    permanent: ClassVar[IPv6Network] = IPv6Network("2000::/3")
    """Of this are the addresses of mobile nodes that outlive handovers."""

    def __init__(
        self,
        scenario: Scenario,
        network: Network,
        channel_control: ChannelControlPlan,
        tunnel_backend: str,
        seed: int,
        directory: Path,
        *,
        source_guard: bool,
    ) -> None:
        self.scenario = scenario
        self.network = network
        self.channel_control = channel_control
        self.tunnel_backend = tunnel_backend
        self.i3 = I3Plan(scenario, network, seed)
        self._seed = seed
        self._directory = directory
        self._source_guard = source_guard

    def roles(self) -> dict[str, Callable[[str], Agent]]:
        """For each role of nodes that has an agent, what makes that of a node of this name."""
        roles: dict[str, Callable[[str], Agent]] = {"mn": self._mn, **self.i3.roles()}
        return roles | ({"mr": self._mr} if self.proxy_timers() else {})

    def ready(self, events: Sequence[Event]) -> bool:
        """Whether mobile nodes may attach, given what the agents, which all serve, have logged."""
        return True

    def may_move(self, name: str, events: Sequence[Event]) -> bool:
        """Whether a mobile node that can communicate has all that it needs to go elsewhere."""
        return True

    def agents(self) -> dict[str, Agent]:
        """The agent of each node that has one."""
        roles = self.roles()
        agents = {}
        for node in self.network.plan.values():
            if node.role in roles:
                module, config = roles[node.role](node.name)
                agents[node.name] = (module, {**self._common(node.name), **config})
        return agents

    def proxy_timers(self, *, explicit_tracking: bool = False) -> dict[str, Any] | None:
        """Of the MLD proxies; None without multicast."""
        multicast = self.scenario.multicast
        if multicast.scheme == "none":
            return None
        return {
            "query_interval": multicast.query_interval,
            "query_response_interval": multicast.query_response_interval,
            "last_listener_query_interval": multicast.last_listener_query_interval,
            "robustness": multicast.robustness,
            "explicit_tracking": explicit_tracking,
        }

    def mars(self) -> dict[str, str]:
        """The access routers' names by their addresses."""
        return {str(self.network.address(mar)): mar for mar in self.network.names("mar")}

    def interception(self, name: str) -> dict[str, Any] | None:
        """Whose clients a router takes to the cache beside it, if it has one, and that's port."""
        services = self.scenario.services
        for service in services.values():
            if isinstance(service, Cache) and name in service.at:
                origin = services[service.origin]
                assert isinstance(origin, Origin)
                return {"server": str(self.network.address(origin.node)), "port": CACHE_PORT}
        return None

    def _common(self, name: str) -> dict[str, Any]:
        seed = self._seed * 1000 + list(self.network.plan).index(name)
        return {
            "node": name,
            "log": str(self._directory / "events.jsonl"),
            "query": str(query_path(name)),
            "seed": seed,
            "source_guard": self._source_guard,
        }

    def _mn(self, name: str) -> Agent:
        interface = self.network.interface(name, "wireless").name
        return "agents.roles.mn", {"interface": interface, "mih": None}

    def _mr(self, name: str) -> Agent:
        """A node of the proxy tree: the spine leads up, towards the root; the rest lead down."""
        interfaces = self.network.interfaces(name)
        up = [end.name for end in interfaces if end.kind == "spine" and end.peer == "mr1"]
        return "agents.roles.mr", {
            "upstream": up[0] if up else None,
            "downstream": {
                end.name: str(end.lan.network) if end.lan else None
                for end in interfaces
                if end.name not in up
            },
            "multicast": self.proxy_timers(),
        }
