"""The topologies for plain Mininet: ``mn --custom topologies/custom.py`` looks for ``topos``."""

from topologies import KINDS, topology

topos = {kind: topology(kind) for kind in KINDS}
