"""What applications of this node listen to on a link, and memberships of our own on another one.

The kernel tells the sources that sockets include and how many sockets there are (mcfilter6 and
igmp6 below /proc/net), but not which of them want any source.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Mapping
from ipaddress import IPv6Address
from pathlib import Path

Memberships = Mapping[IPv6Address, "frozenset[IPv6Address] | None"]
"""By group, the sources that are wanted; None stands for any source."""

_GROUPS = Path("/proc/thread-self/net/igmp6")
_FILTERS = Path("/proc/thread-self/net/mcfilter6")
_LINK_LOCAL_SCOPE = 2
_UNREPORTED = {IPv6Address("ff31::6275"): frozenset({IPv6Address("::1")})}
"""Of interface-local scope: MLD says nothing about it."""
_MCAST_JOIN_GROUP, _MCAST_LEAVE_GROUP = 42, 45
_MCAST_JOIN_SOURCE_GROUP = 46
_INTERFACE = struct.Struct("@I4x")
_ADDRESS = struct.Struct("=HHI16sI100x")
"""struct sockaddr_in6 in a sockaddr_storage."""


def memberships(interface: str) -> dict[IPv6Address, frozenset[IPv6Address] | None]:
    """What this node's sockets listen to there; groups that are never routed are left out.

    Where it is not certain that all of them name their sources, it is any source: more may come
    than is wanted, which the kernel keeps from who does not want it, and never less.
    """
    index = str(socket.if_nametoindex(interface))
    included: dict[IPv6Address, dict[IPv6Address, int]] = {}
    for line in _filters(interface):
        link, _, channel, source, including, _ = line.split()
        if link == index:
            including_it = included.setdefault(_address(channel), {})
            including_it[_address(source)] = int(including)
    found = dict[IPv6Address, "frozenset[IPv6Address] | None"]()
    for line in _GROUPS.read_text(encoding="utf-8").splitlines():
        link, _, address, users, *_ = line.split()
        group = _address(address)
        if link == index and group.packed[1] & 0x0F > _LINK_LOCAL_SCOPE:
            counts = included.get(group, {})
            # A source that every socket includes: so each of them has a list of sources.
            certain = int(users) in counts.values()
            found[group] = frozenset(s for s, n in counts.items() if n) if certain else None
    return found


def _filters(interface: str) -> list[str]:
    """The lines of mcfilter6.

    Linux leaves out a link whose newest group has no list of sources; so there is one that has.
    """
    newest = Member(interface)
    newest.listen(_UNREPORTED)
    lines = _FILTERS.read_text(encoding="utf-8").splitlines()[1:]
    newest.close()
    return lines


class Member:
    """Is a member of groups on a link, by a socket like any application's."""

    def __init__(self, interface: str) -> None:
        self._index = _INTERFACE.pack(socket.if_nametoindex(interface))
        self._socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._joined: dict[IPv6Address, frozenset[IPv6Address] | None] = {}

    def listen(self, wanted: Memberships) -> None:
        """Be a member of these groups, and of no others.

        OSError when the link is gone, or the kernel's limits do not allow for so many.
        """
        for group, sources in list(self._joined.items()):
            if group not in wanted or wanted[group] != sources:
                self._set(_MCAST_LEAVE_GROUP, group)
                del self._joined[group]
        for group, sources in wanted.items():
            if group not in self._joined:
                self._join(group, sources)

    def close(self) -> None:
        """End all memberships."""
        self._socket.close()

    def _join(self, group: IPv6Address, sources: frozenset[IPv6Address] | None) -> None:
        if sources is None:
            self._set(_MCAST_JOIN_GROUP, group)
        for source in sorted(sources or ()):
            self._set(_MCAST_JOIN_SOURCE_GROUP, group, source)
        self._joined[group] = sources

    def _set(self, option: int, *addresses: IPv6Address) -> None:
        storage = [_ADDRESS.pack(socket.AF_INET6, 0, 0, a.packed, 0) for a in addresses]
        self._socket.setsockopt(socket.IPPROTO_IPV6, option, self._index + b"".join(storage))


def _address(digits: str) -> IPv6Address:
    return IPv6Address(bytes.fromhex(digits))
