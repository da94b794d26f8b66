"""A kernel's forwarding of one channel, and the loop of the agent on it, without any of them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from random import Random
from typing import Any

from proxies import S1, G

from agents.core import Action
from agents.kernel.mroute import Entry, Upcall, UpcallKind
from agents.kernel.sockets import Frame
from agents.wire import ipv6

UDP = 17
SINK = "waiting"


class Kernel:
    """Stands for ``MulticastRouting``; ``sent`` are the packets of the channel that have left."""

    def __init__(self) -> None:
        self.now: Entry | None = None
        self.sent: list[tuple[str, bytes]] = []
        self.sink: deque[bytes] = deque()
        self.taps: dict[str, list[Tap]] = defaultdict(list)
        self._upcalls: list[Upcall] = []
        self._unresolved: list[tuple[str, bytes]] = []

    def arrives(self, link: str, packet: bytes) -> None:
        """A packet comes in by a link."""
        for tap in self.taps[link]:
            tap.frames.append(Frame(packet, b"", False, 0))
        if self.now is None:
            self._unresolved.append((link, packet))
            self._upcalls.append(Upcall(UpcallKind.NO_ENTRY, S1, G, link))
        elif self.now.incoming != link:
            self._upcalls.append(Upcall(UpcallKind.WRONG_INTERFACE, S1, G, link))
        else:
            onward = ipv6.forwarded(packet)
            assert onward is not None
            for outgoing in self.now.outgoing:
                self.leaves(outgoing, onward)

    def leaves(self, link: str, packet: bytes) -> None:
        """A packet goes out by a link; MLD is none of ours."""
        if link == SINK:
            self.sink.append(packet)
        elif ipv6.parse(packet).next_header == UDP:
            self.sent.append((link, packet))

    def fileno(self) -> str:
        return "routing"

    def add_interface(self, name: str) -> None:
        pass

    def remove_interface(self, name: str) -> None:
        if self.now is not None and self.now.incoming == name:
            self.now = None

    def entry(self, source: object, group: object) -> Entry | None:
        return self.now

    def set_entry(
        self, source: object, group: object, incoming: str, outgoing: tuple[str, ...]
    ) -> None:
        self.now = Entry(incoming, frozenset(outgoing))
        waiting, self._unresolved = self._unresolved, []
        for link, packet in waiting:
            self.arrives(link, packet)

    def delete_entry(self, source: object, group: object) -> None:
        self.now = None

    def read_upcalls(self) -> list[Upcall]:
        upcalls, self._upcalls = self._upcalls, []
        return upcalls


class Sink:
    """Stands for ``agents.kernel.sink.Sink``."""

    name = SINK

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    def fileno(self) -> str:
        return SINK

    def receive(self) -> bytes | None:
        return self._kernel.sink.popleft() if self._kernel.sink else None


class Tap:
    """Stands for a ``LinkSocket`` that the channel's packets pass."""

    def __init__(self, kernel: Kernel, link: str) -> None:
        self.frames: deque[Frame] = deque()
        self._taps = kernel.taps[link]
        self._taps.append(self)

    def fileno(self) -> str:
        return "tap"

    def receive(self) -> Frame | None:
        return self.frames.popleft() if self.frames else None

    def close(self) -> None:
        self._taps.remove(self)


class Port:
    """Stands for a ``LinkPort``."""

    def __init__(self, kernel: Kernel, name: str) -> None:
        self.name = name
        self._kernel = kernel

    def send(self, packet: bytes, link_layer_destination: bytes | None = None) -> None:
        self._kernel.leaves(self.name, packet)

    def close(self) -> None:
        pass


class Alarm:
    """What ``Daemon.after`` gives."""

    def __init__(self, call: Callable[[], None]) -> None:
        self.call = call
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True


class Loop:
    """Stands for ``Daemon``, and has its turn when it is told; ``logged`` are its events."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []
        self.logged: list[str] = []
        self.log = self
        self._handlers: dict[type[Action], Callable[[Any], None]] = {}
        self._readers: dict[object, Callable[[], None]] = {}
        self._calls: list[Callable[[], None]] = []

    def turn(self, random: Random) -> None:
        """Read all that can be read, in any order, and do what that sets off."""
        readers = list(self._readers)
        random.shuffle(readers)
        for reader in readers:
            self._readers.get(reader, lambda: None)()
        while self._calls:
            self._calls.pop(0)()

    def on(self, action: type[Action], handler: Callable[[Any], None]) -> None:
        self._handlers[action] = handler

    def carry_out(self, core: object, actions: list[Action]) -> None:
        for action in actions:
            self._handlers.get(type(action), lambda action: None)(action)

    def watch(self, fd: object, readable: Callable[[], None]) -> None:
        self._readers[fd] = readable

    def unwatch(self, fd: object) -> None:
        del self._readers[fd]

    def soon(self, call: Callable[[], None]) -> None:
        self._calls.append(call)

    def after(self, seconds: float, call: Callable[[], None]) -> Alarm:
        self.alarms.append(Alarm(call))
        return self.alarms[-1]

    def aside(self, call: Callable[[], None]) -> None:
        call()

    def write(self, kind: str, **fields: object) -> None:
        self.logged.append(kind)
