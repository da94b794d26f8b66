"""Upstream selection: one replaceable function that says by which upstream a listener is served.

The scheme here is MLD-DMM, the base scheme of "Efficient Multicast Content Delivery over a
Distributed Mobility Management Environment" (section I): sessions initiated at this router come
from the native infrastructure, sessions that were ongoing when the host arrived come through the
tunnel from the router it was at just before.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from ipaddress import IPv6Address

from agents.multicast.attachments import Attachment


@dataclass(frozen=True)
class Join:
    """The question: a host on ``link`` first reported ``group`` at ``now`` (ns).

    ``native`` is the upstream towards the multicast infrastructure, ``tunnels`` the links to other
    routers, which are upstream and downstream at once.
    """

    link: str
    host: IPv6Address
    group: IPv6Address
    now: int
    attachment: Attachment | None
    native: str | None
    tunnels: Set[str]


UpstreamSelection = Callable[[Join], "str | None"]
"""Answers with one of the question's upstreams; None: none (a root router), or not yet."""


@dataclass(frozen=True)
class MldDmm:
    """The base scheme. What a host reports up to ``window`` ns after it came was ongoing."""

    window: int

    def __call__(self, join: Join) -> str | None:
        """Tunnel for an ongoing session, else native; none while the binding is pending.

        Which sessions are ongoing, and where they come from, is known when the host is bound
        (RFC 6224 section 4.2 sets the proxy up after the binding, too). A listener behind a tunnel
        is another router: it never attaches, and so always gets the native upstream, and tunnels
        never form chains or loops.
        """
        attachment = join.attachment
        if attachment is not None and not attachment.bound:
            return None
        if (
            attachment is not None
            and attachment.previous_link in join.tunnels
            and join.now <= attachment.since + self.window
        ):
            return attachment.previous_link
        return join.native
