"""What an overlay protocol is to a configuration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

from agents.overlay.data_path import Capacity
from agents.overlay.interface import Overlay, Place
from agents.wire.overlay import PORT
from emu.scenario.section import Section

_SMALLEST_SECRET = 16


def _secret(value: str) -> str:
    if len(value) < _SMALLEST_SECRET:
        raise ValueError(
            f"has {len(value)} characters; write a secret of 16 or more, such as the output of "
            "openssl rand -hex 16"
        )
    return value


def _switch(value: object) -> object:
    return {"on": True, "off": False}.get(value, value) if isinstance(value, str) else value


Secret = Annotated[str, AfterValidator(_secret)]
"""What all members share, as text."""
Switch = Annotated[bool, BeforeValidator(_switch)]
"""``on`` or ``off``."""


class NoOptions(Section):
    """Nothing is to be said."""


@dataclass(frozen=True)
class Alm:
    """An application layer multicast protocol: how a member of it is made."""

    make: Callable[[Place, Any], Overlay]
    """Makes the core of a member with these options."""
    options: type[Section] = NoOptions
    """What ``options`` may say in the configuration."""
    all_known: bool = False
    """Whether each member comes to know all others, and logs that (``overlay_member``)."""
    port: int = PORT
    """The UDP port of members in a lab."""
    in_kernel: Callable[[Any], Capacity] | None = None
    """With these options, what a data path in the kernel is to be ready for; None: it has none."""
