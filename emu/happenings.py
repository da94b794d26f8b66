"""What the conductor does itself while a scenario plays; the rest is the traffic processes'."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict

from emu.lab import Lab
from emu.scenario.events import (
    Crash,
    Detach,
    Handover,
    Heal,
    NewPolicy,
    Partition,
    PolicyChange,
    Restart,
)
from emu.services.running import RunningServices

Happening = Handover | Detach | PolicyChange | NewPolicy | Crash | Restart | Partition | Heal


class Happenings:
    """Carries out the events of a scenario in a lab whose time was 0 at ``t0`` (ns)."""

    def __init__(self, lab: Lab, services: RunningServices, t0: int) -> None:
        self._lab = lab
        self._services = services
        self._t0 = t0
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """On a machine that stops now and then, a node's last change may last into its next."""

    async def happen(self, event: Happening) -> None:
        """Carry it out at its time, or as soon after it as can be."""
        if isinstance(event, Handover) and event.announced:
            await self._until(event.begins)
            async with self._turns[event.handover]:
                await self._lab.radio.announce(event.handover, event.to)
        await self._until(event.at)
        if isinstance(event, PolicyChange):
            self._lab.channel_control.change(event.policy)
        elif isinstance(event, NewPolicy):
            self._lab.channel_control.change_policy(event.new_policy)
        elif isinstance(event, Crash):
            self._crash(event.crash)
        elif isinstance(event, Restart):
            await self._restart(event.restart)
        elif isinstance(event, Partition):
            self._lab.cut_off(event.hosts)
        elif isinstance(event, Heal):
            self._lab.heal(event.hosts)
        elif isinstance(event, Detach):
            async with self._turns[event.detach]:
                await self._lab.radio.detach(event.detach)
        else:
            async with self._turns[event.handover]:
                await self._hand_over(event)

    def _crash(self, name: str) -> None:
        (self._services.crash if name in self._services.names else self._lab.crash)(name)

    async def _restart(self, name: str) -> None:
        restart = self._services.restart if name in self._services.names else self._lab.restart
        await restart(name)

    async def _hand_over(self, event: Handover) -> None:
        if event.handover not in self._lab.places:
            await self._lab.radio.attach(event.handover, event.to)
        else:
            carrier = self._lab.scenario.topology.access.carrier
            await self._lab.radio.move(event.handover, event.to, event.gap, carrier)

    async def _until(self, at: int) -> None:
        await asyncio.sleep(max(0, self._t0 + at - time.monotonic_ns()) / 1e9)
