"""The cores and the simulator of i3 as machine code, where ``make compiled`` has made some of them.

It is kept by a digest of the sources: that of other sources than those that are here is not used.
Where there is none, or one of the modules is loaded already, Python plays them all, and the same.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from hashlib import sha256
from importlib.abc import MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

CHECKOUT = Path(__file__).resolve().parents[2]
_MODULES = (
    "agents/deadlines.py",
    "agents/i3/[!_]*.py",
    "agents/wire/i3_group.py",
    "emu/simulator/engine.py",
    "emu/simulator/i3.py",
    "emu/simulator/i3_chord.py",
    "emu/simulator/internet.py",
)
_PURE = "agents/i3/actions.py"
"""An action's class is derived from one from which other parts' Python is derived, too."""
_KNOWN = ("agents/*.py", "agents/i3/*.py", "agents/wire/*.py", "emu/simulator/*.py")
"""What the machine code may take something for granted of."""


def modules(checkout: Path = CHECKOUT) -> list[str]:
    """The sources of which there is machine code, by their paths in the checkout."""
    found = (path for pattern in _MODULES for path in checkout.glob(pattern))
    return sorted(str(path.relative_to(checkout)) for path in found if not path.match(_PURE))


def place(checkout: Path = CHECKOUT) -> Path:
    """Where the machine code of the sources, as they are now, is or will be, for this Python."""
    digest = sha256(sys.version.encode())
    for path in sorted(path for pattern in _KNOWN for path in checkout.glob(pattern)):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return checkout / "build" / "compiled" / digest.hexdigest()[:16]


class Finder(MetaPathFinder):
    """Finds the modules in a folder by their names, and nothing else."""

    def __init__(self, folder: Path) -> None:
        suffix = EXTENSION_SUFFIXES[0]
        self.paths = {
            ".".join(path.relative_to(folder).parts).removesuffix(suffix): path
            for path in folder.rglob(f"*{suffix}")
        }

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Where a module is, if it is one of them."""
        found = self.paths.get(fullname)
        return None if found is None else spec_from_file_location(fullname, found)


def use(checkout: Path = CHECKOUT) -> None:
    """Have machine code loaded from now on, if there is some of the sources as they are."""
    if (checkout / "build" / "compiled").is_dir() and place(checkout).is_dir():
        finder = Finder(place(checkout))
        if finder.paths.keys().isdisjoint(sys.modules):
            sys.meta_path.insert(0, finder)


def is_used() -> bool:
    """Whether the simulator is machine code in this process."""
    return any(isinstance(finder, Finder) for finder in sys.meta_path)
