"""Upstream selection: one replaceable function that says by which upstream a listener is served.

The scheme here is MLD-DMM, the base scheme of "Efficient Multicast Content Delivery over a
Distributed Mobility Management Environment" (section I): sessions initiated at this router come
from the native infrastructure, sessions that were ongoing when the host arrived come through the
tunnel from the router it was at just before, or (section II.B) from each that anchors a prefix.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Protocol

from agents.multicast.attachments import Attachment
from agents.multicast.filters import Filter
from agents.wire.channel import ChannelScope


@dataclass(frozen=True)
class Join:
    """The question: a host on ``link``, first heard at ``now`` (ns), wants ``wanted`` of ``group``.

    ``native`` is the upstream towards the multicast infrastructure, ``tunnels`` the links to other
    routers, which are upstream and downstream at once. ``available`` are the upstreams that some of
    it comes by for others already, ``decision`` is what channel control said.
    """

    link: str
    host: IPv6Address
    group: IPv6Address
    wanted: Filter
    now: int
    attachment: Attachment | None
    native: str | None
    tunnels: Set[str]
    available: Set[str]
    decision: ChannelScope | None


@dataclass(frozen=True)
class Choice:
    """The answer: upstreams, the first to stay, the second until the first delivers.

    In a scheme that shares none all stay, each a proxy instance of its own. None: it is a root
    router, or the answer is not known yet. ``ask`` channel control then. ``declined`` is the tunnel
    to a router that may still expect us to want the channel from it.
    """

    upstreams: tuple[str, ...] = ()
    ask: bool = False
    declined: str | None = None


class UpstreamSelection(Protocol):
    """A multicast mobility scheme."""

    @property
    def shares(self) -> bool:
        """Whether all who listen to a channel are to get it by one upstream."""

    def __call__(self, join: Join) -> Choice:
        """Answer."""


def native(join: Join) -> Choice:
    """From the multicast infrastructure, if there is any above this router."""
    return Choice(() if join.native is None else (join.native,))


@dataclass(frozen=True)
class MldDmm:
    """The base scheme. What a host reports up to ``window`` ns after it came was ongoing.

    That comes from the router where it was just before, or from ``all_anchors`` of its prefixes.
    """

    window: int
    all_anchors: bool = False
    shares = False

    def __call__(self, join: Join) -> Choice:
        """Tunnel for an ongoing session, else native; none while the binding is pending.

        Which sessions are ongoing, and where they come from, is known when the host is bound
        (RFC 6224 section 4.2 sets the proxy up after the binding, too). A listener behind a tunnel
        is another router: it never attaches, and so always gets the native upstream, and tunnels
        never form chains or loops.
        """
        attachment = join.attachment
        if attachment is not None and not attachment.bound:
            return Choice()
        if attachment is None or join.now > attachment.since + self.window:
            return native(join)
        links = attachment.anchor_links if self.all_anchors else (attachment.previous_link,)
        tunnels = tuple(link for link in links if link is not None and link in join.tunnels)
        return Choice(tunnels) if tunnels else native(join)
