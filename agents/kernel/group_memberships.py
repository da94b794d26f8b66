"""Memberships of groups on an interface by ordinary sockets, of IPv4 and IPv6, without a gap.

A socket has few memberships (igmp_max_memberships), and one of each group; so there are several. A
membership that changes is made anew before the old one ends.
"""

from __future__ import annotations

import contextlib
import socket
import struct
from collections.abc import Iterable
from ipaddress import IPv6Address

_MCAST_JOIN_GROUP, _MCAST_LEAVE_GROUP, _MCAST_JOIN_SOURCE_GROUP = 42, 45, 46
_MOST = 20
"""Memberships of a socket, as the kernel has it unless it is told otherwise."""
_V4_STORAGE = struct.Struct("=HH4s120x")
_V6_STORAGE = struct.Struct("=HHI16sI100x")

Sources = frozenset[IPv6Address] | None
"""None: any source. IPv4 addresses are mapped."""


class GroupMemberships:
    """What this host wants of groups on one interface."""

    def __init__(self, interface: str) -> None:
        self._index = struct.pack("@I4x", socket.if_nametoindex(interface))
        self._sockets: list[tuple[socket.socket, set[IPv6Address]]] = []
        self._joined: dict[IPv6Address, socket.socket] = {}

    def want(self, group: IPv6Address, sources: Sources) -> bool:
        """Be a member for these sources; False: the kernel does not let us.

        It may be for any source where the kernel does not take these (more than igmp_max_msf).
        """
        fresh, groups = self._room(group)
        try:
            self._join(fresh, group, sources)
        except OSError:
            return False
        self.leave(group)
        groups.add(group)
        self._joined[group] = fresh
        return True

    def leave(self, group: IPv6Address) -> None:
        """Be no member of a group, if we are one."""
        old = self._joined.pop(group, None)
        if old is not None:
            self._set(old, _MCAST_LEAVE_GROUP, (group,))
            next(groups for each, groups in self._sockets if each is old).remove(group)

    def close(self) -> None:
        """End all memberships."""
        for each, _ in self._sockets:
            each.close()

    def _room(self, group: IPv6Address) -> tuple[socket.socket, set[IPv6Address]]:
        """A socket of the group's family that has room for it, and what it is a member of."""
        family = _family(group)
        for each, groups in self._sockets:
            if each.family == family and len(groups) < _MOST and group not in groups:
                return each, groups
        fresh = socket.socket(family, socket.SOCK_DGRAM)
        self._sockets.append((fresh, set()))
        return self._sockets[-1]

    def _join(self, member: socket.socket, group: IPv6Address, sources: Sources) -> None:
        if sources is None:
            self._set(member, _MCAST_JOIN_GROUP, (group,))
            return
        try:
            for source in sorted(sources):
                self._set(member, _MCAST_JOIN_SOURCE_GROUP, (group, source))
        except OSError:
            with contextlib.suppress(OSError):  # not even the first was taken
                self._set(member, _MCAST_LEAVE_GROUP, (group,))
            self._set(member, _MCAST_JOIN_GROUP, (group,))

    def _set(self, member: socket.socket, option: int, addresses: Iterable[IPv6Address]) -> None:
        level = socket.IPPROTO_IP if member.family == socket.AF_INET else socket.IPPROTO_IPV6
        storage = b"".join(_storage(address) for address in addresses)
        member.setsockopt(level, option, self._index + storage)


def _family(address: IPv6Address) -> socket.AddressFamily:
    return socket.AF_INET6 if address.ipv4_mapped is None else socket.AF_INET


def _storage(address: IPv6Address) -> bytes:
    """struct sockaddr_storage."""
    family, v4 = _family(address), address.ipv4_mapped
    if v4 is not None:
        return _V4_STORAGE.pack(family, 0, v4.packed)
    return _V6_STORAGE.pack(family, 0, 0, address.packed, 0)
