"""Topologies: Mininet Topo classes by the name that a scenario calls them."""

KINDS = {
    "dmm-domain": "topologies.kinds:DMM_DOMAIN",
    "line": "topologies.kinds:LINE",
    "internet": "topologies.kinds:INTERNET",
}
"""Where each of the toolkit's is declared (`topologies.kind`)."""
