"""What an operator sets of the overlay protocol, and what bounds it. Times are in ns."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core import MILLISECOND, SECOND


@dataclass(frozen=True)
class OverlayConfig:
    """Times, counts and bounds of one member."""

    degree: int = 4
    """How many children a member takes in one tree."""
    gossip_interval: int = 1 * SECOND
    """Between digests to a member drawn by lot."""
    life_interval: int = 5 * SECOND
    """Between two signs of life."""
    dead_after: int = 30 * SECOND
    """A member of whom no sign of life has come for so long is gone."""
    keep_alive: int = 10 * SECOND
    """Between the pings of a member behind a NAT to its hubs: mappings may last for 30 s only."""
    hubs: int = 2
    """By how many members one behind a NAT is reached."""
    receipt_interval: int = 500 * MILLISECOND
    """Between the receipts of a receiver, in trees of up to 100 members; it grows with them."""
    route_retry: int = 100 * MILLISECOND
    """Until a route is sent again that was not acknowledged; doubles up to 2 s."""
    heartbeat: int = 1 * SECOND
    """A tree without data has a heartbeat so often, which shows whether it is whole."""
    heartbeat_time: int = 60 * SECOND
    """For so long after the last data."""
    tree_lifetime: int = 210 * SECOND
    """A tree without data for so long is forgotten (Keepalive_Period of RFC 7761)."""
    avoid_time: int = 30 * SECOND
    """For how long a way that failed is not used."""
    maximum_members: int = 4096
    maximum_groups: int = 1024
    """In which one member may be interested at a time."""
    maximum_item: int = 1200
    """Octets of what a member says in one slot: an interest has up to 73 sources."""
    maximum_trees: int = 4096
    """Of all roots together, which a member takes part in; and of its own."""
    held_packets: int = 512
    """Data that came before its route."""
    held_time: int = 1 * SECOND
    control_rate: int = 400
    """Control messages a second that are taken from one member, and twice as many at once."""
