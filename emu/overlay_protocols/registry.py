"""Which overlay protocols there are: ``protocol`` in a member's configuration names one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

from emu.overlay_protocols.alm import Alm
from emu.scenario.errors import one_of, quote

PROTOCOLS = {
    "own": "emu.overlay_protocols.own",
    "nemo": "emu.overlay_protocols.nemo",
    "i3": "emu.overlay_protocols.i3",
    "amt-gateway": "emu.overlay_protocols.amt_gateway",
}
"""Those that come with the toolkit: each module has its ``ALM``."""
GROUP = "emu.overlays"
"""Entry points of other packages: each is an ``Alm``."""
_FILE = ".py"


def find(name: str, folder: Path) -> Alm:
    """The protocol of that name, or the ``ALM`` of a Python file (beside the configuration).

    ValueError, with what would be right, for what is none.
    """
    if name in PROTOCOLS:
        found = import_module(PROTOCOLS[name]).ALM
    elif name.endswith(_FILE):
        found = _of_others(partial(_run, folder / name), str(folder / name))
    else:
        others = entry_points(group=GROUP)
        if name not in others.names:
            known = [*PROTOCOLS, *sorted(others.names)]
            remedy = f"write {one_of(known)}, or the path of a Python file such as star{_FILE}"
            raise ValueError(f"{quote(name)} is no overlay protocol; {remedy}")
        found = _of_others(others[name].load, name)
    if not isinstance(found, Alm):
        raise ValueError(f"{name} has no overlay protocol in it; write ALM = Alm(…) there")
    return found


def _of_others(load: Callable[[], object], name: str) -> object:
    try:
        return load()
    except Exception as error:  # somebody else's code may raise anything
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        raise ValueError(f"{name} cannot be loaded ({why}); mend it") from None


def _run(path: Path) -> object:
    """What a file says that its ``ALM`` is."""
    specification = spec_from_file_location(f"emu_overlay_{path.stem}", path)
    assert specification is not None
    assert specification.loader is not None
    module = module_from_spec(specification)
    sys.modules[specification.name] = module  # where dataclasses look their annotations up
    specification.loader.exec_module(module)
    return getattr(module, "ALM", None)
