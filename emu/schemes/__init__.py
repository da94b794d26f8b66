"""The mobility schemes: which agents each has on the nodes of a network, and what they are told."""

from __future__ import annotations

from emu.schemes.base import Scheme
from emu.schemes.client import Client
from emu.schemes.dmm import Dmm
from emu.schemes.hybrid import Hybrid
from emu.schemes.mipv6 import Mipv6
from emu.schemes.pmipv6 import Pmipv6
from emu.schemes.unmanaged import Unmanaged

SCHEMES: dict[str, type[Scheme]] = {
    "dmm": Dmm,
    "pmipv6": Pmipv6,
    "mipv6": Mipv6,
    "client": Client,
    "hybrid": Hybrid,
    "none": Unmanaged,
}
"""By the scenario's ``mobility.scheme``."""
