"""Mobile IPv6 (RFC 6275)."""

from emu.host_based import PROGRAMS
from emu.host_based.checks import check_host_based
from emu.host_based.keys import RouteOptimisation
from emu.scenario.multicast import BIDIRECTIONAL_TUNNEL, REMOTE_SUBSCRIPTION
from emu.schemes.messages import BY_NODE
from emu.schemes.scheme import Scheme
from topologies.parameters import HA

SCHEME = Scheme(
    title="Mobile IPv6, with one home agent",
    source="RFC 6275",
    programs={**PROGRAMS, "ha": ["agents.roles.ha"]},
    agents="emu.schemes.mipv6.agents:Mipv6",
    messages=BY_NODE,
    prediction="emu.schemes.mipv6.prediction:TASKS",
    keys=(RouteOptimisation,),
    check=check_host_based,
    multicast=(REMOTE_SUBSCRIPTION, BIDIRECTIONAL_TUNNEL, "none"),
    centre=HA,
    links=lambda scenario: ("home",),
)
