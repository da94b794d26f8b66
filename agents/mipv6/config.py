"""What the cores are told at their start, and what they count; times in ns unless named."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from agents.core import SECOND

INITIAL_TIMEOUT = SECOND
"""INITIAL_BINDACK_TIMEOUT (RFC 6275 section 12)."""
MAXIMUM_TIMEOUT = 32 * SECOND
"""MAX_BINDACK_TIMEOUT (RFC 6275 section 12)."""
DEFAULT_LIFETIME = 300
TEST_INTERVAL = 30 * SECOND
"""How often a mobile node at home sees to it that its home address is tested."""


@dataclass(frozen=True)
class MobileNodeConfig:
    """A mobile node."""

    identifier: str
    """Its name in the event log."""
    binding_lifetime_s: int = DEFAULT_LIFETIME
    """What it asks for."""
    initial_timeout: int = INITIAL_TIMEOUT
    maximum_timeout: int = MAXIMUM_TIMEOUT
    regional: bool = False
    """Whether its home agents are mobility anchor points (RFC 5380)."""
    only_last: bool = False
    """Where the network kept its home addresses reachable until now: whether it tells only the last
    router there where it is (HDMM paper section 4.3, case ii), and not the router of each."""


@dataclass(frozen=True)
class HomeAgentConfig:
    """A home agent."""

    address: IPv6Address
    """Where Binding Updates come, and the end of the tunnels."""
    pool: IPv6Network
    """The home addresses that it serves."""
    binding_lifetime_s: int = DEFAULT_LIFETIME
    """The most that it grants."""


@dataclass
class Counters:
    """Messages that a core did not act on."""

    malformed: int = 0
    """A message that cannot be meant, such as one with a multicast care-of address."""
    unauthentic: int = 0
    """From somebody who has no say, or who did not show that he has."""
    ignored: int = 0
    """Of another protocol, or an answer that nobody waits for."""
    full: int = 0
    """What it would have had to be remembered for, had there been room."""
