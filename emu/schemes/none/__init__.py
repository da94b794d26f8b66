"""No mobility management."""

from emu.host_based import PROGRAMS
from emu.schemes.scheme import Scheme

SCHEME = Scheme(
    title="none: access routers that only advertise prefixes",
    source="RFC 4861",
    programs={"mar": PROGRAMS["mar"]},
    i3_clients=True,
    agents="emu.schemes.none.agents:Unmanaged",
)
