"""The kinds of topology that come with the toolkit."""

from __future__ import annotations

from topologies.kind import Topology

DMM_DOMAIN = Topology(
    topo="topologies.dmm_domain:DmmDomain",
    hops=lambda one, other, mars: 2 * (one != other),
    hop=0.5,
    group_of_mars=True,
)
LINE = Topology(topo="topologies.line:Line", hops=lambda one, other, mars: abs(one - other))
INTERNET = Topology(topo="topologies.internet:Internet", hops=lambda one, other, mars: 0)
