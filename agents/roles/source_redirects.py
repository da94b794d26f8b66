"""The detours of mobile sources' data at a MAR in MLD-DMM, in the kernel."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from ipaddress import IPv6Address

from agents.kernel.source_redirect import SourceRedirect
from agents.mobility.actions import MobileNode
from agents.multicast.actions import RedirectSource
from agents.roles.daemon import Daemon

_NOBODY = bytes(6)
"""No host has this link-layer address."""


class SourceRedirects:
    """Takes what the multicast core says of channels from ``link`` to tunnels at once.

    ``host_of`` tells whose an address is: what others send in its name goes on to the guard of the
    link. None: there is no guard, and everybody's goes.
    """

    def __init__(
        self,
        daemon: Daemon,
        link: str,
        host_of: Callable[[IPv6Address], MobileNode | None] | None,
    ) -> None:
        self._daemon = daemon
        self._link = link
        self._host_of = host_of
        self._redirects: dict[tuple[IPv6Address, IPv6Address], SourceRedirect] = {}
        self._numbers = itertools.count(1)
        daemon.on(RedirectSource, self._redirect)

    def _redirect(self, action: RedirectSource) -> None:
        channel = (action.source, action.group)
        if action.tunnel is None:
            self._redirects.pop(channel).close()
        else:
            number, sender = next(self._numbers), self._sender(action.source)
            self._redirects[channel] = SourceRedirect(
                *channel, self._link, action.tunnel, number, sender
            )

    def _sender(self, source: IPv6Address) -> bytes | None:
        if self._host_of is None:
            return None
        host = self._host_of(source)
        return host.link_layer_address if host is not None else _NOBODY
