"""Which overlay protocols there are: ``protocol`` in a member's configuration names one."""

from __future__ import annotations

import sys
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from emu.extensions import Registry
from emu.overlay_protocols.alm import Alm

PROTOCOLS = {
    "own": "emu.overlay_protocols.own:ALM",
    "nemo": "emu.overlay_protocols.nemo:ALM",
    "i3": "emu.overlay_protocols.i3:ALM",
    "amt-gateway": "emu.overlay_protocols.amt_gateway:ALM",
}
"""Those that come with the toolkit."""
_REGISTRY = Registry("overlay protocol", "emu.overlays", Alm, PROTOCOLS)
_FILE = ".py"


def find(name: str, folder: Path) -> Alm:
    """The protocol of that name, or the ``ALM`` of a Python file (beside the configuration).

    ValueError, with what would be right, for what is none.
    """
    if name in PROTOCOLS or not name.endswith(_FILE):
        return _REGISTRY.find(name, f", or the path of a Python file such as star{_FILE}")
    return _REGISTRY.proven(str(folder / name), partial(_run, folder / name))


def _run(path: Path) -> object:
    """What a file says that its ``ALM`` is."""
    specification = spec_from_file_location(f"emu_overlay_{path.stem}", path)
    assert specification is not None
    assert specification.loader is not None
    module = module_from_spec(specification)
    sys.modules[specification.name] = module  # where dataclasses look their annotations up
    specification.loader.exec_module(module)
    return getattr(module, "ALM", None)
