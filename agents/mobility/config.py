"""What a core is told at its start, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv6Address, IPv6Network

from agents.core import MILLISECOND, SECOND
from agents.mobility.anchors import Anchor
from agents.wire.mobility import LIFETIME_UNIT, MAXIMUM_LIFETIME

FORGET_DELAY = 10 * SECOND
"""How long a removed binding is remembered, so that a late message cannot bring it back (ns)."""

INITIAL_TIMEOUT = 1 * SECOND
"""INITIAL_BINDACK_TIMEOUT (RFC 6275 section 12)."""

MAXIMUM_TIMEOUT = 32 * SECOND
"""MAX_BINDACK_TIMEOUT (RFC 6275 section 12)."""

ASSERT_DELAY = 1 * SECOND
"""How late a Link_Down trigger may be: after that, a node that was not taken off the link is there,
whatever others say (ns)."""

PREFIX_DELAY = 10 * SECOND
"""When an access router asks again for a prefix that there was none of (ns)."""

DETACH_DELAY = 10 * SECOND
"""MinDelayBeforeBCEDelete (RFC 5213 section 9.1)."""

FIRST_ATTACHMENT_TIMEOUT = 100 * MILLISECOND
"""How long a MAR of a domain without a CMD waits for answers (paper section 4.2.3), ns."""

DEFAULT_LIFETIME = 300
"""Seconds that a binding lives without being refreshed."""


class Variant(Enum):
    """How a serving MAR learns that its mobile node is bound (paper section 4.2.2)."""

    RELAY = "relay"
    """The CMD answers it once all previous MARs have answered the CMD (figure 4)."""
    LOCATOR = "locator"
    """The previous MARs answer it themselves (figure 6)."""
    PROXY = "proxy"
    """The CMD answers it at once (figure 7, RFC 8885)."""


@dataclass(frozen=True)
class MarConfig:
    """A mobility anchor and access router; times are in ns unless their name says otherwise."""

    address: IPv6Address
    """Its address in the domain: Proxy-CoA, tunnel end-point, source of its signalling."""
    cmd: IPv6Address
    """Where its PBUs go: the CMD; or, in a domain without one, the group of all MARs."""
    pool: IPv6Network
    """Where the prefixes of its mobile nodes come from."""
    link_local: IPv6Address
    """Its address on the access link: default router, and DLIF at other MARs."""
    link_layer_address: bytes
    first_prefix: int = 1
    """Which of them is the first, of so many that it wraps: one that has lost its memory does not
    begin with those that it gave to others before."""
    binding_lifetime_s: int = DEFAULT_LIFETIME
    initial_timeout: int = INITIAL_TIMEOUT
    maximum_timeout: int = MAXIMUM_TIMEOUT
    detach_delay: int = DETACH_DELAY
    """How long a mobile node may be away before its binding is removed."""
    clock_offset: int = 0
    """What to add to the cores' time for time since 1970, which Timestamp options carry."""
    context_transfer: bool = False
    """Whether it hands over what its mobile nodes listen to, and asks what newcomers do."""
    acknowledging: frozenset[IPv6Address] = frozenset()
    """The MARs whose PBAs count beside the CMD's: all, if the CMD is a locator, or there is none.
    Without a CMD their PBUs count as well."""
    standby: IPv6Address | None = None
    """The CMD that is asked when the other one does not answer."""
    serves_alone: bool = False
    """Whether a mobile node gets its own prefix without a binding while the CMD does not answer."""
    home_agent: bool = False
    """Whether it is the home agent of its prefixes, too, and tells mobile nodes so."""
    first_attachment_timeout: int = FIRST_ATTACHMENT_TIMEOUT
    """Without a CMD: how long the MARs have to answer, until the mobile node is taken for new."""

    @property
    def distributed(self) -> bool:
        """Whether there is no CMD."""
        return self.cmd.is_multicast

    def anchor(self, prefix: IPv6Network) -> Anchor:
        """This MAR as the anchor of a prefix."""
        return Anchor(self.address, prefix, self.link_local, self.link_layer_address)

    def __post_init__(self) -> None:
        check_lifetime(self.binding_lifetime_s)


@dataclass(frozen=True)
class CmdConfig:
    """The central mobility database; times are in ns unless their name says otherwise."""

    address: IPv6Address
    binding_lifetime_s: int = DEFAULT_LIFETIME
    """The most that it grants."""
    initial_timeout: int = INITIAL_TIMEOUT
    maximum_timeout: int = MAXIMUM_TIMEOUT
    mars: frozenset[IPv6Address] | None = None
    """Who may register mobile nodes; None: whoever asks."""
    variant: Variant = Variant.PROXY
    clock_offset: int = 0
    """What to add to the cores' time for time since 1970."""

    def __post_init__(self) -> None:
        check_lifetime(self.binding_lifetime_s)


@dataclass(frozen=True)
class PairConfig:
    """What a CMD is told of the one that stands in for it, or for which it does."""

    peer: IPv6Address
    restarts: int
    """Another number at each start, of 32 bits."""
    interval: int = INITIAL_TIMEOUT
    """Between two heartbeats, and between two transmissions of a change (ns)."""


@dataclass(frozen=True)
class MagConfig:
    """A mobile access gateway; times are in ns unless their name says otherwise."""

    address: IPv6Address
    """Proxy-CoA: its address in the domain, tunnel end-point, source of its signalling."""
    lma: IPv6Address
    link_local: IPv6Address
    """Default router of its mobile nodes, the same on every MAG (RFC 5213 section 6.8)."""
    link_layer_address: bytes
    """The same on every MAG, too."""
    binding_lifetime_s: int = DEFAULT_LIFETIME
    initial_timeout: int = INITIAL_TIMEOUT
    maximum_timeout: int = MAXIMUM_TIMEOUT
    clock_offset: int = 0
    """What to add to the cores' time for time since 1970, which Timestamp options carry."""

    def __post_init__(self) -> None:
        check_lifetime(self.binding_lifetime_s)


@dataclass(frozen=True)
class LmaConfig:
    """A local mobility anchor; times are in ns unless their name says otherwise."""

    address: IPv6Address
    pool: IPv6Network
    """Where home network prefixes come from."""
    mags: frozenset[IPv6Address]
    """Who may register mobile nodes."""
    binding_lifetime_s: int = DEFAULT_LIFETIME
    """The most that it grants."""
    delete_delay: int = DETACH_DELAY
    """How long a mobile node may be away before its binding is removed."""
    clock_offset: int = 0
    """What to add to the cores' time for time since 1970."""

    def __post_init__(self) -> None:
        check_lifetime(self.binding_lifetime_s)


@dataclass
class Counters:
    """Messages that a core did not act on."""

    malformed: int = 0
    """A message that lacks what it must have, or contradicts itself."""
    unauthentic: int = 0
    """From an address that has no say."""
    ignored: int = 0
    """Of another protocol, duplicated, outdated, or an answer that nobody waits for."""


def check_lifetime(seconds: int) -> None:
    """Refuse a binding lifetime that the wire cannot carry (RFC 6275 section 6.1.7)."""
    if not 0 < seconds <= MAXIMUM_LIFETIME or seconds % LIFETIME_UNIT:
        raise ValueError(
            f"binding lifetime {seconds} s: must be a multiple of {LIFETIME_UNIT} s, "
            f"at most {MAXIMUM_LIFETIME} s"
        )
