"""What the members of an overlay are told at their start, from the scenario and the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from pathlib import Path
from typing import Any

from agents.kernel.tunnel import MTU as TUNNEL_MTU
from agents.wire.overlay import PORT
from emu.events import Event
from emu.network.build import Network
from emu.overlay_file import OVERHEAD
from emu.overlay_protocols import registry
from emu.running import query_path
from emu.scenario.model import Scenario
from emu.scenario.overlay import AMT, MemberOverlay
from topologies.parameters import ISLAND_LINK

INTERFACE = "mc0"
"""The virtual interface of each member."""
_ETHERNET_MTU = 1500
_WELL_KNOWN = 3
"""How many members one is told of by which to begin."""
_V4, _V6 = IPv4Address("10.80.0.0"), IPv6Address("fd80::")


@dataclass(frozen=True)
class MemberJob:
    """The process of one member."""

    name: str
    node: str
    config: dict[str, Any]
    target: str = "emu.overlay_node"


class OverlayPlan:
    """The overlay of one run: nobody is in it in a scenario without one."""

    def __init__(self, scenario: Scenario, network: Network, directory: Path, folder: Path) -> None:
        """``folder`` is where the scenario is."""
        self._scenario = scenario
        self._folder = folder
        self._network = network
        self._directory = directory
        self._members = scenario.members

    def jobs(self) -> Iterator[MemberJob]:
        """The members' processes."""
        overlay = self._scenario.alm
        if overlay is not None:
            for node in self._members:
                name = self.process(node)
                if self._is_relay(node):
                    config = self._common(node, overlay) | {
                        "address": str(self._network.address(node))
                    }
                    yield MemberJob(name, node, config, "emu.amt_relay_node")
                else:
                    yield MemberJob(name, node, self._config(node, overlay))

    @property
    def port(self) -> int | None:
        """Where members get each other's datagrams; None without an overlay."""
        overlay = self._scenario.alm
        return None if overlay is None else registry.find(overlay.scheme, self._folder).port

    def process(self, node: str) -> str:
        """The name of the process that makes a node a member; the node's own for others."""
        return f"overlay@{node}" if node in self._members else node

    def ready(self, events: Sequence[Event]) -> bool:
        """Whether each member knows all others, if that ever is so."""
        overlay = self._scenario.alm
        if overlay is None or not registry.find(overlay.scheme, self._folder).all_known:
            return True
        known = {(e["node"], e["name"]) for e in events if e["kind"] == "overlay_member"}
        return len(known) >= len(self._members) * (len(self._members) - 1)

    def interface(self, node: str) -> str:
        """Where a node sends to channels, and listens to them."""
        return INTERFACE if node in self._members else self._network.interfaces(node)[0].name

    def address(self, node: str) -> IPv6Address:
        """A member's address on the virtual interface."""
        return IPv6Address(int(_V6) + self._number(node))

    def _number(self, node: str) -> int:
        return 1 + self._members.index(node)

    def _is_relay(self, node: str) -> bool:
        """With AMT a member on an island is a relay."""
        overlay = self._scenario.alm
        return bool(overlay and overlay.scheme == AMT and self._scenario.nodes[node].island)

    def _relay(self, node: str, overlay: MemberOverlay) -> dict[str, str]:
        """The relay of a gateway of AMT, one in turn, unless its options have it."""
        relays = [name for name in self._members if self._is_relay(name)]
        if not relays or overlay.options.keys() & {"relay", "discovery"}:
            return {}
        address = self._network.address(relays[self._number(node) % len(relays)])
        return {"relay": f"[{address}]:{self.port}"}

    def _common(self, node: str, overlay: MemberOverlay) -> dict[str, Any]:
        """What a member is told, whatever it is."""
        island = self._scenario.nodes[node].island is not None
        return {
            **overlay.model_dump(),
            "node": node,
            "log": str(self._directory / "events.jsonl"),
            "query": str(query_path(node)),
            "interface": self._network.interface(node, ISLAND_LINK).name if island else INTERFACE,
        }

    def _config(self, node: str, overlay: MemberOverlay) -> dict[str, Any]:
        fixed = [name for name in self._members if self._scenario.nodes[name].role != "mn"]
        known = [name for name in fixed[: _WELL_KNOWN + 1] if name != node][:_WELL_KNOWN]
        addresses = [
            IPv4Interface((_V4 + self._number(node), 16)),
            IPv6Interface((self.address(node), 64)),
        ]
        below = TUNNEL_MTU if self._scenario.nodes_of("mn") else _ETHERNET_MTU
        return {
            **self._common(node, overlay),
            "options": overlay.options | self._relay(node, overlay),
            "folder": str(self._folder),
            "port": self.port,
            "networks": () if self._scenario.nodes[node].island else None,
            "addresses": [str(address) for address in addresses],
            "mtu": overlay.mtu or below - OVERHEAD,
            "known": [(str(self._network.address(name)), PORT) for name in known],
        }
