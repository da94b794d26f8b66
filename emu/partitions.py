"""Hosts that are cut off from others: each hears those only that are on its own side."""

from __future__ import annotations

from collections.abc import Sequence

from agents.kernel.barrier import IDENTIFIER, Barrier
from emu.network.addressing import Interface, eui64_link_local
from emu.network.build import Network
from emu.network.namespace import entered


class Partitions:
    """Those of one network. Routers are on every side."""

    def __init__(self, network: Network, hosts: Sequence[str]) -> None:
        self._network = network
        self._sides: dict[str, frozenset[str]] = dict.fromkeys(hosts, frozenset())
        self._barriers: dict[str, Barrier] = {}

    def cut_off(self, hosts: Sequence[str]) -> None:
        """These hear each other only, and no other host hears them."""
        self._sides |= dict.fromkeys(hosts, frozenset(hosts))
        self._build()

    def heal(self, hosts: Sequence[str]) -> None:
        """These are back on the side of all that nobody has cut off."""
        self._sides |= dict.fromkeys(hosts, frozenset())
        self._build()

    def _build(self) -> None:
        for host, side in self._sides.items():
            if host not in self._barriers:
                with entered(self._network.namespace(host)):
                    self._barriers[host] = Barrier()
            others = (name for name, theirs in self._sides.items() if theirs != side)
            self._barriers[host].block({self._source(name) for name in others})

    def _source(self, host: str) -> bytes:
        """What a host's packets are known by: a mobile node's wherever it is."""
        node = self._network.plan[host]
        return node.address.packed if node.address else _identifier(node.interfaces[0])


def _identifier(interface: Interface) -> bytes:
    return eui64_link_local(interface.link_layer_address).packed[-IDENTIFIER:]
