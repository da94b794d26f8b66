"""What the mobility cores ask their surroundings to do.

"Peer" is always the address of another MAR, the far end of a tunnel; ``None`` in its place means
the access link. Addresses, prefixes and lifetimes are the RFCs'; lifetimes are in seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address, IPv6Network

from agents.core import Action
from agents.wire.heartbeat import Heartbeat
from agents.wire.mih import MihMessage
from agents.wire.mld import AddressRecord
from agents.wire.mobility import BindingAcknowledgement, BindingUpdate
from agents.wire.ndp import MapOption


@dataclass(frozen=True)
class MobileNode:
    """A mobile node as its access router knows it: its identifier (RFC 4283) and where on L2."""

    identifier: str
    link_layer_address: bytes


@dataclass(frozen=True)
class Send(Action):
    """Send a signalling message from the node's own address."""

    message: BindingUpdate | BindingAcknowledgement | Heartbeat
    destination: IPv6Address


@dataclass(frozen=True)
class Store(Action):
    """Keep a CMD's entry where it outlives the process, before anything that follows is done."""

    identifier: str
    record: bytes


@dataclass(frozen=True)
class Forget(Action):
    """Strike a CMD's entry from what is stored."""

    identifier: str


@dataclass(frozen=True)
class SendMih(Action):
    """Send an MIH message; to a link-local address on the access link."""

    message: MihMessage
    destination: IPv6Address


@dataclass(frozen=True)
class CreateTunnel(Action):
    """Set up the bidirectional IPv6-in-IPv6 tunnel (RFC 2473) to a peer."""

    peer: IPv6Address


@dataclass(frozen=True)
class RemoveTunnel(Action):
    """Take the tunnel to a peer down: nobody holds it any more."""

    peer: IPv6Address


@dataclass(frozen=True)
class InstallRoute(Action):
    """Send packets *to* the prefix this way; replaces an earlier route of the prefix."""

    prefix: IPv6Network
    peer: IPv6Address | None


@dataclass(frozen=True)
class RemoveRoute(Action):
    """Forget the route to the prefix."""

    prefix: IPv6Network


@dataclass(frozen=True)
class InstallSourceRoute(Action):
    """Send packets *from* the prefix that enter by the access link through the tunnel to a peer."""

    prefix: IPv6Network
    peer: IPv6Address


@dataclass(frozen=True)
class RemoveSourceRoute(Action):
    """Forget the source route of the prefix."""

    prefix: IPv6Network


@dataclass(frozen=True)
class KeepPackets(Action):
    """Keep what comes for the prefix, a mobile node's that is not here; replaces its route.

    InstallRoute ends it: what was kept goes that way first. So does RemoveRoute, which drops it.
    """

    prefix: IPv6Network
    mobile_node: MobileNode


@dataclass(frozen=True)
class InstallReturnRoute(Action):
    """Send packets *from* the prefix that come by the tunnel to ``origin`` into that to ``peer``.

    It replaces an earlier one of the prefix.
    """

    prefix: IPv6Network
    origin: IPv6Address
    peer: IPv6Address


@dataclass(frozen=True)
class RemoveReturnRoute(Action):
    """Forget the return route of the prefix."""

    prefix: IPv6Network


@dataclass(frozen=True)
class AddDlif(Action):
    """Configure an anchor's link-local address on the access link (RFC 8885 section 3.6)."""

    link_local: IPv6Address


@dataclass(frozen=True)
class RemoveDlif(Action):
    """Remove an anchor's link-local address from the access link."""

    link_local: IPv6Address


@dataclass(frozen=True)
class AdvertisedPrefix:
    """One prefix of a Router Advertisement, lifetimes in seconds (RFC 4861 section 4.6.2)."""

    prefix: IPv6Network
    preferred_lifetime: int
    valid_lifetime: int


@dataclass(frozen=True)
class Advertise(Action):
    """Send one mobile node a Router Advertisement from a link-local address.

    ``router_lifetime`` 0 says that this address is no default router.
    """

    mobile_node: MobileNode
    router: IPv6Address
    router_lifetime: int
    prefixes: tuple[AdvertisedPrefix, ...]
    home_agent: IPv6Address | None = None
    """The router's own address, to be told, if it is the home agent of the prefixes."""
    maps: tuple[MapOption, ...] = ()
    """The mobility anchor points of this network (RFC 5380 section 5)."""


@dataclass(frozen=True)
class ServingStarted(Action):
    """The mobile node is bound here: the PBA of its attachment has come.

    ``previous`` is the MAR where it was just before; None when it was nowhere, or here.
    """

    mobile_node: MobileNode
    previous: IPv6Address | None


@dataclass(frozen=True)
class ContextReceived(Action):
    """What the mobile node listened to at the MAR where it was before; ServingStarted was said."""

    mobile_node: MobileNode
    records: tuple[AddressRecord, ...]


@dataclass(frozen=True)
class ServingEnded(Action):
    """The mobile node is known to be served by another MAR, or gone."""

    mobile_node: MobileNode


@dataclass(frozen=True)
class GoingDown(Action):
    """The mobile node, which is here, is about to be handed over to another MAR."""

    mobile_node: MobileNode
    to: IPv6Address
