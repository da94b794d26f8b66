"""What the MAGs are told beside what Proxy Mobile IPv6 tells them."""

from __future__ import annotations

from emu.schemes.agents import Agent
from emu.schemes.fpmipv6.keys import FastHandovers
from emu.schemes.pmipv6.agents import Pmipv6


class Fpmipv6(Pmipv6):
    """RFC 5949."""

    def _mag(self, name: str) -> Agent:
        _, config = super()._mag(name)
        handovers = self.scenario.mobility.of(FastHandovers)
        return "agents.roles.fpmipv6.fast_mag", {
            **config,
            "handovers": {
                "predictive": handovers.fast_handover == "predictive",
                "lifetime": handovers.handover_lifetime,
                "buffer_size": handovers.handover_buffer,
            },
        }
