"""Hosts that are about to leave for a router at the other end of a tunnel.

What such a host listens to is served here until that router says what it wants of it, and from then
on by that router alone: the forwarding entry changes once, so each packet goes one way or the other
and none both. As long as the host is not known to have left it can be had back.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv6Address

from agents.multicast.links import Links
from agents.multicast.listener import state_record
from agents.wire.mld import AddressRecord

Records = tuple[AddressRecord, ...]


@dataclass
class _HandingOver:
    tunnel: str
    handed: dict[IPv6Address, AddressRecord] = field(default_factory=dict)


class HandingOver:
    """By link and host: where it goes, and what is served there already."""

    def __init__(self, links: Links) -> None:
        self._links = links
        self._hosts: dict[tuple[str, IPv6Address], _HandingOver] = {}

    def begin(self, host: IPv6Address, link: str, tunnel: str) -> None:
        """A host will leave for the router at the other end of a tunnel."""
        self._hosts[link, host] = _HandingOver(tunnel)

    def told(self, tunnel: str, record: AddressRecord) -> None:
        """That router says what it wants of a group."""
        for (link, host), handing_over in self._hosts.items():
            if handing_over.tunnel == tunnel:
                taken = self._links.downstreams[link].listeners.take(record.group, host)
                if taken is not None:
                    handing_over.handed[record.group] = state_record(record.group, taken.filter)

    def is_handed(self, group: IPv6Address, host: IPv6Address, link: str) -> bool:
        """Whether a group is served there already: what the host says of it is for there, too."""
        handing_over = self._hosts.get((link, host))
        return handing_over is not None and group in handing_over.handed

    def handed(self, host: IPv6Address, link: str) -> Records:
        """What the host listens to that is served there already."""
        handing_over = self._hosts.get((link, host))
        return () if handing_over is None else tuple(handing_over.handed.values())

    def end(self, host: IPv6Address, link: str) -> Records:
        """It has left, or will not; what it is to have back then."""
        records = self.handed(host, link)
        self._hosts.pop((link, host), None)
        return records

    def forget_link(self, link: str) -> None:
        """A link is gone, with those who were on it."""
        for at, host in list(self._hosts):
            if at == link:
                del self._hosts[at, host]
