"""The topologies for plain Mininet: ``mn --custom topologies/custom.py`` looks for ``topos``."""

from topologies import kinds

topos = {
    "dmm-domain": kinds.DMM_DOMAIN.load(),
    "line": kinds.LINE.load(),
    "internet": kinds.INTERNET.load(),
}
