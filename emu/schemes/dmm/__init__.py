"""Network-based distributed mobility management (RFC 8885; HDMM paper, section 4.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emu.scenario.multicast import MLD_DMM, MULTI_UPSTREAM
from emu.schemes.dmm.checks import check_dmm
from emu.schemes.dmm.keys import WithCmd
from emu.schemes.keys import IdleRelease, Variants
from emu.schemes.messages import BY_NETWORK
from emu.schemes.scheme import Scheme
from topologies.parameters import MCC, Extra

if TYPE_CHECKING:
    from emu.scenario.model import Scenario

PROGRAMS = {
    "mar": ["agents.roles.mar"],
    "cmd": ["agents.roles.cmd"],
    "ix": ["agents.roles.mr"],
    "mcc": ["agents.roles.mcc"],
}
"""The agents, by the roles of nodes."""


def _links(scenario: Scenario) -> tuple[str, ...]:
    return ("standby",) if scenario.mobility.of(WithCmd).standby else ()


def _nodes(scenario: Scenario) -> tuple[Extra, ...]:
    """The channel control, if it is a node of its own."""
    control = scenario.multicast.channel_control
    if control is None or control.at != "mcc":
        return ()
    return (Extra(MCC.role, MCC, scenario.topology.mcc.quality()),)


def _restartable(scenario: Scenario) -> list[str]:
    mobility = scenario.mobility
    cmds = ["cmd", "cmd2"] if mobility.of(WithCmd).standby else ["cmd"]
    return [
        *scenario.topology.access_routers,
        *([] if mobility.of(Variants).distributed else cmds),
    ]


SCHEME = Scheme(
    title="network-based DMM: every access router anchors prefixes",
    source="RFC 8885; HDMM paper, section 4.2",
    programs=PROGRAMS,
    agents="emu.schemes.dmm.agents:Dmm",
    messages=BY_NETWORK,
    virtual="emu.simulator.schedule:run",
    prediction="emu.schemes.dmm.prediction:tasks",
    keys=(Variants, WithCmd, IdleRelease),
    check=check_dmm,
    multicast=(MLD_DMM, MULTI_UPSTREAM, "none"),
    links=_links,
    nodes=_nodes,
    restartable=_restartable,
    caches=lambda scenario: scenario.topology.access_routers,
)
