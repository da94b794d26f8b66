"""Gives up home addresses that no flow uses any more."""

from __future__ import annotations

import time

from agents.kernel.conntrack import Conntrack
from agents.kernel.flows import addresses_in_use
from agents.mipv6.mobile_node import MobileNodeCore
from agents.mipv6.update_list import Phase
from agents.roles.daemon import Daemon

_LOOKS = 4
"""How often sockets and packets are looked at while an address is idle."""


class IdleHomes:
    """Releases each home address that was idle, and off the link, for ``idle`` ns."""

    def __init__(self, daemon: Daemon, core: MobileNodeCore, idle: int) -> None:
        self._daemon = daemon
        self._core = core
        self._idle = idle
        self._conntrack = Conntrack()
        self._last_used: dict[object, int] = {}
        self._look()

    def _look(self) -> None:
        now = time.monotonic_ns()
        homes = self._core.bindings()
        used = addresses_in_use() | self._conntrack.addresses_in_use()
        self._last_used = {
            home: now
            if home in used or binding.phase is Phase.HOME
            else self._last_used.get(home, now)
            for home, binding in homes.items()
        }
        for home in homes:
            if now - self._last_used[home] >= self._idle:
                self._daemon.carry_out(self._core, self._core.release(home, now))
        self._daemon.after(self._idle / _LOOKS / 1e9, self._look)
