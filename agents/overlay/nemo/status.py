"""What a member tells people of itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from agents.overlay.nemo.book import Book
from agents.overlay.nemo.hierarchy import Hierarchy
from agents.wire.addresses import unmapped
from agents.wire.i3 import address_and_port
from agents.wire.nemo import Peer
from agents.wire.overlay import MemberId


def seen(book: Book, hierarchies: Iterable[Hierarchy]) -> list[dict[str, Any]]:
    """Those in our clusters: where they are, how far, and in which groups."""
    groups: dict[MemberId, list[str]] = defaultdict(list)
    for hierarchy in hierarchies:
        seated = {member for cluster in hierarchy.clusters for member in cluster.seats}
        for member in seated - {hierarchy.me}:
            groups[member].append(str(unmapped(hierarchy.group)))
    return [
        {
            "member": member.hex(),
            "name": _text(book.peer(member)),
            "rtt_ms": book.rtt_ms(member),
            "direct": True,
            "groups": sorted(of),
        }
        for member, of in sorted(groups.items())
    ]


def clusters(hierarchy: Hierarchy) -> list[dict[str, Any]]:
    """Our cluster in each layer of a group."""
    return [
        {
            "layer": layer,
            "leader": cluster.leader.hex(),
            "co_leaders": [member.hex() for member in cluster.crew],
            "members": sorted(member.hex() for member in cluster.seats),
        }
        for layer, cluster in enumerate(hierarchy.clusters)
    ]


def _text(peer: Peer) -> str:
    address, port = address_and_port(peer.endpoint)
    return f"{unmapped(address)} port {port}"
