"""The data path of an overlay's member in the kernel: its programs, and what they are told.

What a program finds in no map it leaves to the daemon: so a branch is in a map only if each of its
children can be reached from there, and is taken out while one cannot.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

from agents.kernel import replication_asked as asked
from agents.kernel import replication_layout as layout
from agents.kernel import tc
from agents.kernel.bpf_calls import Map, MapKind, load, try_out
from agents.kernel.netlink_socket import NetlinkSocket
from agents.kernel.replication_layout import TreeVersion, Way
from agents.kernel.replication_parts import SCRATCH_SIZE, Maps, Site
from agents.kernel.replication_receiving import receiving
from agents.kernel.replication_sending import sending
from agents.kernel.underlay import is_ethernet, way_to
from agents.kernel.virtual_interface import local_addresses
from agents.wire.addresses import mapped
from agents.wire.i3 import Endpoint, address_and_port
from agents.wire.overlay import MemberId

_VERSIONS = 4
"""Of a tree, at a time: one more than are kept, while the next one comes."""
_LOCALS = 1024
_ETHERNET = 14
_NAME = "emu-overlay"
_COUNTER_SLOT = 0
Channel = tuple[IPv6Address, IPv6Address]
"""Source and group."""


@dataclass(frozen=True)
class _Branch:
    """What a branch was told, to be told again when the ways there are others."""

    map: Map
    member: MemberId
    tree: TreeVersion
    children: tuple[Endpoint, ...]
    slot: int = 0
    deliver: bool = False
    parent: Endpoint | None = None


class KernelArrivals:
    """What came by one version of a tree, as the programs note it."""

    def __init__(self, program: int, windows: Map, key: bytes) -> None:
        self._program, self._windows, self._key = program, windows, key

    def take(self, sequence: int) -> bool:
        """Note that it came; False: it did before."""
        result = asked.BUSY
        while result == asked.BUSY:
            result, _ = try_out(self._program, asked.take_request(self._key, sequence))
        return result == asked.TAKEN

    def is_ahead(self, sequence: int) -> bool:
        """Never surely: the programs go on meanwhile."""
        return False

    def take_run(self, first: int, count: int) -> None:
        """Nobody asks for it, as nothing is ahead."""
        raise NotImplementedError

    def read(self) -> tuple[int, int]:
        """The highest number that came, and how many did."""
        return layout.read_window(self._windows[self._key])


class Replication:
    """The programs, on a virtual interface and on each link of the underlay.

    ``degree``: how many children a branch has at most; ``trees``: how many there may be. OSError:
    the kernel does not take the programs.
    """

    def __init__(
        self, interface: str, port: int, *, tap: bool, degree: int, trees: int, threshold: int
    ) -> None:
        self._interface, self._port, self._degree = interface, port, degree
        self._index = socket.if_nametoindex(interface)
        size, places = layout.branch_size(degree), _VERSIONS * trees
        self._scratch = Map(MapKind.PER_CPU_ARRAY, "scratch", 4, SCRATCH_SIZE, 1)
        self._numbers = Map(MapKind.ARRAY, "numbers", 4, layout.NUMBER, trees + 1)
        self._channels = Map(MapKind.HASH, "channels", layout.CHANNEL_KEY, size, trees)
        self._places = Map(MapKind.HASH, "places", layout.PLACE_KEY, size, places)
        self._windows = Map(MapKind.HASH, "windows", layout.WINDOW_KEY, layout.WINDOW, places)
        self._locals = Map(MapKind.HASH, "locals", layout.ADDRESS_KEY, 4, _LOCALS)
        self._counters = Map(MapKind.ARRAY, "counters", 4, 8, len(layout.COUNTERS))
        self._slots: dict[int, int] = {}
        self._free = list(range(trees, _COUNTER_SLOT, -1))
        self._told: dict[bytes, _Branch] = {}
        self._written: dict[bytes, bytes] = {}
        self._known: frozenset[bytes] = frozenset()
        self._attached: set[int] = set()
        self._netlink = NetlinkSocket()
        maps = Maps(
            scratch=self._scratch.descriptor,
            numbers=self._numbers.descriptor,
            channels=self._channels.descriptor,
            places=self._places.descriptor,
            windows=self._windows.descriptor,
            locals=self._locals.descriptor,
            counters=self._counters.descriptor,
        )
        before = _ETHERNET if tap else 0
        here = (maps, self._index, tap, port, degree, threshold)
        self._drawing = load(asked.drawing(maps), "overlay_draw")
        self._taking = load(asked.taking(maps), "overlay_take")
        self._receiving = load(receiving(Site(*here, _ETHERNET)), "overlay_receive")
        program = load(sending(Site(*here, before)), "overlay_send")
        tc.add_clsact(self._netlink, self._index)
        tc.attach(self._netlink, self._index, tc.EGRESS, self._index, program, _NAME)
        os.close(program)
        self.look()

    # What the core calls (agents.overlay.data_path).

    def draw(self, number: int, count: int) -> int:
        """Draw sequence numbers of a tree of ours, or counters of datagrams (0)."""
        slot = self._slot(number)
        _, frame = try_out(self._drawing, asked.draw_request(slot, count))
        return asked.drawn(frame)

    def sent(self, number: int) -> tuple[int, int]:
        """The last sequence number of a tree of ours, and how many packets passed the kernel."""
        drawn, packets, _ = layout.read_number(self._numbers[_number(self._slot(number))])
        return drawn, packets

    def send_by(self, channel: Channel, tree: TreeVersion, children: Sequence[Endpoint]) -> None:
        """Packets of a channel go down this tree of ours."""
        member, number, _ = tree
        key = layout.channel_key(*channel)
        slot = self._slot(number)
        self._tell(key, _Branch(self._channels, member, tree, tuple(children), slot))

    def stop_sending(self, channel: Channel) -> None:
        """The daemon sends what comes of a channel."""
        self._untell(layout.channel_key(*channel))

    def forget_tree(self, number: int) -> None:
        """A tree of ours is gone."""
        slot = self._slots.pop(number, None)
        if slot is not None:
            self._numbers[_number(slot)] = layout.number()
            self._free.append(slot)

    def arrivals(self, tree: TreeVersion) -> KernelArrivals:
        """A new window."""
        key = layout.tree_key(tree)
        self._windows[key] = bytes(layout.WINDOW)
        return KernelArrivals(self._taking, self._windows, key)

    def receive_by(
        self,
        member: MemberId,
        tree: TreeVersion,
        parent: tuple[MemberId, Endpoint],
        children: Sequence[Endpoint],
        *,
        deliver: bool,
    ) -> None:
        """What a parent sends down a tree comes in here, if it is to, and goes on to others."""
        branch = _Branch(
            self._places, member, tree, tuple(children), deliver=deliver, parent=parent[1]
        )
        self._tell(layout.place_key(parent[0], tree), branch)

    def stop_receiving(self, tree: TreeVersion, parent: MemberId) -> None:
        """The daemon takes what comes by a tree."""
        self._untell(layout.place_key(parent, tree))

    def forget_arrivals(self, tree: TreeVersion) -> None:
        """A version of a tree is gone."""
        self._windows.pop(layout.tree_key(tree))

    # What the daemon calls.

    def look(self) -> None:
        """The host may have other links, addresses and ways."""
        self._look_at_addresses()
        self._look_at_links()
        self.refresh()

    def refresh(self) -> None:
        """Ways may be others, or carry less."""
        ways: dict[IPv6Address, Way | None] = {}
        for key, branch in self._told.items():
            self._write(key, branch, ways)

    def status(self) -> dict[str, int]:
        """What passed the kernel, and what it left to the daemon."""
        sent = sum(self.sent(number)[1] for number in self._slots)
        counters = {
            name: int.from_bytes(self._counters[_number(n)], "little")
            for n, name in enumerate(layout.COUNTERS)
        }
        return {"branches": len(self._written), "sent": sent, **counters}

    def close(self) -> None:
        """Take the programs off all links."""
        for index in self._attached:
            tc.detach(self._netlink, index, tc.INGRESS, self._index)
        self._netlink.close()
        for program in (self._drawing, self._taking, self._receiving):
            os.close(program)
        for one in (self._scratch, self._numbers, self._channels, self._places):
            one.close()
        for one in (self._windows, self._locals, self._counters):
            one.close()

    def _slot(self, number: int) -> int:
        """Where a tree's numbers are; that of datagrams' counters is the first."""
        if number == 0:
            return _COUNTER_SLOT
        if number not in self._slots:
            self._slots[number] = self._free.pop()
        return self._slots[number]

    def _tell(self, key: bytes, branch: _Branch) -> None:
        if self._told.get(key) != branch:
            self._told[key] = branch
            self._write(key, branch, {})

    def _untell(self, key: bytes) -> None:
        branch = self._told.pop(key, None)
        if branch is not None and self._written.pop(key, None) is not None:
            branch.map.pop(key)

    def _write(self, key: bytes, branch: _Branch, ways: dict[IPv6Address, Way | None]) -> None:
        """Put a branch into its map; take it out while there is no way to one of its children."""
        children = []
        for endpoint in branch.children:
            address, port = address_and_port(endpoint)
            if address not in ways:
                ways[address] = way_to(self._netlink, address)
            way = ways[address]
            if way is not None and port:
                children.append((endpoint, way))
        if len(children) < len(branch.children) or len(children) > self._degree:
            if self._written.pop(key, None) is not None:
                branch.map.pop(key)
            return
        value = layout.branch(
            branch.member,
            branch.tree,
            children,
            self._port,
            degree=self._degree,
            slot=branch.slot,
            deliver=branch.deliver,
            parent=branch.parent,
        )
        if self._written.get(key) != value:
            with contextlib.suppress(OSError):  # as many as there may be: the daemon does the rest
                branch.map[key] = value
                self._written[key] = value

    def _look_at_addresses(self) -> None:
        """What is not for this host is another program's, on a router."""
        addresses = (
            mapped(one) if isinstance(one, IPv4Address) else one for one in local_addresses("")
        )
        known = frozenset(address.packed for address in addresses)
        for gone in self._known - known:
            self._locals.pop(gone)
        for new in known - self._known:
            self._locals[new] = bytes(4)
        self._known = known

    def _look_at_links(self) -> None:
        for index, name in socket.if_nameindex():
            if index in self._attached or index == self._index:
                continue
            with contextlib.suppress(OSError):  # it went meanwhile
                if not is_ethernet(name):
                    continue
                tc.add_clsact(self._netlink, index)
                self._clean(index)
                tc.attach(self._netlink, index, tc.INGRESS, self._index, self._receiving, _NAME)
                self._attached.add(index)

    def _clean(self, index: int) -> None:
        """Take off a link what members left whose interface is gone: they were killed."""
        here = {one for one, _ in socket.if_nameindex()}
        for handle in tc.handles(self._netlink, index, tc.INGRESS, _NAME):
            if handle not in here:
                tc.detach(self._netlink, index, tc.INGRESS, handle)


def _number(slot: int) -> bytes:
    return struct.pack("=I", slot)
