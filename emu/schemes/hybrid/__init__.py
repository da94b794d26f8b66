"""The hybrid scheme: network-based at home, client-based elsewhere (HDMM paper, section 4.3)."""

from emu import host_based
from emu.host_based.keys import RouteOptimisation, Security
from emu.schemes import dmm
from emu.schemes.hybrid.checks import check_hybrid
from emu.schemes.hybrid.keys import Domains
from emu.schemes.keys import Variants
from emu.schemes.messages import BY_BOTH
from emu.schemes.scheme import Scheme

SCHEME = Scheme(
    title="both in one: network-based DMM at home, client-based elsewhere",
    source="HDMM paper, section 4.3",
    programs={
        **dmm.PROGRAMS,
        **host_based.PROGRAMS,
        "mar": [*dmm.PROGRAMS["mar"], *host_based.PROGRAMS["mar"]],
    },
    agents="emu.schemes.hybrid.agents:Hybrid",
    messages=BY_BOTH,
    prediction="emu.schemes.hybrid.prediction:tasks",
    keys=(Variants, Domains, Security, RouteOptimisation),
    check=check_hybrid,
    second_domain=lambda scenario: scenario.mobility.of(Domains).foreign_domain,
)
