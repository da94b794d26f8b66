"""Trees on i3 (docs/overlay-protocols.md, docs/i3.md)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agents.overlay.interface import Overlay, Place
from agents.roles.i3_overlay import I3Overlay, TreeOptions
from agents.roles.i3_port import PORT
from agents.wire.i3 import Endpoint
from emu.endpoints import endpoint_text
from emu.overlay_protocols.alm import Alm, Secret, Switch
from emu.scenario.section import Section


class I3Options(Section):
    """What may be said of it."""

    servers: Annotated[
        tuple[Annotated[Endpoint, endpoint_text("a server", PORT)], ...],
        Field(min_length=1, examples=["['[2001:db8::1]:5610']"]),
    ]
    tree: Annotated[Secret, Field(examples=["SECRET"])]
    founder: Switch = False
    degree: Annotated[int, Field(ge=2, le=64)] = 8


def _make(place: Place, options: I3Options) -> Overlay:
    told = TreeOptions(options.servers, options.tree.encode(), options.founder, options.degree)
    return I3Overlay(place, told)


ALM = Alm(_make, I3Options)
