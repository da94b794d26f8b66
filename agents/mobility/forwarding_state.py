"""The forwarding state that one mobile node needs at one MAR, and how to get from one to another.

A MAR never edits routes step by step: each state of a session *has* a forwarding state, and a
transition carries out the difference. So nothing is left behind, whatever the path to a state.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv6Address, IPv6Network

from agents.core import Action
from agents.mobility.actions import (
    InstallReturnRoute,
    InstallRoute,
    InstallSourceRoute,
    KeepPackets,
    MobileNode,
    RemoveReturnRoute,
    RemoveRoute,
    RemoveSourceRoute,
)
from agents.mobility.anchors import Anchor
from agents.mobility.tunnels import DlifTable, TunnelTable


@dataclass(frozen=True)
class ForwardingState:
    """Routes, source routes and DLIF addresses of one mobile node; the keys' order is kept."""

    routes: Mapping[IPv6Network, IPv6Address | None] = field(default_factory=dict)
    source_routes: Mapping[IPv6Network, IPv6Address] = field(default_factory=dict)
    link_locals: tuple[IPv6Address, ...] = ()
    kept: Mapping[IPv6Network, MobileNode] = field(default_factory=dict)
    """Prefixes without a route, whose packets are kept for a mobile node."""
    return_routes: Mapping[IPv6Network, tuple[IPv6Address, IPv6Address]] = field(
        default_factory=dict
    )
    """By which tunnel packets from a prefix come, and by which they go on."""

    def peers(self) -> dict[IPv6Address, None]:
        """The far ends of the tunnels that these routes use."""
        returned = [peer for pair in self.return_routes.values() for peer in pair]
        ends = [*self.routes.values(), *self.source_routes.values(), *returned]
        return {peer: None for peer in ends if peer is not None}


NOTHING = ForwardingState()


def serving(prefix: IPv6Network, anchors: Iterable[Anchor]) -> ForwardingState:
    """At the S-MAR: all prefixes lead to the access link; the anchors' own come from their MARs."""
    anchors = tuple(anchors)
    return ForwardingState(
        routes={prefix: None} | {anchor.prefix: None for anchor in anchors},
        source_routes={anchor.prefix: anchor.address for anchor in anchors},
        link_locals=tuple({anchor.link_local: None for anchor in anchors}),
    )


def anchoring(prefix: IPv6Network, serving: IPv6Address) -> ForwardingState:
    """At a P-MAR or an LMA: its prefix leads through the tunnel to the S-MAR, or to the MAG."""
    return ForwardingState(routes={prefix: serving})


def visited(prefix: IPv6Network, anchor: IPv6Address) -> ForwardingState:
    """At a MAG: the home network prefix leads to the access link, and back by way of the LMA."""
    return ForwardingState(routes={prefix: None}, source_routes={prefix: anchor})


def waiting(
    prefix: IPv6Network, mobile_node: MobileNode, anchor: IPv6Address, to: IPv6Address | None
) -> ForwardingState:
    """At a MAG, for a mobile node that is on its way: keep what comes from its anchor.

    If the next MAG is known already, what comes from there goes to the anchor.
    """
    returned = {prefix: (to, anchor)} if to is not None else {}
    return ForwardingState(
        kept={prefix: mobile_node}, source_routes={prefix: anchor}, return_routes=returned
    )


def handed_over(prefix: IPv6Network, to: IPv6Address, anchor: IPv6Address) -> ForwardingState:
    """At the previous MAG: all goes on to the next one, and what comes from there to the anchor."""
    return ForwardingState(
        routes={prefix: to},
        source_routes={prefix: anchor},
        return_routes={prefix: (to, anchor)},
    )


def transition(
    old: ForwardingState, new: ForwardingState, holder: str, tunnels: TunnelTable, dlifs: DlifTable
) -> list[Action]:
    """Make before break: what is needed comes first, what is no longer needed goes last."""
    made = make(old, new, holder, tunnels, dlifs)
    return made + unmake(old, new, holder, tunnels, dlifs)


def make(
    old: ForwardingState, new: ForwardingState, holder: str, tunnels: TunnelTable, dlifs: DlifTable
) -> list[Action]:
    """Bring up what the new state has and the old one had not: packets take their new way."""
    actions: list[Action] = []
    for peer in new.peers():
        actions += tunnels.hold(peer, holder)
    for prefix, peer_or_link in new.routes.items():
        if prefix not in old.routes or old.routes[prefix] != peer_or_link:
            actions.append(InstallRoute(prefix, peer_or_link))
    actions += [KeepPackets(p, node) for p, node in new.kept.items() if p not in old.kept]
    for prefix, peer in new.source_routes.items():
        if old.source_routes.get(prefix) != peer:
            actions.append(InstallSourceRoute(prefix, peer))
    for prefix, (origin, peer) in new.return_routes.items():
        if old.return_routes.get(prefix) != (origin, peer):
            actions.append(InstallReturnRoute(prefix, origin, peer))
    for link_local in new.link_locals:
        actions += dlifs.hold(link_local, holder)
    return actions


def unmake(
    old: ForwardingState, new: ForwardingState, holder: str, tunnels: TunnelTable, dlifs: DlifTable
) -> list[Action]:
    """Take down what the old state had and the new one has not."""
    actions: list[Action] = []
    actions += [RemoveReturnRoute(p) for p in old.return_routes if p not in new.return_routes]
    actions += [RemoveSourceRoute(p) for p in old.source_routes if p not in new.source_routes]
    led = {*new.routes, *new.kept}
    actions += [RemoveRoute(prefix) for prefix in (*old.routes, *old.kept) if prefix not in led]
    for link_local in old.link_locals:
        if link_local not in new.link_locals:
            actions += dlifs.release(link_local, holder)
    needed = new.peers()
    for peer in old.peers():
        if peer not in needed:
            actions += tunnels.release(peer, holder)
    return actions
