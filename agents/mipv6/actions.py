"""What the cores ask their surroundings to do. Lifetimes are in seconds."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import Action
from agents.mipv6.packets import Packet


@dataclass(frozen=True)
class Send(Action):
    """Send a message."""

    packet: Packet


# A mobile node's


@dataclass(frozen=True)
class TakeRegional(Action):
    """A regional care-of address is the node's own from now on, and of no link (RFC 5380)."""

    address: IPv6Address


@dataclass(frozen=True)
class LeaveHome(Action):
    """The home address is not on the link: keep it, for what uses it, and send nothing from it."""

    home_address: IPv6Address


@dataclass(frozen=True)
class LeaveLink(Action):
    """Neither bound nor a care-of address: the home address needs nothing of the last link."""

    home_address: IPv6Address


@dataclass(frozen=True)
class OpenTunnel(Action):
    """A binding is being asked for: get the tunnel ready, from the care-of address to the agent."""

    home_address: IPv6Address
    home_agent: IPv6Address
    care_of: IPv6Address


@dataclass(frozen=True)
class UseTunnel(Action):
    """The binding stands: what is sent from the home address takes the tunnel opened last."""

    home_address: IPv6Address


@dataclass(frozen=True)
class ReturnHome(Action):
    """The home address is on the link: no tunnel."""

    home_address: IPv6Address


@dataclass(frozen=True)
class GiveUp(Action):
    """The home address is released: it is the mobile node's no more."""

    home_address: IPv6Address


@dataclass(frozen=True)
class UseDirectPath(Action):
    """The correspondent has a binding: what goes there from the home address goes straight."""

    home_address: IPv6Address
    correspondent: IPv6Address


@dataclass(frozen=True)
class LeaveDirectPath(Action):
    """What goes there from the home address takes the home agent's tunnel, or its link."""

    home_address: IPv6Address
    correspondent: IPv6Address


def order(action: Action) -> int:
    """First a home address is freed for native use: updates of the others have it as their source.

    Last come tunnels, which take the kernel some ms each: meanwhile the updates are on their way.
    """
    return isinstance(action, OpenTunnel) - isinstance(action, ReturnHome)


# A home agent's, or a correspondent's


@dataclass(frozen=True)
class Bind(Action):
    """A home agent has a tunnel between the care-of address and itself for the home address; a
    correspondent sends to the care-of address."""

    home_address: IPv6Address
    care_of: IPv6Address


@dataclass(frozen=True)
class Unbind(Action):
    """The mobile node is at home, or gone: there is nothing special about its home address."""

    home_address: IPv6Address
