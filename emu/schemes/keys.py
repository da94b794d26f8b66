"""Keys of a scenario's ``mobility`` that several schemes have."""

from __future__ import annotations

from typing import Annotated, Literal

from emu.scenario.fields import within
from emu.scenario.section import Section
from emu.scenario.units import DURATION


class Variants(Section):
    """Who answers whom in network-based DMM."""

    variant: Literal["relay", "locator", "proxy", "distributed", "mih"] = "proxy"
    """Who answers the serving MAR, and when: the CMD once the previous MARs have answered it; they
    themselves; the CMD at once (RFC 8885 section 3.4); or, fully distributed, there is no CMD, and
    the previous MARs answer what all MARs are asked; or the same, and announced handovers are
    prepared (IEEE 802.21), so that only they are asked. The last two need the topology
    dmm-domain."""
    first_attachment_timeout: Annotated[int, within(DURATION, "1ms", "10s")] = DURATION.parse(
        "100ms"
    )
    """Fully distributed: how long previous MARs have to answer, until a mobile node is taken for
    new; more than a round trip between MARs. Later answers count, too."""

    @property
    def distributed(self) -> bool:
        """Whether there is no CMD."""
        return self.variant in ("distributed", "mih")


class IdleRelease(Section):
    """When an address that no flow uses is given up."""

    idle_release: Annotated[int, within(DURATION, "100ms", "24h")] | None = None
    """How long no packet of an anchored prefix has passed the serving MAR until it is released: its
    last flow is over. None: when the mobile node has left. Client-based: how long no flow has used
    a home address that is not on the link, until it is given up. None: never."""
