"""What the fast handover core asks its surroundings to do (``agents.core.Log`` besides)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import Action
from agents.wire.fast_handover import HandoverAcknowledge, HandoverInitiate
from agents.wire.mld import AddressRecord


@dataclass(frozen=True)
class SendHandover(Action):
    """Send a message from the router's own address."""

    message: HandoverInitiate | HandoverAcknowledge
    destination: IPv6Address


@dataclass(frozen=True)
class HoldTunnel(Action):
    """A handover needs the tunnel to a peer."""

    peer: IPv6Address
    identifier: str


@dataclass(frozen=True)
class ReleaseTunnel(Action):
    """It does not any more."""

    peer: IPv6Address
    identifier: str


@dataclass(frozen=True)
class Leaving(Action):
    """Previous router: the node will be at ``peer``, which is asked to serve it in advance."""

    identifier: str
    peer: IPv6Address


@dataclass(frozen=True)
class Staying(Action):
    """Previous router: it did not go, or ``peer`` does not want it; all is as before."""

    identifier: str
    peer: IPv6Address


@dataclass(frozen=True)
class Expect(Action):
    """Next router: a node that listens to ``records`` at ``previous`` will come here."""

    identifier: str
    link_layer_address: bytes
    previous: IPv6Address
    records: tuple[AddressRecord, ...]


@dataclass(frozen=True)
class Arrived(Action):
    """Next router: the node that was expected is here; serve it at once."""

    identifier: str


@dataclass(frozen=True)
class NotExpected(Action):
    """Next router: it did not come, nor will it."""

    identifier: str
