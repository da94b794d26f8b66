"""What each agent is told at its start, from the scenario and the network."""

from __future__ import annotations

from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from agents.core import MILLISECOND, SECOND
from emu.channel_control import ChannelControlPlan
from emu.network.build import Network
from emu.sandbox import RUN_DIRECTORY
from emu.scenario.model import Scenario

MODULES = {"mar": "agents.roles.mar", "cmd": "agents.roles.cmd", "mr": "agents.roles.mr",
           "mn": "agents.roles.mn", "ix": "agents.roles.mr"}  # fmt: skip

ALL_MARS = IPv6Address("ff05::5213")
"""The group of all MARs, of site-local scope, where there is no CMD."""


class AgentConfigs:
    """The configurations of the agents of one run."""

    def __init__(
        self,
        scenario: Scenario,
        network: Network,
        channel_control: ChannelControlPlan,
        tunnel_backend: str,
        seed: int,
        directory: Path,
    ) -> None:
        self._scenario = scenario
        self._network = network
        self._channel_control = channel_control
        self._tunnel_backend = tunnel_backend
        self._seed = seed
        self._directory = directory

    def all(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """The module and the configuration of the agent of each node that has one."""
        make = {"mar": self._mar, "mn": self._mn}
        # Without a CMD the exchange has to carry what the MARs send to the group of all.
        make |= {"ix": self._ix} if self._distributed else {"cmd": self._cmd}
        make |= {"mr": self._mr} if self._multicast() else {}
        return {
            node.name: (
                MODULES[node.role],
                {**self._common(node.name), **make[node.role](node.name)},
            )
            for node in self._network.plan.values()
            if node.role in make
        }

    @property
    def _distributed(self) -> bool:
        return self._scenario.mobility.variant == "distributed"

    def _common(self, name: str) -> dict[str, Any]:
        seed = self._seed * 1000 + list(self._network.plan).index(name)
        return {"node": name, "log": str(self._directory / "events.jsonl"), "seed": seed}

    def _mar(self, name: str) -> dict[str, Any]:
        access = self._network.interface(name, "access")
        mobility = self._scenario.mobility
        return {
            "address": str(self._network.address(name)),
            "cmd": str(ALL_MARS if self._distributed else self._network.address("cmd")),
            "group_interface": self._network.interface(name, "backhaul").name
            if self._distributed
            else None,
            "pool": str(self._network.pool(name)),
            "link_local": str(access.link_local),
            "link_layer_address": access.link_layer_address,
            "access": access.name,
            "upstream": self._network.interface(name, "core").name,
            "tunnel_backend": self._tunnel_backend,
            "peers": self._mars(),
            "acknowledging": self._others(name)
            if mobility.variant in ("locator", "distributed")
            else [],
            "trigger": str(RUN_DIRECTORY / f"{name}.trigger"),
            "multicast": self._multicast(explicit_tracking=True),
            "channel_control": self._channel_control.of_mar(name),
            "mobility": {
                "binding_lifetime_s": mobility.binding_lifetime // SECOND,
                "initial_timeout": mobility.retransmission,
                "context_transfer": self._scenario.multicast.context_transfer == "pbu",
                "first_attachment_timeout": mobility.first_attachment_timeout,
            },
        }

    def _cmd(self, name: str) -> dict[str, Any]:
        mobility = self._scenario.mobility
        return {
            "address": str(self._network.address(name)),
            "peers": self._mars(),
            "variant": mobility.variant,
            "channel_control": self._channel_control.of_cmd(name),
            "mobility": {
                "binding_lifetime_s": mobility.binding_lifetime // SECOND,
                "initial_timeout": mobility.retransmission,
            },
        }

    def _mr(self, name: str) -> dict[str, Any]:
        """A node of the proxy tree: the spine leads up, towards the root; the rest lead down."""
        interfaces = self._network.interfaces(name)
        up = [end.name for end in interfaces if end.kind == "spine" and end.peer == "mr1"]
        down = [end.name for end in interfaces if end.name not in up]
        return {
            "upstream": up[0] if up else None,
            "downstream": down,
            "multicast": self._multicast(),
        }

    def _ix(self, name: str) -> dict[str, Any]:
        """The root, and only router, of the tree on which the MARs' own group is carried."""
        return {
            "upstream": None,
            "downstream": [end.name for end in self._network.interfaces(name)],
            "multicast": {"query_response_interval": 200 * MILLISECOND},
        }

    def _mn(self, name: str) -> dict[str, Any]:
        return {"interface": self._network.interface(name, "wireless").name}

    def _mars(self) -> dict[str, str]:
        return {str(self._network.address(mar)): mar for mar in self._network.names("mar")}

    def _others(self, name: str) -> list[str]:
        return [address for address, mar in self._mars().items() if mar != name]

    def _multicast(self, *, explicit_tracking: bool = False) -> dict[str, Any] | None:
        """The proxy's timers; explicit tracking, if any, is the MARs' alone."""
        multicast = self._scenario.multicast
        if multicast.scheme == "none":
            return None
        return {
            "query_interval": multicast.query_interval,
            "query_response_interval": multicast.query_response_interval,
            "last_listener_query_interval": multicast.last_listener_query_interval,
            "robustness": multicast.robustness,
            "explicit_tracking": explicit_tracking and multicast.explicit_tracking,
        }
