"""NEMO, clusters with co-leaders (docs/nemo.md)."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from agents.overlay.interface import Overlay, Place
from agents.overlay.nemo.config import NemoConfig
from agents.overlay.nemo.member import NemoMember
from emu.overlay_protocols.alm import Alm, Switch
from emu.scenario.fields import within
from emu.scenario.section import Section
from emu.scenario.units import DURATION

_DEFAULT = NemoConfig()


class NemoOptions(Section):
    """What may be said of it."""

    cluster: Annotated[int, Field(ge=2, le=16)] = _DEFAULT.cluster
    co_leaders: Annotated[int, Field(ge=0, le=16)] = _DEFAULT.crew
    draw: Literal["packet", "heartbeat"] = "packet"
    heartbeat: Annotated[int, within(DURATION, "100ms", "60s")] = _DEFAULT.heartbeat
    retransmissions: Switch = _DEFAULT.retransmissions
    nack_after: Annotated[int, within(DURATION, "0ms", "10s")] = _DEFAULT.nack_after


def _make(place: Place, options: NemoOptions) -> Overlay:
    config = NemoConfig(
        cluster=options.cluster,
        crew=options.co_leaders,
        draw_each_packet=options.draw == "packet",
        heartbeat=options.heartbeat,
        dead_after=4 * options.heartbeat,
        registration=2 * options.heartbeat,
        retransmissions=options.retransmissions,
        nack_after=options.nack_after,
    )
    return NemoMember(place, config)


ALM = Alm(_make, NemoOptions)
