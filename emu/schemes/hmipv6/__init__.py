"""Hierarchical Mobile IPv6 (RFC 5380)."""

from emu.host_based import PROGRAMS
from emu.scenario.multicast import REMOTE_SUBSCRIPTION
from emu.schemes.hmipv6.anchor_points import nodes
from emu.schemes.hmipv6.checks import check_hmipv6
from emu.schemes.hmipv6.keys import AnchorPoints
from emu.schemes.hmipv6.messages import MESSAGES
from emu.schemes.scheme import Scheme
from topologies.parameters import HA

SCHEME = Scheme(
    title="Mobile IPv6 with mobility anchor points, local home agents",
    source="RFC 5380",
    programs={
        "mar": PROGRAMS["mar"],
        "mn": ["agents.roles.hmipv6.hierarchical_node"],
        "ha": ["agents.roles.ha"],
        "map": ["agents.roles.hmipv6.anchor_point"],
    },
    agents="emu.schemes.hmipv6.agents:Hmipv6",
    messages=MESSAGES,
    virtual="emu.schemes.hmipv6.virtual:run",
    prediction="emu.schemes.hmipv6.prediction:tasks",
    keys=(AnchorPoints,),
    check=check_hmipv6,
    multicast=(REMOTE_SUBSCRIPTION, "none"),
    centre=HA,
    nodes=nodes,
    links=lambda scenario: ("home",),
)
