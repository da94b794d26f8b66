"""A gateway of Automatic Multicast Tunneling: groups from a relay (docs/amt.md)."""

from __future__ import annotations

from typing import Annotated

from agents.overlay.amt.config import GatewayConfig
from agents.overlay.interface import Overlay, Place
from agents.roles.amt_gateway import AmtGateway
from agents.wire.amt import DISCOVERY, PORT
from agents.wire.i3 import Endpoint
from emu.endpoints import endpoint_text
from emu.overlay_protocols.alm import Alm, Switch
from emu.scenario.section import Section

RelayText = Annotated[Endpoint, endpoint_text("a relay", PORT)]


class GatewayOptions(Section):
    """What may be said of it."""

    relay: RelayText | None = None
    """A relay's own address; left out: one is looked for."""
    discovery: RelayText = DISCOVERY
    """Where it is looked for."""
    linux: Switch = False
    """The relay is Linux's amt device."""


def _make(place: Place, options: GatewayOptions) -> Overlay:
    discovery = options.discovery if options.relay is None else None
    return AmtGateway(GatewayConfig(linux=options.linux), options.relay, discovery, place.random)


ALM = Alm(_make, GatewayOptions, port=PORT)
