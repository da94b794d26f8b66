"""Which mobility schemes there are: ``mobility.scheme`` of a scenario names one."""

from __future__ import annotations

from emu.extensions import Registry
from emu.schemes.scheme import Scheme

SCHEMES = Registry(
    "mobility scheme",
    "emu.schemes",
    Scheme,
    {
        name: f"emu.schemes.{name}:SCHEME"
        for name in ("dmm", "pmipv6", "fpmipv6", "mipv6", "hmipv6", "client", "hybrid", "none")
    },
)
"""Those of the toolkit, and those of other packages."""
