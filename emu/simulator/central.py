"""A CMD in virtual time: what it has stored outlives it, and it may be killed before any step."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv6Address

from agents.core import Action, Log
from agents.mobility.actions import Forget, Store
from agents.mobility.cmd import CmdCore
from agents.mobility.cmd_pair import CmdPair
from agents.wire.mobility import Message
from emu.simulator.host import Host
from emu.simulator.world import World


class Central:
    """One CMD of a domain; ``make`` gives the core of its first, second, … life."""

    def __init__(
        self,
        world: World,
        name: str,
        address: IPv6Address,
        make: Callable[[int], CmdCore | CmdPair],
        observe: Callable[[Message, IPv6Address], None],
    ) -> None:
        self.core: CmdCore | CmdPair
        self.stored: dict[str, bytes] = {}
        """What it has stored."""
        self.actions = 0
        """How much it has done so far: stored, or sent."""
        self.crash_at: int | None = None
        """The action, by that number, before which it crashes."""
        self.on_crash: Callable[[], None] = lambda: None
        self.on_restart: Callable[[], None] = lambda: None
        self._world = world
        self._name = name
        self._address = address
        self._make = make
        self._observe = observe
        self._stores = 0
        self._lives = 0
        self._start()

    @property
    def runs(self) -> bool:
        """Whether it was not killed."""
        return self._host.runs

    def crash(self) -> None:
        """It is killed; it has only what is stored."""
        self._world.network.leave(self._address)
        self._host.stop()
        self.on_crash()

    def restart(self) -> None:
        """Another one begins with what the one that was killed had stored."""
        self._start()
        self.on_restart()
        self.begin()

    def begin(self) -> None:
        """Go on with what is stored."""
        entries = dict(self.stored).items()
        self._host.carry_out(self.core.restore(entries, self._world.engine.now))

    def _start(self) -> None:
        self._lives += 1
        self.core = self._make(self._lives)
        self._host = Host(self._world.engine, self.core, self._perform)
        self._world.network.join(self._address, self._receive)

    def _receive(self, data: Message | bytes, source: IPv6Address) -> None:
        message = self._world.unpack(data, source, self._address)
        host, stores = self._host, self._stores
        host.carry_out(self.core.receive(message, source, self._world.engine.now))
        if host.runs or self._stores > stores:
            self._observe(message, source)

    def _perform(self, action: Action) -> None:
        if not isinstance(action, Log):
            self.actions += 1
            if self.actions == self.crash_at:
                self.crash()
                return
        if isinstance(action, Store):
            self.stored[action.identifier] = action.record
            self._stores += 1
        elif isinstance(action, Forget):
            del self.stored[action.identifier]
        elif not self._world.signal(action, self._address, self._name):
            raise TypeError(f"a CMD has no use for {action}")
