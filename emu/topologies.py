"""Which kinds of topology there are: ``topology.kind`` of a scenario names one."""

from __future__ import annotations

from emu.extensions import Registry
from topologies import KINDS
from topologies.kind import Topology

TOPOLOGIES = Registry("topology", "emu.topologies", Topology, KINDS)
"""Those of the toolkit, and those of other packages."""
