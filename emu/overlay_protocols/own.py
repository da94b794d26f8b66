"""The protocol of our own (docs/overlay.md)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from agents.overlay.config import OverlayConfig
from agents.overlay.data_path import Capacity
from agents.overlay.interface import Overlay, Place
from agents.overlay.member import Member, Self
from agents.overlay.sealing import Sealer
from agents.wire.overlay import MEMBER_ID_LENGTH, MemberId
from emu.overlay_protocols.alm import Alm
from emu.scenario.section import Section


class OwnOptions(Section):
    """What may be said of it."""

    degree: Annotated[int, Field(ge=1, le=64)] = 4
    """Children in each tree."""


def _make(place: Place, options: OwnOptions) -> Overlay:
    member = MemberId(place.random.randbytes(MEMBER_ID_LENGTH))
    return Member(
        Self(member, place.name, place.endpoints, place.reachable),
        place.seeds,
        Sealer(member, place.secrets, place.current, place.path),
        OverlayConfig(degree=options.degree),
        place.random,
        place.now,
        place.path,
    )


def _in_kernel(options: OwnOptions) -> Capacity:
    return Capacity(options.degree, OverlayConfig().maximum_trees)


ALM = Alm(_make, OwnOptions, all_known=True, in_kernel=_in_kernel)
