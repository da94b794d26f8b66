"""The detours of mobile sources' data at a MAR in MLD-DMM, in the kernel."""

from __future__ import annotations

import itertools
from ipaddress import IPv6Address

from agents.kernel.source_redirect import SourceRedirect
from agents.multicast.actions import RedirectSource
from agents.roles.daemon import Daemon


class SourceRedirects:
    """Takes what the multicast core says of channels from ``link`` to tunnels at once."""

    def __init__(self, daemon: Daemon, link: str) -> None:
        self._link = link
        self._redirects: dict[tuple[IPv6Address, IPv6Address], SourceRedirect] = {}
        self._numbers = itertools.count(1)
        daemon.on(RedirectSource, self._redirect)

    def _redirect(self, action: RedirectSource) -> None:
        channel = (action.source, action.group)
        if action.tunnel is None:
            self._redirects.pop(channel).close()
        else:
            number = next(self._numbers)
            self._redirects[channel] = SourceRedirect(*channel, self._link, action.tunnel, number)
