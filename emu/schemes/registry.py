"""Which mobility schemes there are: ``mobility.scheme`` of a scenario names one."""

from __future__ import annotations

from pkgutil import iter_modules

from emu import schemes
from emu.extensions import Registry
from emu.schemes.scheme import Scheme

SCHEMES = Registry(
    "mobility scheme",
    "emu.schemes",
    Scheme,
    {
        folder.name: f"emu.schemes.{folder.name}:SCHEME"
        for folder in iter_modules(schemes.__path__)
        if folder.ispkg
    },
)
"""Those of the toolkit, each a folder beside this file, and those of other packages."""
