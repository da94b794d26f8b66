"""Changes of upstream that lose no packet: the kernel's entries and packets while they last.

From the first packet by the new upstream on, the kernel forwards what comes by that to a link that
ends in this process, and what comes by the old one is read from its link; what a ``Splice`` makes
of both is sent from here. Only when it is complete the core hears that the new upstream delivers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from agents.kernel import socket_filter
from agents.kernel.mroute import Upcall, UpcallKind
from agents.kernel.sink import Sink
from agents.kernel.sockets import LinkSocket
from agents.multicast.actions import RemoveForwarding, SetForwarding
from agents.multicast.splice import Splice
from agents.roles.daemon import Daemon
from agents.roles.multicast_part import EntryAction, MulticastPart
from agents.wire import ipv6

LONGEST_S = 1.0
"""How long the new upstream waits for the old one, which may have fallen silent."""

_CHANNEL = slice(8, 40)
"""Source and group in an IPv6 packet."""


@dataclass(eq=False)
class _Change:
    """``upcall`` is the one that told of the new upstream's first packet."""

    upcall: Upcall
    old: str
    outgoing: tuple[str, ...]
    splice: Splice
    tap: LinkSocket
    timer: asyncio.TimerHandle
    is_over: bool = False


class UpstreamChanges:
    """Takes part in a ``MulticastPart`` that forwards to a sink.

    ``maximum`` octets are kept for one change; ``others`` gets what comes to the sink otherwise.
    """

    def __init__(
        self,
        daemon: Daemon,
        multicast: MulticastPart,
        sink: Sink,
        maximum: int,
        others: Callable[[bytes], None],
    ) -> None:
        self._daemon = daemon
        self._multicast = multicast
        self._sink = sink
        self._maximum = maximum
        self._others = others
        self._changes: dict[bytes, _Change] = {}
        multicast.takes_upcall = self._takes_upcall
        multicast.takes_entry = self._takes_entry
        daemon.watch(sink.fileno(), self.drain)

    def drain(self) -> None:
        """Act on all that has come by old upstreams, then on what the kernel sent to the sink.

        In this order, for what has come by both is then known to have come by the old one.
        """
        for change in self._changes.values():
            self._read_old(change)
        while (packet := self._sink.receive()) is not None:
            concerned = self._changes.get(packet[_CHANNEL])
            if concerned is None:
                self._others(packet)
            else:
                self._forward(concerned, concerned.splice.by_new(packet))

    def _takes_upcall(self, upcall: Upcall) -> bool:
        change = self._changes.get(_channel(upcall))
        if change is not None:
            if upcall.kind is UpcallKind.NO_ENTRY:  # it went with the new upstream's link
                self._end(change, partial(self._multicast.hear, upcall))
            return True
        entry = self._multicast.routing.entry(upcall.source, upcall.group)
        if entry is None or not entry.outgoing or entry.incoming == upcall.interface:
            return False
        if upcall.interface not in self._multicast.proxy.awaited(upcall.source, upcall.group):
            return False
        self._begin(upcall, entry.incoming, tuple(sorted(entry.outgoing)))
        return True

    def _begin(self, upcall: Upcall, old: str, outgoing: tuple[str, ...]) -> None:
        self.drain()
        tap = LinkSocket(old, socket_filter.channel(upcall.source, upcall.group))
        splice = Splice(self._maximum)
        timer = self._daemon.after(LONGEST_S, lambda: self._end(change))
        change = _Change(upcall, old, outgoing, splice, tap, timer)
        self._changes[_channel(upcall)] = change
        self._daemon.watch(tap.fileno(), self.drain)
        while tap.receive() is not None:
            pass  # the kernel has forwarded it
        to_sink = SetForwarding(upcall.source, upcall.group, upcall.interface, (self._sink.name,))
        self._multicast.tell_kernel(to_sink)

    def _read_old(self, change: _Change) -> None:
        while not change.is_over and (frame := change.tap.receive()) is not None:
            packet = ipv6.forwarded(frame.packet)
            if packet is not None:
                self._forward(change, change.splice.by_old(packet))

    def _forward(self, change: _Change, packets: list[bytes]) -> None:
        for packet in packets:
            for link in change.outgoing:
                if link == self._sink.name:
                    self._others(packet)
                else:
                    self._multicast.send(link, packet)
        if change.splice.is_complete:
            self._daemon.soon(partial(self._end, change))

    def _takes_entry(self, action: EntryAction) -> bool:
        """While a change lasts the core goes by the old upstream; else the change is over."""
        change = self._changes.get(_channel(action))
        if change is None:
            return False
        if isinstance(action, SetForwarding):
            change.outgoing = action.outgoing
        if change.is_over:
            return False
        if isinstance(action, RemoveForwarding) or action.incoming != change.old:
            self._end(change, partial(self._multicast.tell_kernel, action))
        return True

    def _end(self, change: _Change, then: Callable[[], None] | None = None) -> None:
        """Let the kernel go on; what is in the sink goes out before and after."""
        if change.is_over:
            return
        change.is_over = True
        change.timer.cancel()
        self._daemon.unwatch(change.tap.fileno())
        self._daemon.aside(change.tap.close)
        upcall = change.upcall
        self._forward(change, change.splice.end())
        self.drain()
        (then or partial(self._multicast.hear, upcall))()
        self.drain()
        del self._changes[_channel(upcall)]
        self._daemon.log.write(
            "spliced",
            source=upcall.source,
            group=upcall.group,
            old=change.old,
            new=upcall.interface,
        )


def _channel(of: Upcall | EntryAction) -> bytes:
    return of.source.packed + of.group.packed
