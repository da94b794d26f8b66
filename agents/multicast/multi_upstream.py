"""Upstream selection of the complete solution: an MLD proxy with several upstream interfaces.

"Efficient Multicast Content Delivery over a Distributed Mobility Management Environment", sections
III.A and III.B: the membership state says whether a channel is available already; if not, channel
control decides where an ongoing session comes from.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.multicast.selection import Choice, Join, native
from agents.wire.channel import ChannelScope


@dataclass(frozen=True)
class MultiUpstream:
    """A session is ongoing if context transfer named it.

    As long as it has not told, what a host reports up to ``window`` ns after it came is taken so.
    """

    window: int
    shares = True

    def __call__(self, join: Join) -> Choice:
        """Where it is available, else where channel control wants it from.

        As in the base scheme, nothing is chosen before the host is bound, and what another router
        wants comes from the native upstream, so that tunnels form neither chains nor loops.
        """
        attachment = join.attachment
        if attachment is not None and not attachment.bound:
            return Choice()
        previous = self._previous_link(join)
        if join.link in join.tunnels or join.native is None:
            return native(join)
        if join.available:
            upstream = join.native if join.native in join.available else min(join.available)
            return Choice((upstream,), declined=None if previous == upstream else previous)
        if previous is None:
            return native(join)
        if join.decision is None:
            return Choice(ask=True)
        if join.decision is ChannelScope.REMOTE:
            return Choice((previous,))
        if join.decision is ChannelScope.BOTH:
            return Choice((join.native, previous))
        return Choice((join.native,), declined=previous)

    def _previous_link(self, join: Join) -> str | None:
        """The tunnel to the router where this session was before; None if it began here."""
        attachment = join.attachment
        if attachment is None or attachment.previous_link not in join.tunnels:
            return None
        if attachment.ongoing is not None:
            ongoing = join.group in attachment.ongoing
        else:
            ongoing = join.now <= attachment.since + self.window
        return attachment.previous_link if ongoing else None
