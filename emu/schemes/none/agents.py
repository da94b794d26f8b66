"""No mobility management: a mobile node has another address at each access router."""

from __future__ import annotations

from emu.host_based.agents import HostBased
from emu.schemes.agents import Agent, Agents


class Unmanaged(HostBased):
    """Access routers that only advertise. Who is in a group on i3 keeps its identifiers."""

    def _mn(self, name: str) -> Agent:
        return self.i3.client(name) if self.i3.is_member(name) else Agents._mn(self, name)
