"""Proxy Mobile IPv6 with fast handovers (RFC 5949)."""

from dataclasses import replace

from emu.schemes.fpmipv6.keys import FastHandovers
from emu.schemes.pmipv6 import SCHEME as PMIPV6

SCHEME = replace(
    PMIPV6,
    title="Proxy Mobile IPv6 with fast handovers between the MAGs",
    source="RFC 5949",
    programs={"mar": ["agents.roles.fpmipv6.fast_mag"], "lma": ["agents.roles.lma"]},
    agents="emu.schemes.fpmipv6.agents:Fpmipv6",
    virtual="emu.schemes.fpmipv6.virtual:run",
    prediction="",
    keys=(FastHandovers,),
)
