"""Keys of a scenario's ``mobility`` that Hierarchical Mobile IPv6 has for itself."""

from __future__ import annotations

from emu.scenario.fields import AccessRouter
from emu.scenario.model import Link
from emu.scenario.section import Section


class AnchorPoint(Section):
    """A mobility anchor point (MAP), ``map1`` if it is the first; its prefix is 2001:db8:b001::."""

    mars: list[AccessRouter] = []
    """The access routers of its domain, which tell of it. None: all, if there is no other MAP."""
    link: Link = Link()
    """An access router of its domain to it."""
    home: Link = Link()
    """It to the root multicast router."""


class AnchorPoints(Section):
    """Where mobile nodes find a home agent that is nearer than their own."""

    maps: list[AnchorPoint] = [AnchorPoint()]
    """The MAPs. In the domain of none a mobile node does Mobile IPv6."""
