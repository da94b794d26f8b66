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
from emu.scenario.overlay import MemberOverlay

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
                yield MemberJob(self.process(node), node, self._config(node, overlay))

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
        return INTERFACE if self._members else self._network.interfaces(node)[0].name

    def address(self, node: str) -> IPv6Address:
        """A member's address on the virtual interface."""
        return IPv6Address(int(_V6) + self._number(node))

    def _number(self, node: str) -> int:
        return 1 + self._members.index(node)

    def _config(self, node: str, overlay: MemberOverlay) -> dict[str, Any]:
        fixed = [name for name in self._members if self._scenario.nodes[name].role != "mn"]
        known = [name for name in fixed[: _WELL_KNOWN + 1] if name != node][:_WELL_KNOWN]
        addresses = [
            IPv4Interface((_V4 + self._number(node), 16)),
            IPv6Interface((self.address(node), 64)),
        ]
        below = TUNNEL_MTU if self._scenario.nodes_of("mn") else _ETHERNET_MTU
        return {
            **overlay.model_dump(),
            "folder": str(self._folder),
            "node": node,
            "log": str(self._directory / "events.jsonl"),
            "query": str(query_path(node)),
            "interface": INTERFACE,
            "addresses": [str(address) for address in addresses],
            "mtu": overlay.mtu or below - OVERHEAD,
            "known": [(str(self._network.address(name)), PORT) for name in known],
        }
