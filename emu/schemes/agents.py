"""What the agents of every scheme are told at their start, from the scenario and the network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from ipaddress import IPv6Network
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from emu.events import Event
from emu.i3_plan import I3Plan
from emu.running import query_path
from emu.sandbox import RUN_DIRECTORY
from emu.scenario.model import Scenario
from emu.scenario.multicast_scheme import MULTICAST_SCHEMES, MulticastScheme
from emu.scenario.services import CACHE_PORT, Cache, Origin

if TYPE_CHECKING:  # they need Mininet, which a scenario can be checked without
    from emu.channel_control import ChannelControlPlan
    from emu.network.build import Network

Agent = tuple[str, dict[str, Any]]
"""The module of an agent, and its configuration."""


class Agents:
    """The agents of one run. A scheme's own subclass says which roles of nodes have which."""

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

    @property
    def multicast_scheme(self) -> MulticastScheme:
        """The declaration of the scenario's multicast scheme."""
        return MULTICAST_SCHEMES.find(self.scenario.multicast.scheme)

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

    def access_link(self, name: str) -> dict[str, Any]:
        """What an access router is told of the link to its mobile nodes."""
        access = self.network.interface(name, "access")
        return {
            "access": access.name,
            "link_local": str(access.link_local),
            "link_layer_address": access.link_layer_address,
            "peers": self.mars(),
            "trigger": str(RUN_DIRECTORY / f"{name}.trigger"),
        }

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
        return "agents.roles.watched_node", {"interface": interface, "mih": None}

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
