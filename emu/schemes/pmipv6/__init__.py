"""Proxy Mobile IPv6 (RFC 5213)."""

from emu.scenario.multicast import RFC6224, RFC7028
from emu.schemes.messages import BY_NETWORK
from emu.schemes.scheme import Scheme
from topologies.parameters import LMA

SCHEME = Scheme(
    title="Proxy Mobile IPv6, with a local mobility anchor",
    source="RFC 5213",
    programs={"mar": ["agents.roles.mag"], "lma": ["agents.roles.lma"]},
    agents="emu.schemes.pmipv6.agents:Pmipv6",
    messages=BY_NETWORK,
    virtual="emu.schemes.pmipv6.virtual:run",
    prediction="emu.schemes.pmipv6.prediction:TASKS",
    multicast=(RFC6224, RFC7028, "none"),
    centre=LMA,
    links=lambda scenario: ("home",),
    caches=lambda scenario: ("lma",),
)
