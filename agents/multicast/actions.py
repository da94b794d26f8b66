"""What the multicast core asks its surroundings to do (``agents.core.Log`` besides)."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.core import Action
from agents.wire.mld import Message


@dataclass(frozen=True)
class SendMld(Action):
    """Send an MLD message on a link: source the link's link-local, hop limit 1, Router Alert.

    ``link_layer`` is the one host that shall get it (RFC 6085); None: the multicast address that
    follows from ``destination``.
    """

    message: Message
    link: str
    destination: IPv6Address
    link_layer: bytes | None = None


@dataclass(frozen=True)
class SetForwarding(Action):
    """Forward packets of (source, group) that enter by ``incoming`` to ``outgoing``, no others.

    Replaces an earlier entry of (source, group). Without ``outgoing`` it is a negative entry: the
    kernel drops silently instead of asking again.
    """

    source: IPv6Address
    group: IPv6Address
    incoming: str
    outgoing: tuple[str, ...]


@dataclass(frozen=True)
class RemoveForwarding(Action):
    """Forget the entry of (source, group): its next packet is an upcall again."""

    source: IPv6Address
    group: IPv6Address


@dataclass(frozen=True)
class RedirectSource(Action):
    """What a source here sends to a group goes out by ``tunnel``, past multicast routing.

    None: it does not any more.
    """

    source: IPv6Address
    group: IPv6Address
    tunnel: str | None


@dataclass(frozen=True)
class AskChannelControl(Action):
    """Find out whether a channel is to be had locally, remotely or both; tell it by ``decided``.

    ``source`` None: any source, or several. ``host`` is the one who listens, or sends.
    """

    source: IPv6Address | None
    group: IPv6Address
    host: IPv6Address


@dataclass(frozen=True)
class HoldLink(Action):
    """A tunnel has multicast state now and must be kept."""

    link: str


@dataclass(frozen=True)
class ReleaseLink(Action):
    """A tunnel has no multicast state any more."""

    link: str
