"""IPv6 multicast forwarding by the kernel: the MRT6 socket of linux/mroute6.h.

Interfaces become multicast interfaces (MIF) 0 to 31; an entry says which one a (source, group)
comes in by and which ones it leaves by. What no entry covers, or comes in elsewhere, raises an
upcall.
"""

from __future__ import annotations

import errno
import fcntl
import socket
import struct
from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import IPv6Address
from pathlib import Path

MAXIMUM_INTERFACES = 32
"""MAXMIFS of linux/mroute6.h."""

_CACHE = Path("/proc/thread-self/net/ip6_mr_cache")

_MRT6_INIT, _MRT6_ADD_MIF, _MRT6_DEL_MIF = 200, 202, 203
_MRT6_ADD_MFC, _MRT6_DEL_MFC, _MRT6_PIM, _MRT6_TABLE = 204, 205, 208, 209
_SIOCGETSGCNT_IN6 = 0x89E1
_ICMPV6_FILTER = 1
_BLOCK_ALL = b"\xff" * 32
_THRESHOLD = 1
_MAXIMUM_UPCALL = 2048
_RECEIVE_BUFFER = 1 << 20

_MIF = struct.Struct("@HBBHI")
"""struct mif6ctl: number, flags, threshold, interface index, rate limit."""
_ADDRESS = struct.Struct("=HHI16sI")
"""struct sockaddr_in6."""
_ENTRY = struct.Struct(f"@{_ADDRESS.size}s{_ADDRESS.size}sH2x8I")
"""struct mf6cctl: source, group, incoming MIF, set of outgoing MIFs."""
_COUNTERS = struct.Struct(f"@{_ADDRESS.size}s{_ADDRESS.size}sLLL")
"""struct sioc_sg_req6: source, group, packets, bytes, packets on a wrong interface."""
_UPCALL = struct.Struct("@BBHI16s16s")
"""struct mrt6msg: zero, kind, MIF, padding, source, group."""


class UpcallKind(IntEnum):
    """Why the kernel asks."""

    NO_ENTRY = 1
    """No entry covers the packet; the kernel keeps it for 10 s at most (MRT6MSG_NOCACHE)."""
    WRONG_INTERFACE = 2
    """The packet came in by another interface than the entry's (MRT6MSG_WRONGMIF)."""


@dataclass(frozen=True)
class Upcall:
    """The kernel's question about a packet; for each (source, group) once until it is answered."""

    kind: UpcallKind
    source: IPv6Address
    group: IPv6Address
    interface: str
    """Where the packet came in."""


@dataclass(frozen=True)
class Entry:
    """Where a channel comes in, and where it leaves."""

    incoming: str
    outgoing: frozenset[str]


@dataclass(frozen=True)
class KernelEntry:
    """One entry of the kernel's forwarding cache, and how many packets it was used for."""

    source: IPv6Address
    group: IPv6Address
    incoming: str
    outgoing: tuple[str, ...]
    packets: int


class MulticastRouting:
    """The multicast forwarding of this network namespace; it ends when this is closed.

    ``table``: a multicast routing table other than the default one.
    """

    def __init__(self, table: int | None = None) -> None:
        self._socket = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
        self._socket.setblocking(False)
        # Upcalls pass this filter, the node's ordinary ICMPv6 does not.
        self._socket.setsockopt(socket.IPPROTO_ICMPV6, _ICMPV6_FILTER, _BLOCK_ALL)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        if table is not None:
            self._set(_MRT6_TABLE, struct.pack("=I", table))
        self._set(_MRT6_INIT, struct.pack("=i", 1))
        # Without it the kernel raises wrong-interface upcalls for outgoing interfaces only.
        self._set(_MRT6_PIM, struct.pack("=i", 1))
        self._mifs: dict[str, int] = {}
        self._entries: dict[tuple[IPv6Address, IPv6Address], Entry] = {}

    def fileno(self) -> int:
        """The descriptor, readable when an upcall waits."""
        return self._socket.fileno()

    def add_interface(self, name: str) -> None:
        """Let an interface take part; OSError ENOSPC when 32 do already."""
        if name in self._mifs:
            return
        free = set(range(MAXIMUM_INTERFACES)).difference(self._mifs.values())
        if not free:
            text = f"the kernel forwards multicast between {MAXIMUM_INTERFACES} interfaces at most"
            raise OSError(errno.ENOSPC, text, name)
        mif, index = min(free), socket.if_nametoindex(name)
        self._set(_MRT6_ADD_MIF, _MIF.pack(mif, 0, _THRESHOLD, index, 0))
        self._mifs[name] = mif

    def remove_interface(self, name: str) -> None:
        """Take an interface out, from the entries too; entries that come in by it go."""
        mif = self._mifs.get(name)
        if mif is None:
            return
        # The kernel would keep the number in its entries, and a later interface would get it.
        for (source, group), entry in list(self._entries.items()):
            if entry.incoming == name:
                self.delete_entry(source, group)
            elif name in entry.outgoing:
                self.set_entry(source, group, entry.incoming, entry.outgoing - {name})
        try:
            self._set(_MRT6_DEL_MIF, struct.pack("=H", mif))
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:  # it left with its device
                raise
        del self._mifs[name]

    def set_entry(
        self,
        source: IPv6Address,
        group: IPv6Address,
        incoming: str,
        outgoing: Collection[str],
    ) -> None:
        """Forward (source, group) from one interface to others, instead of an earlier entry.

        Packets that wait for the entry since their upcall leave now.
        """
        self._set(_MRT6_ADD_MFC, self._pack(source, group, incoming, outgoing))
        self._entries[source, group] = Entry(incoming, frozenset(outgoing))

    def entry(self, source: IPv6Address, group: IPv6Address) -> Entry | None:
        """The entry that was set last, unless it was deleted."""
        return self._entries.get((source, group))

    def delete_entry(self, source: IPv6Address, group: IPv6Address) -> None:
        """Remove an entry, if there is one."""
        entry = self._entries.pop((source, group), None)
        if entry is not None:
            self._set(_MRT6_DEL_MFC, self._pack(source, group, entry.incoming, ()))

    def counters(self, source: IPv6Address, group: IPv6Address) -> tuple[int, int, int]:
        """Packets and bytes that matched an entry, and packets on a wrong interface.

        KeyError when there is no entry.
        """
        request = bytearray(_COUNTERS.pack(_address(source), _address(group), 0, 0, 0))
        try:
            fcntl.ioctl(self._socket, _SIOCGETSGCNT_IN6, request)
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL:
                raise KeyError((source, group)) from error
            raise
        _, _, packets, octets, wrong = _COUNTERS.unpack(request)
        return packets, octets, wrong

    def entries(self) -> list[KernelEntry]:
        """What the kernel has in the default table, in its own words."""
        names = {mif: name for name, mif in self._mifs.items()}
        entries = []
        for line in _CACHE.read_text(encoding="utf-8").splitlines()[1:]:
            group, source, incoming, packets, _, _, *outgoing = line.split()
            if int(incoming) in names:  # else it still waits for its entry
                links = [int(mif.partition(":")[0]) for mif in outgoing]
                entries.append(
                    KernelEntry(
                        IPv6Address(source),
                        IPv6Address(group),
                        names[int(incoming)],
                        tuple(sorted(names[mif] for mif in links if mif in names)),
                        int(packets),
                    )
                )
        return entries

    def read_upcalls(self) -> list[Upcall]:
        """All upcalls that wait; those of interfaces that are gone are left out."""
        names = {mif: name for name, mif in self._mifs.items()}
        upcalls: list[Upcall] = []
        while True:
            try:
                data = self._socket.recv(_MAXIMUM_UPCALL)
            except BlockingIOError:
                return upcalls
            if len(data) < _UPCALL.size:
                continue
            zero, kind, mif, _, source, group = _UPCALL.unpack_from(data)
            if zero == 0 and kind in tuple(UpcallKind) and mif in names:
                addresses = IPv6Address(source), IPv6Address(group)
                upcalls.append(Upcall(UpcallKind(kind), *addresses, names[mif]))

    def close(self) -> None:
        """End multicast forwarding: all entries and interfaces go."""
        self._socket.close()

    def _set(self, option: int, value: bytes) -> None:
        self._socket.setsockopt(socket.IPPROTO_IPV6, option, value)

    def _pack(
        self,
        source: IPv6Address,
        group: IPv6Address,
        incoming: str,
        outgoing: Collection[str],
    ) -> bytes:
        bits = sum(1 << self._mifs[name] for name in set(outgoing))
        words = [bits] + [0] * 7
        return _ENTRY.pack(_address(source), _address(group), self._mifs[incoming], *words)


def _address(address: IPv6Address) -> bytes:
    return _ADDRESS.pack(socket.AF_INET6, 0, 0, address.packed, 0)
