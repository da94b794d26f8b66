"""Topologies: Mininet Topo classes by the name that a scenario calls them.

``topos`` is the name by which ``mn --custom …`` finds them.
"""

from topologies.dmm_domain import DmmDomain
from topologies.domain import Domain
from topologies.line import Line

kinds: dict[str, type[Domain]] = {"dmm-domain": DmmDomain, "line": Line}
topos = kinds
