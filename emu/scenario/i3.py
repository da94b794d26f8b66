"""Trees on the Internet Indirection Infrastructure: the overlay of scheme ``i3``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from emu.scenario.fields import Loss, within
from emu.scenario.section import Section
from emu.scenario.units import DURATION

SERVER, CLIENT = "i3-server", "i3-client"
"""The roles of nodes."""


Degree = Annotated[int, Field(ge=1, le=64)]
"""How many children a member has at most, the paper's D."""
Lifetime = Annotated[int, within(DURATION, "3s", "1h")]
"""A trigger that nobody refreshes for so long is gone."""
Refresh = Literal["naive", "refresh-unif", "refresh-level"]
"""Who refreshes the triggers above a member (section 4)."""
RefreshPeriod = Annotated[int, within(DURATION, "1s", "1h")]
"""The lifetime, less a factor for losses."""
Recovery = Literal["off", "rel-loss", "rel-random"]
"""Whom of its siblings a member asks for a lost packet: nobody, the one that loses least, or
another for each packet (section 5)."""


Metric = Literal["delay", "loss", "bandwidth"]
"""By what members choose their places (section 3.2.2)."""


Roots = Annotated[int, Field(ge=1, le=65)]
"""How many members newcomers can ask first: the founder and the first receivers (section 3.2.1)."""
RootChoice = Literal["list", "anycast"]
"""Who chooses among them: the newcomer, which knows how many there are, or the infrastructure."""


class HopLoss(Section):
    """What is lost of datagrams; each hop loses a share between 0 and this, drawn once a run."""

    hop: Loss = 0.0
    """From one server to another."""
    last_hop: Loss = 0.0
    """From and to a client: its own share, whoever is at the other end."""


class I3(Section):
    """What servers and members of the group agree upon."""

    scheme: Literal["i3"] = Field(examples=["i3"])
    degree: Degree = 8
    lifetime: Lifetime = DURATION.parse("30s")
    refresh: Refresh = "refresh-level"
    refresh_period: RefreshPeriod = DURATION.parse("10s")
    recovery: Recovery = "off"
    metric: Metric = "delay"
    roots: Roots = 1
    root_choice: RootChoice = "list"
    loss: HopLoss = HopLoss()
