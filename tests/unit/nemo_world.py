"""Members that speak NEMO over the network of ``overlay_world``, in virtual time.

Every datagram of data is looked at as it is sent: no member may bring one packet on twice in one
layer, up may only become further up or down, and nobody may be given a packet twice.
"""

from __future__ import annotations

from random import Random

from agents.overlay.actions import SendDatagram
from agents.overlay.interface import Place
from agents.overlay.nemo.config import NemoConfig
from agents.overlay.nemo.member import NemoMember
from agents.wire.nemo import Data, Way
from agents.wire.nemo_codec import decode
from agents.wire.overlay import HEADER
from tests.unit.overlay_world import GROUP, PERFECT, SEEDS, Impairment, Node, World, public

DEFAULT = NemoConfig()


class NemoWorld(World):
    """The first members are the rendezvous points."""

    def __init__(
        self,
        seed: int,
        size: int,
        impairment: Impairment = PERFECT,
        config: NemoConfig = DEFAULT,
        keys: dict[int, bytes] | None = None,
    ) -> None:
        super().__init__(seed, size, impairment, config, keys=keys)

    def _make(self, number: int, inside: bytes):
        seeds = tuple(public(i) for i in range(SEEDS))
        random = Random(self.random.random())
        number_of_key = min(self.keys, default=0)
        place = Place(f"n{number}", (inside,), seeds, self.keys, number_of_key, random, self.now)
        core = NemoMember(place, self.config)
        return core.member, core

    def _look_at(self, node: Node, action: SendDatagram) -> None:
        if self.keys:
            return
        message = decode(action.datagram[HEADER.size :])
        self.sent[type(message).__name__] += len(action.destinations)
        if not isinstance(message, Data) or message.way is Way.AGAIN:
            return
        key = (node.number, message.publisher, message.sequence, message.way, message.layer)
        if key in self._forwarded:
            self.wrong.append(f"{self.now}: {node.number} brought a packet on twice")
        self._forwarded[key].update(action.destinations)


def members_of(world: NemoWorld) -> set[int]:
    """Who is in a cluster of the group."""
    return {n.number for n in world.nodes if n.alive and n.core.clusters(GROUP)}


def faults(world: NemoWorld) -> list[str]:
    """Where the clusters are not one tree over exactly those that want the group."""
    nodes = {node.member: node for node in world.nodes if node.alive}
    clusters = {node.member: node.core.clusters(GROUP) for node in nodes.values()}
    wrong = []
    roots = []
    for member, layers in clusters.items():
        number = nodes[member].number
        if nodes[member].wants is not bool(layers):
            wrong.append(f"{number} wants it: {nodes[member].wants}, has {len(layers)} layers")
        for layer, (leader, seats) in enumerate(layers):
            if (leader == member) is (layer == len(layers) - 1) and leader != member:
                wrong.append(f"{number} leads its clusters wrongly")
            theirs = clusters.get(leader, [])
            if layer >= len(theirs) or theirs[layer] != (leader, seats):
                wrong.append(f"{number} sees another cluster in layer {layer} than its leader")
            if leader == member and layer == len(layers) - 1:
                roots.append(number)
            if leader == member and any(
                len(clusters.get(seat, [])) <= layer or clusters[seat][layer][0] != member
                for seat in seats
            ):
                wrong.append(f"{number} counts others to its cluster in layer {layer}")
            if leader == member and not (
                world.config.cluster <= len(seats) < 3 * world.config.cluster
                or layer == len(layers) - 1
            ):
                wrong.append(f"{number} leads {len(seats)} in layer {layer}")
    if len(roots) != bool(any(clusters.values())):
        wrong.append(f"roots: {roots}")
    return wrong
