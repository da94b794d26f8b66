"""What servers and members are told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from agents.core import MILLISECOND, SECOND


@dataclass(frozen=True)
class ServerConfig:
    """One i3 server's bounds and times."""

    triggers_per_identifier: int = 9
    """The paper's D, and one more: that of the member itself (section 3.2)."""
    triggers_per_owner: int = 256
    """What one endpoint may have here."""
    triggers: int = 100_000
    """What all may have here."""
    lifetime: int = 30 * SECOND
    """A trigger that nobody refreshes for so long is gone (section 4), ns."""


class Refresh(Enum):
    """Who refreshes the triggers above a member, and when (sections 4 and 6.2)."""

    NAIVE = "naive"
    """Each member all of them, whoever else does."""
    UNIFORM = "refresh-unif"
    """Whose random timer ends first; the others hear of it and start anew."""
    LEVEL = "refresh-level"
    """Likewise, but those one and two levels below a trigger have the shorter timers."""


class Recovery(Enum):
    """Who of an anycast group is asked for a lost packet (section 5)."""

    OFF = "off"
    LEAST_LOSS = "rel-loss"
    """The member that loses least."""
    RANDOM = "rel-random"
    """Another member for each packet."""


class RootChoice(Enum):
    """Who chooses the root below which a newcomer looks for its place (section 3.2.1)."""

    LIST = "list"
    """The newcomer, which knows how many there are."""
    ANYCAST = "anycast"
    """The infrastructure."""


class Metric(Enum):
    """By what a place in the tree is chosen (section 3.2.2)."""

    DELAY = "delay"
    """Of a packet from the source, as those who are asked say."""
    LOSS = "loss"
    BANDWIDTH = "bandwidth"


@dataclass(frozen=True)
class GroupConfig:
    """What the members of one group agree upon."""

    degree: int = 8
    """How many children an identifier has at most, the paper's D."""
    metric: Metric = Metric.DELAY
    roots: int = 1
    """How many members newcomers can ask first: the founder, and some of its children."""
    root_choice: RootChoice = RootChoice.LIST
    reply_time: int = 1 * SECOND
    """How long a join waits at a level for answers, unless all that can come have come; ns."""
    refresh: Refresh = Refresh.LEVEL
    refresh_period: int = 10 * SECOND
    """The paper's T / k: a trigger's lifetime of 30 s less a factor of 3 for losses; ns."""
    probe_period: int = 30 * SECOND
    """How often a member sees whether its identifier is full (section 3.2.2); ns."""
    probe_delay: int = 100 * MILLISECOND
    """And how long after somebody has tried to join there; ns."""
    recovery: Recovery = Recovery.OFF
    repair_wait: int = 300 * MILLISECOND
    """A lost packet is asked for after a random time up to this; ns."""
    repair_timeout: int = 800 * MILLISECOND
    """And asked for again after this; ns."""
    kept_packets: int = 256
    """How many packets a member keeps for others."""
