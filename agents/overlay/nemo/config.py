"""What an operator sets of NEMO, and what bounds it. Times are in ns."""

from __future__ import annotations

from dataclasses import dataclass

from agents.core import MILLISECOND, SECOND


@dataclass(frozen=True)
class NemoConfig:
    """Times, counts and bounds of one member."""

    cluster: int = 3
    """k: a cluster has k to 3k - 1 members, as with NICE."""
    crew: int = 3
    """How many co-leaders a leader has."""
    draw_each_packet: bool = True
    """Who brings it on is drawn for each packet; else that stays for some heartbeats."""
    heartbeat: int = 1 * SECOND
    dead_after: int = 4 * SECOND
    """A member of whom no heartbeat has come for so long is gone."""
    refinement: float = 0.2
    """How likely a leader looks for a better one at a heartbeat."""
    reordering: float = 0.5
    """How likely it changes the order in which its members are served, then."""
    registration: int = 2 * SECOND
    """Between two registrations of a root; a rendezvous point remembers it for three."""
    answer: int = 500 * MILLISECOND
    """For so long a member that searches waits for an answer."""
    retransmissions: bool = True
    nack_after: int = 50 * MILLISECOND
    """A packet that lacks when a later one comes may be on its way for so long."""
    nack_retry: int = 200 * MILLISECOND
    nack_tries: int = 5
    publishing: int = 60 * SECOND
    """For so long after the last packet the top of a group is looked for."""
    maximum_groups: int = 1024
    """In which one member may be interested at a time, and as many to which it may send."""
    maximum_roots: int = 4096
    """Groups of one rendezvous point."""
    maximum_cluster: int = 64
    """Members of one cluster that has yet to be split."""
    maximum_publishers: int = 256
    """Of one group; who was silent for longest is forgotten first."""
    kept_packets: int = 512
    """Of one group, for those that lack them; and as many that we lack."""
    kept_octets: int = 8 << 20
    waiting_packets: int = 64
    """Of one group, until its top is found."""
    control_rate: int = 400
    """Control messages a second that are taken from one member, and twice as many at once."""
    again_rate: int = 500
    """Packets a second that one member is sent again, and twice as many at once."""
