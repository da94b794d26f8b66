"""Client-based distributed mobility management: each access router is a home agent."""

from __future__ import annotations

from emu.host_based.agents import HostBased


class Client(HostBased):
    """Section 4.1 of the HDMM paper. There is no central entity; ``cmd`` stands idle."""

    homes_are_local = True
