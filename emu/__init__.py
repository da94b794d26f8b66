"""An emulation toolkit for distributed mobility management and multicast under mobility."""

from __future__ import annotations

from typing import TYPE_CHECKING

__version__ = "0.1.0"
__all__ = ["__version__", "open_record"]

if TYPE_CHECKING:
    from emu.tables import open_record


def __getattr__(name: str) -> object:
    """Loads `open_record` when it is asked for: programs that do not need it start faster."""
    if name == "open_record":
        from emu.tables import open_record

        return open_record
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
